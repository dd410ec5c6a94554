/* SPDX-License-Identifier: Apache-2.0
 *
 * Our aggregate states against ClickHouse itself (libchdb in this process): random rows of all
 * types are dealt to several cubes, sealed into a random tier in random parts, each part inserted
 * into an AggregatingMergeTree as its own block; the merged answer must equal the plain SELECT over
 * the raw rows, text for text, before and after OPTIMIZE FINAL. Sums of floats are exact by choice
 * of values.
 *
 *   diff_aggregate [programs] [seed] [least]      exit 77 = skipped: no libchdb
 *
 * A measure is a case. A difference is cut down to its measure alone over the fewest rows from the first on
 * that still differ. Hits are counted by function and combinator; with `least` the run fails where one was
 * hit less often. */
#include <math.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec/native.h"
#include "column/compound.h"
#include "engine/cube.h"
#include "harness.h"

enum { MAX_MEASURES = 24, MAX_ROWS = 6000, N_CUBES = 3, NONE = 1000 };

static uint64_t seed_of_case;

/* The answer as TSV; ends the program on an exception. */
static char *query(const char *sql)
{
    AUTO_DONE(buf) answer = {0};

    if (!chdb_ask(&answer, str_of(sql), "TSV")) {
        fprintf(stderr, "seed %llu: %s\n%s\n", (unsigned long long)seed_of_case, sql, buf_cstr(&answer));
        fflush(NULL);
        _exit(1);
    }
    return xstrndup(answer.n ? answer.p : "", answer.n);
}

static void run(const char *sql)
{
    free(query(sql));
}

/* ---- rows ---- */

static const char *const type_names[] = {
    "Bool", "UInt8", "UInt16", "UInt32", "UInt64", "Int8", "Int16", "Int32", "Int64", "Float32",
    "Float64", "String", "LowCardinality(String)", "Date", "DateTime", "DateTime64(3)",
    "DateTime64(9)", "IPv4", "IPv6", "Decimal(9, 2)", "Decimal(38, 4)", "Date32", "UUID",
    "Enum8('a' = 1, 'b' = 0, 'c' = -3)", "FixedString(5)", "Array(UInt16)", "Array(Float64)",
    "Map(String, UInt16)", "Array(String)", "Array(Array(UInt8))", "Array(Date)",
};

enum { N_TYPES = COUNT(type_names), N_COLUMNS = 4 * N_TYPES };

/* Columns: each type, plain and Nullable, and both once more constant within a key (for any). */
struct events {
    size_t n;
    uint32_t *times;
    struct column keys[3], condition, columns[N_COLUMNS], id; /* id: no two rows have the same */
    struct arena arena;
};

static bool is_constant(size_t column)
{
    return column >= 2 * N_TYPES;
}

static struct column column_new(struct arena *arena, const char *type, bool nullable, size_t n)
{
    char name[64];
    struct column c = {0};
    if (nullable && str_starts(str_of(type), "LowCardinality"))
        snprintf(name, sizeof(name), "LowCardinality(Nullable(String))");
    else if (nullable && str_starts(str_of(type), "Array(Array"))
        snprintf(name, sizeof(name), "Array(Array(Nullable(UInt8)))");
    else if (nullable && str_starts(str_of(type), "Array")) /* its elements are */
        snprintf(name, sizeof(name), "Array(Nullable%s)", type + 5);
    else if (nullable && str_starts(str_of(type), "Map"))
        snprintf(name, sizeof(name), "Map(String, Nullable(UInt16))");
    else
        snprintf(name, sizeof(name), nullable ? "Nullable(%s)" : "%s", type);
    if (type_parse(&c.type, str_of(name), NULL) != ERR_OK)
        abort();
    c.values = arena_zero(arena, n * 16 + 16);
    if (c.type.is_nullable)
        c.nulls = arena_zero(arena, n + 1);
    return c;
}

static void set_value(struct arena *arena, struct column *c, size_t row, uint64_t v);

/* An array or map of up to four elements. */
static void set_elements(struct arena *arena, struct type t, void *at, uint64_t v)
{
    struct array_room room;
    uint32_t n = (uint32_t)(v % 5);
    *(struct array_value *)at = array_new(arena, t, n, &room);
    struct column values = {.type = type_element(t, t.kind == TYPE_MAP), .values = room.values};
    values.type.is_nullable = false;
    for (uint32_t i = 0; i < n; i++) {
        v = v * 6364136223846793005ULL + 1;
        if (t.kind == TYPE_MAP)
            ((struct str *)room.keys)[i] = str_of(arena_printf(arena, "k%u", i * 2 + (unsigned)(v >> 60) % 2));
        if (room.nulls != NULL && (v >> 50) % 4 == 0)
            room.nulls[i] = 1;
        else
            set_value(arena, &values, i, v >> 33);
    }
}

static void set_value(struct arena *arena, struct column *c, size_t row, uint64_t v)
{
    char *at = (char *)c->values + row * type_width(c->type);
    double quarter = ((double)(v % 4001) - 2000) / 4;
    float narrow = (float)quarter;
    uint64_t wide[2] = {v, v * 0x9e3779b97f4a7c15ULL};
    switch (c->type.kind) {
    case TYPE_BOOL: *(uint8_t *)at = v & 1; break;
    case TYPE_FLOAT32: memcpy(at, &narrow, 4); break;
    case TYPE_FLOAT64:
        if (v % 37 == 0)
            quarter = NAN;
        memcpy(at, &quarter, 8);
        break;
    case TYPE_STRING: {
        char *text = arena_printf(arena, "%.*s%llu", (int)(v % 31),
                                  "abcdefghijklmnopqrstuvwxyzABCDE",
                                  (unsigned long long)(v % 100003));
        *(struct str *)at = v % 29 == 0 ? (struct str){"", 0} : str_of(text);
        break;
    }
    case TYPE_DATETIME64: wide[0] = (uint64_t)((int64_t)(v % 4000000000000000ULL) - 1000000000000000LL);
        if (c->type.scale == 9)
            wide[0] = (uint64_t)((int64_t)(v % 3000000000000000000ULL));
        memcpy(at, wide, 8);
        break;
    case TYPE_DECIMAL:
        wide[0] = (uint64_t)((int64_t)(v % 2000000) - 1000000);
        wide[1] = (uint64_t)((int64_t)wide[0] >> 63);
        memcpy(at, wide, type_width(c->type));
        break;
    case TYPE_DATE32: *(int32_t *)at = (int32_t)(v % 140000) - 25567; break;
    case TYPE_ENUM8: *(int8_t *)at = (int8_t[]){1, 0, -3}[v % 3]; break;
    case TYPE_FIXED_STRING:
        *(struct str *)at = (struct str){arena_printf(arena, "%05llu", (unsigned long long)(v % 100000)), 5};
        break;
    case TYPE_ARRAY:
    case TYPE_MAP: set_elements(arena, c->type, at, v); break;
    default: memcpy(at, wide, type_width(c->type));
    }
}

/* distinct 0: any value. Zeros are frequent, as in life. */
static uint64_t value_of(uint64_t distinct)
{
    uint64_t v = random_u64();
    if (v % 16 == 0)
        return 0;
    return distinct ? (v >> 8) % distinct : v;
}

static void events_init(struct events *e)
{
    *e = (struct events){.n = below(8) == 0 ? below(20) : below(MAX_ROWS)};
    size_t n = e->n, n_keys = 1 + below(12);
    static const char *const key_types[] = {"LowCardinality(String)", "Int16", "IPv6", "UInt64",
                                            "String", "Date"};
    e->times = arena_zero(&e->arena, n * 4 + 4);
    e->condition = column_new(&e->arena, "UInt8", true, n);
    e->id = column_new(&e->arena, "UInt64", false, n);
    uint32_t span = below(2) ? 300 : 40000000;
    uint64_t salt = random_u64();
    for (size_t k = 0; k < 3; k++)
        e->keys[k] = column_new(&e->arena, key_types[below(COUNT(key_types))], below(2), n);
    for (size_t c = 0; c < N_COLUMNS; c++)
        e->columns[c] = column_new(&e->arena, type_names[c % N_TYPES], c / N_TYPES % 2, n);
    for (size_t i = 0; i < n; i++) {
        COLUMN(&e->id, uint64_t)[i] = (i + 1) * 0x9e3779b97f4a7c15ULL;
        e->times[i] = 1500000000 + (uint32_t)below(span);
        uint64_t key = below(n_keys);
        for (size_t k = 0; k < 3; k++) {
            set_value(&e->arena, &e->keys[k], i, key * (k + 1) % 5 * 7919);
            if (e->keys[k].nulls)
                e->keys[k].nulls[i] = (key + k) % 4 == 0;
        }
        set_value(&e->arena, &e->condition, i, random_u64() & 1);
        e->condition.nulls[i] = below(10) == 0;
    }
    for (size_t c = 0; c < N_COLUMNS; c++) {
        uint64_t distinct = below(3) ? 1 + below(3000) : 0;
        size_t null_share = 1 + below(4);
        for (size_t i = 0; i < n; i++) {
            set_value(&e->arena, &e->columns[c], i, is_constant(c) ? salt : value_of(distinct));
            if (e->columns[c].nulls)
                e->columns[c].nulls[i] = below(4) < null_share;
        }
    }
}

/* ---- measures ---- */

/* How an answer is compared. */
enum likeness {
    LIKE_TEXT,
    LIKE_SET,    /* arrays whose order does not matter */
    LIKE_NUMBER, /* sums in another order */
    LIKE_DIGEST, /* a rank near the wanted one */
};

struct measure {
    char params[40], sql[600];
    char suffix[32];
    const char *name;
    enum likeness likeness;
    const struct column *args[3];
    const struct column *const *arg_list;
    const struct column *condition;
};

struct test {
    struct events events;
    struct cube_shape shape;
    struct type dimensions[3];
    const struct column *dimension_columns[3];
    struct cube_measure cube_measures[MAX_MEASURES];
    struct measure measures[MAX_MEASURES];
    const struct column *const *args[MAX_MEASURES];
    const struct column *conditions[MAX_MEASURES];
    int64_t tier_count;
    enum interval_unit tier_unit;
    const char *tier_sql;
    size_t differing; /* a measure, NONE */
};

/* Parameters as text and as a list; their number. */
static size_t random_params(const char *name, char *text, struct str *list)
{
    text[0] = '\0';
    if (str_starts(str_of(name), "uniqCombined") && below(2))
        snprintf(text, 40, "%u", 12 + below(9));
    else if (strcmp(name, "quantilesDD") == 0)
        strcpy(text, "0.01, 0.5, 0.99");
    else if (strcmp(name, "quantileDD") == 0)
        strcpy(text, "0.02, 0.9");
    else if (str_starts(str_of(name), "quantiles") && strstr(name, "TDigest")) /* compared by one rank */
        strcpy(text, below(2) ? "0.5" : "0.9");
    else if (str_starts(str_of(name), "quantiles"))
        strcpy(text, "0.1, 0.5, 0.99");
    else if (str_starts(str_of(name), "quantile") && below(2))
        strcpy(text, "0.9");
    size_t n = 0;
    for (char *p = text; *p != '\0'; n++) {
        list[n] = (struct str){p, strcspn(p, ",")};
        p += list[n].n;
        p += strspn(p, ", ");
    }
    return n;
}

static bool has_part(const char *name, const char *const *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strstr(name, parts[i]) != NULL)
            return true;
    return false;
}

/* Takes small numbers only: others' sums of powers depend on the order they are added in. */
static bool is_of_sums(const char *name)
{
    static const char *const parts[] = {"var", "stddev", "covar", "corr", "skew", "kurt", "Kahan", "avgWeighted",
                                        "Regression"};
    return has_part(name, parts, COUNT(parts));
}

static bool is_small_number(const struct column *c)
{
    if (c->type.kind == TYPE_ARRAY || c->type.kind == TYPE_MAP)
        return true;
    return c->type.kind == TYPE_BOOL || c->type.kind == TYPE_UINT8 || c->type.kind == TYPE_INT8 ||
           c->type.kind == TYPE_UINT16 || c->type.kind == TYPE_INT16 || c->type.kind == TYPE_FLOAT64;
}

static size_t n_arguments(const char *name)
{
    static const char *const two[] = {"covar", "corr", "Weighted", "Regression", "arg"};
    if (strcmp(name, "count") == 0)
        return below(2);
    if (str_starts(str_of(name), "uniq") && below(3) == 0)
        return 2;
    return has_part(name, two, COUNT(two)) ? 2 : 1;
}

/* What the plain SELECT asks for, so that it can be compared with the merged answer. */
static void put_expected(struct measure *q, const char *call, const char *name, const char *args, const char *condition)
{
    if (q->likeness != LIKE_DIGEST) {
        snprintf(q->sql, sizeof(q->sql), q->likeness == LIKE_SET ? "arraySort(%s)" : "%s", call);
        return;
    }
    const char *suffix = strstr(name, "Weighted") ? "Weighted" : "", *tail = *condition ? "If" : "";
    double level = str_starts(str_of(q->params), "0.9") ? 0.9 : 0.5;
    snprintf(q->sql, sizeof(q->sql), "(%s, quantileExact%s%s(%g)(%s%s), quantileExact%s%s(%g)(%s%s))", call, suffix,
             tail, level - 0.05, args, condition, suffix, tail, level + 0.05, args, condition);
}

/* ---- coverage ---- */

enum { MAX_NAMES = 128 };

static struct {
    char name[40];
    size_t n_hits, n_differ;
} hits[MAX_NAMES];
static size_t n_names;

static void hit(const char *name, bool differs)
{
    size_t i = 0;

    while (i < n_names && strcmp(hits[i].name, name) != 0)
        i++;
    if (i == MAX_NAMES)
        return;
    if (i == n_names)
        snprintf(hits[n_names++].name, sizeof(hits[0].name), "%s", name);
    hits[i].n_hits++;
    hits[i].n_differ += differs;
}

static void hit_measure(const struct measure *q, bool differs)
{
    hit(q->name, differs);
    if (*q->suffix)
        hit(q->suffix, differs);
    if (q->condition)
        hit("-If", differs);
}

/* The number of those hit less than that. */
static size_t print_coverage(size_t least)
{
    size_t n_all, n_lacking = 0;
    const char *const *all = aggregate_names(&n_all);

    printf("function: hits, differences\n");
    for (size_t i = 0; i < n_all; i++) {
        size_t k = 0;
        while (k < n_names && strcmp(hits[k].name, all[i]) != 0)
            k++;
        if (k == n_names) {
            printf("hit less than %zu times: %s (0)\n", least, all[i]);
            n_lacking += least > 0;
        }
    }
    for (size_t k = 0; k < n_names; k++) {
        printf("%-28s %8zu %4zu%s", hits[k].name, hits[k].n_hits, hits[k].n_differ, k % 3 == 2 ? "\n" : "  | ");
        n_lacking += hits[k].n_hits < least;
    }
    printf("\n");
    return n_lacking;
}

static size_t hits_of(const char *name)
{
    for (size_t i = 0; i < n_names; i++)
        if (strcmp(hits[i].name, name) == 0)
            return hits[i].n_hits;
    return 0;
}

/* Some choose the one hit least of a few; it is kept until it finds columns, or for a while. */
static const char *choose_name(bool is_new)
{
    static const char *kept;
    static size_t n_tries;
    size_t n;
    const char *const *names = aggregate_names(&n);

    if (!is_new && kept && n_tries++ < 100)
        return kept;
    n_tries = 0;
    kept = names[below((unsigned)n)];
    for (int i = 0; i < 3; i++) {
        const char *other = names[below((unsigned)n)];
        if (hits_of(other) < hits_of(kept))
            kept = other;
    }
    return kept;
}

/* ---- what is left of a program while it is cut down ---- */

static struct {
    bool is_on;
    size_t measure, n_rows;
} cut;
static bool cut_is_shown;

/* A function over random columns; false if it does not take their types. */
static bool measure_init(struct test *t, size_t m, bool is_new)
{
    static const char *const suffixes[] = {"OrNull", "OrDefault", "ArgMin", "ArgMax", "ArgMinOrNull",
                                           "ArgMaxOrDefault"};
    struct measure *q = &t->measures[m];
    size_t n_args;
    const char *name = choose_name(is_new), *suffix = below(3) ? "" : suffixes[below(COUNT(suffixes))];
    bool is_any = str_starts(str_of(name), "any"), is_if = below(3) == 0;
    bool is_arg = str_starts(str_of(name), "arg"), is_digest = strstr(name, "TDigest") != NULL;
    struct str params[4];
    struct type types[3];
    char args[100] = "", full[64], call[200];

    *q = (struct measure){0};
    n_args = n_arguments(name);
    if (is_digest) /* compared by rank: one level, no other way to end */
        suffix = "";
    size_t first = below(2 * N_TYPES) + (is_any ? 2 * N_TYPES : 0);
    enum type_kind kind = t->events.columns[first].type.kind;
    bool takes_whole = str_starts(str_of(name), "uniq") || strcmp(name, "groupUniqArray") == 0;
    bool is_many = (kind == TYPE_ARRAY || kind == TYPE_MAP) && below(takes_whole ? 2 : 5) > 0 && !is_any &&
                   n_args > 0;
    bool is_map = str_ends(str_of(name), "Map");
    if (is_map) {
        n_args = kind == TYPE_MAP ? 1 : 2;
        suffix = "";
        is_many = false;
        if (kind == TYPE_ARRAY && type_element(t->events.columns[first].type, 0).kind != TYPE_UINT16)
            return false; /* a NaN is no key */
    }
    if (is_many && is_digest)
        return false;
    if (is_many)
        suffix = kind == TYPE_MAP ? "Map" : below(2) ? "Array" : "ForEach";
    if (is_many && strcmp(name, "groupUniqArray") == 0 && strcmp(suffix, "Array") != 0)
        return false;
    size_t n_keys = str_starts(str_of(suffix), "Arg");
    for (size_t k = 0; k < n_args + n_keys; k++) {
        size_t c = k == 0 || is_many || is_map ? first : below(2 * N_TYPES);
        bool is_id = is_arg && k == 1 && !is_many;
        q->args[k] = is_id ? &t->events.id : &t->events.columns[c];
        types[k] = q->args[k]->type;
        if (k >= n_args && types[k].kind == TYPE_FLOAT64)
            return false; /* a NaN as key: what is smallest depends on the order */
        if (is_digest && k == 0 && !type_is_number(types[0]))
            return false; /* dates are no numbers in the answer */
        if (is_of_sums(name) && k < n_args && !is_small_number(q->args[k]))
            return false;
        snprintf(args + strlen(args), sizeof(args) - strlen(args), is_id ? "%sid" : "%sc%zu", k ? ", " : "", c);
    }
    size_t n_params = random_params(name, q->params, params);
    if (is_digest && n_params > 1)
        return false;
    snprintf(full, sizeof(full), "%s%s%s", name, suffix, is_if && *suffix ? "If" : "");
    if (aggregate_new(&t->cube_measures[m].aggregate, &t->events.arena, str_of(full), params,
                      n_params, types, n_args + n_keys, is_if, NULL) != ERR_OK)
        return false;
    q->arg_list = q->args;
    q->condition = is_if ? &t->events.condition : NULL;
    t->args[m] = q->args;
    t->conditions[m] = q->condition;
    q->likeness = is_digest ? LIKE_DIGEST
                  : strcmp(name, "groupUniqArray") == 0 ? LIKE_SET
                  : is_of_sums(name) ? LIKE_NUMBER : LIKE_TEXT;
    const char *condition = !is_if ? "" : n_args + n_keys ? ", cond" : "cond";
    snprintf(call, sizeof(call), "%s%s%s%s%s%s(%s%s)", name, suffix, is_if ? "If" : "", n_params ? "(" : "",
             q->params, n_params ? ")" : "", args, condition);
    put_expected(q, call, name, args, condition);
    q->name = name;
    if (*suffix)
        snprintf(q->suffix, sizeof(q->suffix), "-%s", suffix);
    return true;
}

static void test_init(struct test *t)
{
    static const struct {
        int64_t count;
        enum interval_unit unit;
        const char *sql;
    } tiers[] = {{1, INTERVAL_MINUTE, "toStartOfMinute(time, 'UTC')"},
                 {15, INTERVAL_MINUTE,
                  "toStartOfInterval(time, INTERVAL 15 MINUTE, 'UTC')"},
                  {1, INTERVAL_HOUR, "toStartOfHour(time, 'UTC')"}, {1, INTERVAL_DAY,
                                                                     "toDateTime(toStartOfDay(time, 'UTC'), 'UTC')"},
                 {1, INTERVAL_MONTH, "toDateTime(toStartOfMonth(time, 'UTC'), 'UTC')"}};
    *t = (struct test){0};
    events_init(&t->events);
    size_t n_dimensions = below(4), n_measures = 1 + below(MAX_MEASURES),
    tier = below(COUNT(tiers));
    for (size_t d = 0; d < n_dimensions; d++) {
        t->dimensions[d] = t->events.keys[d].type;
        t->dimension_columns[d] = &t->events.keys[d];
    }
    for (size_t m = 0; m < n_measures; m++)
        for (bool is_new = true; !measure_init(t, m, is_new); is_new = false) {
        }
    if (cut.is_on) {
        t->cube_measures[0] = t->cube_measures[cut.measure];
        t->measures[0] = t->measures[cut.measure];
        t->measures[0].arg_list = t->measures[0].args;
        t->args[0] = t->measures[0].args;
        t->conditions[0] = t->conditions[cut.measure];
        t->events.n = cut.n_rows;
        n_measures = 1;
    }
    t->shape = (struct cube_shape){.n_dimensions = n_dimensions, .dimensions = t->dimensions,
                                   .n_measures = n_measures, .measures = t->cube_measures,
                                   .count = 1, .unit = INTERVAL_MINUTE};
    cube_shape_init(&t->shape);
    t->tier_count = tiers[tier].count;
    t->tier_unit = tiers[tier].unit;
    t->tier_sql = tiers[tier].sql;
}

/* ---- store ---- */

static void insert_block(const char *table, const char *file, const struct buf *block)
{
    FILE *f = fopen(file, "wb");
    if (f == NULL || fwrite(block->p, 1, block->n, f) != block->n || fclose(f) != 0)
        abort();
    AUTO_MEM char *sql = xasprintf("INSERT INTO %s SELECT * FROM file('%s', Native)", table, file);
    run(sql);
    unlink(file);
}

static void create_tables(const struct test *t)
{
    AUTO_DONE(buf) sql = {0};
    char name[64];
    run("DROP TABLE IF EXISTS d.raw");
    run("DROP TABLE IF EXISTS d.tier");
    buf_text(&sql, "CREATE TABLE d.raw (time DateTime('UTC'), cond Nullable(UInt8), id UInt64");
    for (size_t k = 0; k < 3; k++)
        buf_printf(&sql, ", k%zu %s", k, type_name(t->events.keys[k].type, name));
    for (size_t c = 0; c < N_COLUMNS; c++)
        buf_printf(&sql, ", c%zu %s", c, type_name(t->events.columns[c].type, name));
    buf_text(&sql, ") ENGINE = MergeTree ORDER BY tuple()");
    run(buf_cstr(&sql));

    buf_reset(&sql);
    buf_text(&sql, "CREATE TABLE d.tier (bucket DateTime('UTC')");
    for (size_t d = 0; d < t->shape.n_dimensions; d++)
        buf_printf(&sql, ", k%zu %s", d, type_name(t->dimensions[d], name));
    for (size_t m = 0; m < t->shape.n_measures; m++)
        buf_printf(&sql, ", m%zu %s", m,
                   aggregate_storage(t->cube_measures[m].aggregate)->type_name);
    buf_text(&sql, ") ENGINE = AggregatingMergeTree ORDER BY (bucket");
    for (size_t d = 0; d < t->shape.n_dimensions; d++)
        buf_printf(&sql, ", k%zu", d);
    buf_text(&sql, ") SETTINGS allow_nullable_key = 1");
    run(buf_cstr(&sql));
}

static void insert_raw(const struct test *t, const char *file)
{
    const struct events *e = &t->events;
    AUTO_DONE(buf) block = {0};
    char name[64], type[64];
    if (e->n == 0)
        return;
    native_block(&block, 3 + 3 + N_COLUMNS, e->n);
    struct column time = {.type = {.kind = TYPE_DATETIME}, .values = e->times};
    native_column_head(&block, "time", "DateTime");
    native_column_data(&block, &time, NULL, e->n);
    native_column_head(&block, "cond", "Nullable(UInt8)");
    native_column_data(&block, &e->condition, NULL, e->n);
    native_column_head(&block, "id", "UInt64");
    native_column_data(&block, &e->id, NULL, e->n);
    for (size_t k = 0; k < 3 + N_COLUMNS; k++) {
        const struct column *c = k < 3 ? &e->keys[k] : &e->columns[k - 3];
        snprintf(name, sizeof(name), k < 3 ? "k%zu" : "c%zu", k < 3 ? k : k - 3);
        native_column_head(&block, name, type_name(c->type, type));
        native_column_data(&block, c, NULL, e->n);
    }
    insert_block("d.raw", file, &block);
}

static void insert_part(const struct test *t, const struct sealed_tier *part, const char *file)
{
    size_t n = sealed_n_rows(part);
    AUTO_DONE(buf) block = {0};
    char name[64], type[64];
    if (n == 0)
        return;
    native_block(&block, 1 + t->shape.n_dimensions + t->shape.n_measures, n);
    native_column_head(&block, "bucket", "DateTime('UTC')");
    sealed_write_buckets(part, &block, NULL, n);
    for (size_t d = 0; d < t->shape.n_dimensions; d++) {
        snprintf(name, sizeof(name), "k%zu", d);
        native_column_head(&block, name, type_name(t->dimensions[d], type));
        sealed_write_dimension(part, &block, d, NULL, n);
    }
    for (size_t m = 0; m < t->shape.n_measures; m++) {
        snprintf(name, sizeof(name), "m%zu", m);
        native_column_head(&block, name,
                           aggregate_storage(t->cube_measures[m].aggregate)->wire_type);
        sealed_write_measure(part, &block, m, NULL, n);
    }
    insert_block("d.tier", file, &block);
}

/* Some epochs, each with several cubes, sealed in parts: every part becomes a part of the table. */
static size_t insert_states(const struct test *t, const char *file)
{
    const struct events *e = &t->events;
    struct cube *cubes[N_CUBES];
    size_t n_parts = 0, n_epochs = 1 + below(3), at = 0;
    for (size_t c = 0; c < N_CUBES; c++)
        cubes[c] = cube_new(&t->shape);
    for (size_t epoch = 1; epoch <= n_epochs; epoch++) {
        size_t end = epoch == n_epochs ? e->n : e->n * epoch / n_epochs;
        while (at < end) {
            uint32_t rows[1000];
            size_t n = 0, want = 1 + below(1000);
            for (; n < want && at < end; n++)
                rows[n] = (uint32_t)at++;
            struct cube_rows r = {e->times, t->dimension_columns, t->args, t->conditions, rows, n};
            cube_add(cubes[below(N_CUBES)], &r);
        }
        size_t parts = 1 + below(3);
        for (size_t p = 0; p < parts; p++) {
            struct seal_spec spec = seal_all(&t->shape, NULL, t->tier_count, t->tier_unit);
            struct sealed_tier *part = cube_seal(cubes, N_CUBES, &spec, p, parts);
            insert_part(t, part, file);
            n_parts += sealed_n_rows(part) > 0;
            sealed_free(part);
        }
        for (size_t c = 0; c < N_CUBES; c++)
            cube_reset(cubes[c]);
    }
    for (size_t c = 0; c < N_CUBES; c++)
        cube_free(cubes[c]);
    return n_parts;
}

/* ---- comparison ---- */

static char *answer(const struct test *t, bool merged)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "SELECT %s AS b", merged ? "bucket" : t->tier_sql);
    for (size_t d = 0; d < t->shape.n_dimensions; d++)
        buf_printf(&sql, ", k%zu", d);
    for (size_t m = 0; m < t->shape.n_measures; m++) {
        char column[32];
        snprintf(column, sizeof(column), "m%zu", m);
        buf_text(&sql, ", ");
        bool is_set = t->measures[m].likeness == LIKE_SET;
        if (merged) {
            buf_text(&sql, is_set ? "arraySort(" : "");
            buf_printf(&sql, aggregate_storage(t->cube_measures[m].aggregate)->merge_call, column);
            buf_text(&sql, is_set ? ")" : "");
        } else
            buf_text(&sql, t->measures[m].sql);
    }
    buf_printf(&sql, " FROM d.%s GROUP BY b", merged ? "tier" : "raw");
    for (size_t d = 0; d < t->shape.n_dimensions; d++)
        buf_printf(&sql, ", k%zu", d);
    buf_text(&sql, " ORDER BY b");
    for (size_t d = 0; d < t->shape.n_dimensions; d++)
        buf_printf(&sql, ", k%zu", d);
    return query(buf_cstr(&sql));
}

static char *one_line_type(const char *call)
{
    return xasprintf("replaceAll(replaceAll(replaceRegexpAll(toTypeName(%s), '\\n *', ' '), '( ', '('), char(39), '`')",
                     call);
}

/* Types of the answers too: a view must look like the plain SELECT (min, max and any of a simple
 * column keep its name, which is no other type). */
static void check_result_types(struct test *t)
{
    for (size_t m = 0; m < t->shape.n_measures; m++) {
        const struct aggregate_storage *s = aggregate_storage(t->cube_measures[m].aggregate);
        AUTO_DONE(buf) call = {0};
        buf_printf(&call, s->merge_call, "m");
        if (t->measures[m].likeness == LIKE_DIGEST)
            continue;
        /* Named tuples are printed over several lines. */
        AUTO_MEM char *our_name = one_line_type(buf_cstr(&call));
        AUTO_MEM char *their_name = one_line_type(t->measures[m].sql);
        AUTO_MEM char *ours = xasprintf("SELECT replaceRegexpOne(%s, '^SimpleAggregateFunction\\\\(\\\\w+, (.*)\\\\)$', '\\\\1') "
                                        "FROM (SELECT m%zu AS m FROM d.tier)", our_name, m);
        AUTO_MEM char *theirs = xasprintf("SELECT %s FROM d.raw", their_name);
        AUTO_MEM char *x = query(ours);
        AUTO_MEM char *y = query(theirs);
        AUTO_MEM char *said = xasprintf("%s\n", s->result_name);
        for (char *p = said; *p != '\0'; p++)
            *p = *p == '\'' ? '`' : *p; /* TSV escapes the one, not the other */
        if (strcmp(x, y) != 0 || strcmp(x, said) != 0) {
            printf("seed %llu: %s has type %sbut %s has type %sand we say %s",
                   (unsigned long long)seed_of_case, t->measures[m].sql, y, buf_cstr(&call), x, said);
            t->differing = m;
            return;
        }
    }
}

/* Numbers in a cell (of a tuple or array); what is no number is skipped. */
static size_t numbers_in(struct str cell, double *out, size_t cap)
{
    size_t n = 0;
    char text[400];
    snprintf(text, sizeof(text), "%.*s", (int)(cell.n < 399 ? cell.n : 399), cell.p);
    for (char *p = text; *p != '\0' && n < cap;) {
        char *end;
        double v = strtod(p, &end);
        if (end == p) {
            p++;
            continue;
        }
        out[n++] = v;
        p = end;
    }
    return n;
}

static bool are_near(double x, double y)
{
    return (x != x && y != y) || x == y || fabs(x - y) <= 1e-6 * (fabs(x) + fabs(y)) + 1e-6;
}

static bool cells_agree(const struct measure *q, struct str expected, struct str merged)
{
    double x[8], y[8];
    if (str_eq(expected, merged))
        return true;
    if (q == NULL || q->likeness == LIKE_TEXT || q->likeness == LIKE_SET)
        return false;
    size_t n = numbers_in(expected, x, COUNT(x)), n_merged = numbers_in(merged, y, COUNT(y));
    if (q->likeness == LIKE_DIGEST) {
        if (n < 3) /* nothing came: (NULL,NULL,NULL), (nan,0,0) */
            return n_merged <= 1;
        if (x[1] == 0 && x[2] == 0 && strstr(q->sql, "Weighted")) /* all weights are 0: any is right */
            return true;
        /* over few values both lie between two of them: then near to one another is enough */
        bool is_like = fabs(x[0] - y[0]) <= 0.05 * fabs(x[0]);
        return n_merged == 1 && ((x[0] != x[0] && y[0] != y[0]) || are_near(x[0], y[0]) || is_like ||
                                 (y[0] >= x[1] - fabs(x[1]) * 1e-5 && y[0] <= x[2] + fabs(x[2]) * 1e-5));
    }
    if (n != n_merged)
        return false;
    /* Where nothing varies, a correlation is 0 / 0 or what rounding makes of it. */
    bool may_be_nan = strstr(q->sql, "corr") != NULL;
    for (size_t i = 0; i < n; i++)
        if (!are_near(x[i], y[i]) && !(may_be_nan && (x[i] != x[i] || y[i] != y[i])))
            return false;
    return true;
}

static struct str next_cell(const char **p)
{
    struct str cell = {*p, strcspn(*p, "\t\n")};
    *p += cell.n + ((*p)[cell.n] != '\0');
    return cell;
}

/* True: all agree. */
static bool compare(struct test *t, const char *expected, const char *when)
{
    AUTO_MEM char *merged = answer(t, true);
    const char *x = expected, *y = merged;
    size_t n_keys = 1 + t->shape.n_dimensions, n_columns = n_keys + t->shape.n_measures;
    for (size_t at = 0; *x != '\0' || *y != '\0'; at++) {
        size_t column = at % n_columns;
        const struct measure *q = column < n_keys ? NULL : &t->measures[column - n_keys];
        struct str a = next_cell(&x), b = next_cell(&y);
        if (cells_agree(q, a, b))
            continue;
        t->differing = q == NULL ? 0 : column - n_keys;
        if (cut.is_on && !cut_is_shown)
            return false;
        printf("seed %llu, %s: line %zu, column %zu of\n", (unsigned long long)seed_of_case, when,
               at / n_columns + 1, column + 1);
        if (q != NULL)
            printf("  %s stored as %s\n", q->sql,
                   aggregate_storage(t->cube_measures[column - n_keys].aggregate)->type_name);
        printf("  expected %.*s\n  merged   %.*s\n", (int)(a.n < 300 ? a.n : 300), a.p,
               (int)(b.n < 300 ? b.n : 300), b.p);
        fflush(NULL);
        return false;
    }
    return true;
}

struct counts {
    size_t n_measures, n_rows, n_parts, n_differ;
};

/* The measure that differs, or NONE. */
static size_t run_program(const char *file, struct counts *counts)
{
    struct test *t = xmalloc(sizeof(*t));

    random_seed(seed_of_case);
    test_init(t);
    t->differing = NONE;
    create_tables(t);
    insert_raw(t, file);
    counts->n_parts += insert_states(t, file);
    AUTO_MEM char *expected = answer(t, false);
    bool agrees = compare(t, expected, "merged by the query");
    if (agrees) {
        run("OPTIMIZE TABLE d.tier FINAL");
        agrees = compare(t, expected, "merged by OPTIMIZE");
    }
    if (agrees)
        check_result_types(t);
    if (!cut.is_on)
        for (size_t m = 0; m < t->shape.n_measures; m++)
            hit_measure(&t->measures[m], m == t->differing);
    counts->n_measures += t->shape.n_measures;
    counts->n_rows = cut.is_on ? counts->n_rows : counts->n_rows + t->events.n;
    cut.n_rows = t->events.n;
    size_t differing = t->differing;
    arena_done(&t->events.arena);
    free(t);
    return differing;
}

/* The fewest rows over which the measure alone differs. */
static void cut_down(const char *file, size_t measure)
{
    struct counts ignored = {0};
    size_t n = cut.n_rows;

    cut.is_on = true;
    cut.measure = measure;
    for (size_t step = n / 2; step > 0; step = step / 2) {
        cut.n_rows = n - step;
        if (run_program(file, &ignored) != NONE)
            n -= step;
    }
    printf("cut down to %zu rows:\n", n);
    cut.n_rows = n;
    cut_is_shown = true;
    run_program(file, &ignored);
    cut_is_shown = cut.is_on = false;
}

int main(int argc, char **argv)
{
    size_t n_programs = argc > 1 ? strtoul(argv[1], NULL, 10) : 40, least = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)time(NULL) * 1000;
    char folder[] = "/tmp/weir-diff-XXXXXX", file[64], remove[80];
    struct counts counts = {0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdtemp(folder) == NULL)
        return 1;
    if (!chdb_open(folder)) {
        printf("skipped: libchdb is not here\n");
        rmdir(folder);
        return SKIPPED;
    }
    snprintf(file, sizeof(file), "%s/block.native", folder);
    run("CREATE DATABASE d ENGINE = Atomic");
    printf("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < n_programs && counts.n_differ < 10; i++) {
        seed_of_case = seed + i;
        size_t differing = run_program(file, &counts);
        if (differing == NONE)
            continue;
        counts.n_differ++;
        cut_down(file, differing);
    }
    size_t n_lacking = print_coverage(least);
    printf("%zu cases, %zu differ; %zu programs, %zu rows, %zu inserted parts\n", counts.n_measures, counts.n_differ,
           n_programs, counts.n_rows, counts.n_parts);
    chdb_close();
    snprintf(remove, sizeof(remove), "rm -rf '%s'", folder);
    return system(remove) != 0 || counts.n_differ || n_lacking;
}
