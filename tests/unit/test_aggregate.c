/* SPDX-License-Identifier: Apache-2.0
 *
 * Aggregates: state bytes against recorded ClickHouse states (where the reference file is present),
 * our own vectors, splitting and merging against folding at once, NULLs, refusals. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <jansson.h>

#include "aggregate/shape.h"
#include "base/hash.h"
#include "codec/value.h"
#include "column/zone.h"

enum { MAX_VALUES = 1 << 17 };

static struct arena arena;

struct input {
    struct type types[4];
    struct column columns[4];
    const struct column *args[4];
    size_t n_args, n;
};

static void input_init(struct input *in, const char *const *types, size_t n_args, size_t n)
{
    *in = (struct input){.n_args = n_args, .n = n};
    for (size_t k = 0; k < n_args; k++) {
        assert_int_equal(type_parse(&in->types[k], str_of(types[k]), NULL), ERR_OK);
        in->columns[k] = (struct column){.type = in->types[k],
                                         .values = arena_zero(&arena, 16 * n + 16)};
        if (in->types[k].is_nullable)
            in->columns[k].nulls = arena_zero(&arena, n + 1);
        in->args[k] = &in->columns[k];
    }
}

static const struct aggregate *aggregate_of(const char *name, const char *params,
                                            const struct input *in, bool may_be_empty,
                                            struct err *e)
{
    struct str list[8];
    size_t n = 0;
    const struct aggregate *a = NULL;
    for (const char *p = params; p != NULL && *p != '\0';) {
        size_t len = strcspn(p, ", ");
        list[n++] = (struct str){p, len};
        p += len + strspn(p + len, ", ");
    }
    if (aggregate_new(&a, &arena, str_of(name), list, n, in->types, in->n_args, may_be_empty,
                      e) != ERR_OK)
        return NULL;
    return a;
}

/* Folds all rows into pane row 0 of `row`, in batches. */
static void fold(const struct aggregate *a, char *row, const struct input *in, size_t from,
                 size_t to, size_t *bytes)
{
    uint32_t rows[200], ids[200] = {0};
    while (from < to) {
        size_t n = 0;
        for (; n < 200 && from < to; n++)
            rows[n] = (uint32_t)from++;
        struct aggregate_input ai = {in->args, rows, ids, n};
        *(uint64_t *)row += n;
        aggregate_update(a, row, 64, 8, &ai, bytes);
    }
}

static void row_init(const struct aggregate *a, char *row)
{
    memset(row, 0, 64);
    aggregate_init(a, row + 8);
}

static void state_of(const struct aggregate *a, const struct input *in, struct buf *out)
{
    char row[64], *rows[1] = {row};
    size_t bytes = 0;
    row_init(a, row);
    fold(a, row, in, 0, in->n, &bytes);
    aggregate_write_column(a, out, rows, 8, 1);
    aggregate_done(a, row + 8, &bytes);
    assert_int_equal(bytes, 0);
}

static void hex_of(const struct buf *b, char *out)
{
    for (size_t i = 0; i < b->n; i++)
        snprintf(out + i * 2, 3, "%02x", (uint8_t)b->p[i]);
    out[b->n * 2] = '\0';
}

/* ---- recorded states ---- */

static int compare_keys(const void *x, const void *y, void *width)
{
    return memcmp(x, y, *(size_t *)width);
}

/* Set-like states list their keys in any order: sorts them in place. */
static void sort_keys(char *state, size_t n, const char *function, size_t width)
{
    bool is_combined = str_starts(str_of(function), "uniqCombined");
    size_t at = is_combined || strcmp(function, "uniq") == 0 ? 1 : 0;
    if (is_combined && (state[0] != 1 && state[0] != 2))
        return;
    while (state[at] & 0x80)
        at++;
    at++;
    qsort_r(state + at, (n - at) / width, width, compare_keys, &width);
}

static size_t unhex(const char *hex, char *out)
{
    size_t n = strlen(hex) / 2;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = 0;
        sscanf(hex + i * 2, "%2x", &byte);
        out[i] = (char)byte;
    }
    return n;
}

static void set_value(struct input *in, size_t k, size_t row, const json_t *v)
{
    struct column *c = &in->columns[k];
    char *at = (char *)c->values + row * type_width(c->type);
    double number = json_number_value(v);
    if (c->type.kind > TYPE_INTERVAL) {
        char plain[40];
        snprintf(plain, sizeof(plain), "%g", number);
        const char *text = json_is_string(v) ? json_string_value(v) : plain;
        const char *why = value_parse_in(at, c->type, str_of(text), &arena);
        if (why != NULL)
            fail_msg("%s: %s", text, why);
        return;
    }
    int64_t integer = (int64_t)number;
    int year, month, day;
    if (json_is_integer(v)) {
        integer = json_integer_value(v);
    } else if (json_is_string(v)) { /* what JSON has no numbers for */
        const char *text = json_string_value(v);
        number = strtod(text, NULL);
        integer = *text == '-' ? strtoll(text, NULL, 10) : (int64_t)strtoull(text, NULL, 10);
        if (c->type.kind == TYPE_DATE && sscanf(text, "%d-%d-%d", &year, &month, &day) == 3)
            integer = days_from_civil(year, (unsigned)month, (unsigned)day);
    }
    switch (c->type.kind) {
    case TYPE_STRING: ((struct str *)c->values)[row] = str_of(json_string_value(v)); break;
    case TYPE_IPV4: {
        struct in_addr ip;
        assert_int_equal(inet_pton(AF_INET, json_string_value(v), &ip), 1);
        *(uint32_t *)at = ntohl(ip.s_addr);
        break;
    }
    case TYPE_IPV6: assert_int_equal(inet_pton(AF_INET6, json_string_value(v), at), 1); break;
    case TYPE_FLOAT64: *(double *)at = number; break;
    case TYPE_FLOAT32: *(float *)at = (float)number; break;
    case TYPE_DATETIME64: *(int64_t *)at = llround(number * pow(10, c->type.scale)); break;
    default: {
        __int128 wide = integer; /* decimals are up to 16 bytes */
        memcpy(at, &wide, type_width(c->type));
    }
    }
}

static bool fill_formula(struct input *in, const char *formula)
{
    unsigned last;
    if (sscanf(formula, "x(i) = i*7919+13 for i in 0..%u", &last) != 1)
        return false;
    bool is_text = strstr(formula, "as decimal string") != NULL;
    in->n = last + 1;
    in->columns[0].values = arena_alloc(&arena, 16 * in->n);
    for (size_t i = 0; i < in->n; i++) {
        unsigned long long x = i * 7919ULL + 13;
        if (is_text)
            COLUMN(&in->columns[0], struct str)[i] = str_of(arena_printf(&arena, "%llu", x));
        else if (in->types[0].kind == TYPE_FLOAT64)
            COLUMN(&in->columns[0], double)[i] = (double)x;
        else
            memcpy((char *)in->columns[0].values + i * type_width(in->types[0]), &x,
                   type_width(in->types[0]));
    }
    return true;
}

static bool fill_input(struct input *in, const json_t *vector)
{
    const json_t *args = json_object_get(vector, "args"), *rows = json_object_get(vector, "input");
    const char *types[4];
    struct type t;
    size_t n_args = json_array_size(args);
    for (size_t k = 0; k < n_args; k++) {
        types[k] = json_string_value(json_array_get(args, k));
        if (type_parse(&t, str_of(types[k]), NULL) != ERR_OK || type_is_compound(t))
            return false; /* arrays are in the other file */
    }
    input_init(in, types, n_args, json_is_array(rows) ? json_array_size(rows) : 1);
    if (!json_is_array(rows))
        return fill_formula(in, json_string_value(rows));
    for (size_t i = 0; i < in->n; i++)
        for (size_t k = 0; k < n_args; k++) {
            json_t *row = json_array_get(rows, i);
            set_value(in, k, i, n_args > 1 ? json_array_get(row, k) : row);
        }
    return true;
}

/* The recorded state as our storage has it: a plain value for the simple ones. */
static size_t to_plain(const char *function, const struct type *t, char *state, size_t n,
                       size_t n_rows)
{
    if (strcmp(function, "count") == 0) {
        uint64_t count = n_rows;
        memcpy(state, &count, 8);
        return 8;
    }
    if (strcmp(function, "sum") == 0 && t->is_nullable)
        state[0] = 0;
    if (strcmp(function, "min") != 0 && strcmp(function, "max") != 0 &&
        strcmp(function, "any") != 0 && strcmp(function, "anyLast") != 0) return n;
    if (t->kind != TYPE_STRING) {
        memmove(state, state + 1, n - 1);
        return n - 1;
    }
    state[3] = (char)(n - 5);
    memmove(state, state + 3, n - 4);
    return n - 4;
}

static bool is_ours(const char *function)
{
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(function, "("), function);
    return aggregate_base(str_of(name)) != NULL;
}

static bool check_vector(const json_t *vector)
{
    const char *function = json_string_value(json_object_get(vector, "function"));
    const char *state = json_string_value(json_object_get(vector, "state"));
    struct input in;
    struct err e = {0};
    if (!is_ours(function) || !fill_input(&in, vector))
        return false;

    char name[64], params[64] = "";
    sscanf(function, "%63[^(](%63[^)]", name, params);
    const struct aggregate *a = aggregate_of(name, params, &in, false, &e);
    if (a == NULL)
        fail_msg("%s: %s", function, e.text);
    AUTO_DONE(buf) ours = {0};
    state_of(a, &in, &ours);

    if (state == NULL) { /* long ones: length, head and tail are recorded */
        const char *head = json_string_value(json_object_get(vector, "state_head"));
        const char *tail = json_string_value(json_object_get(vector, "state_tail"));
        char bytes[64];
        assert_int_equal(ours.n, json_integer_value(json_object_get(vector, "state_len")));
        if (strcmp(name, "uniq") == 0) /* in any order */
            return true;
        size_t n = unhex(head, bytes);
        assert_memory_equal(ours.p, bytes, n);
        n = unhex(tail, bytes);
        assert_memory_equal(ours.p + ours.n - n, bytes, n);
        return true;
    }
    char *theirs = arena_alloc(&arena, strlen(state) + 16);
    size_t n = to_plain(name, &in.types[0], theirs, unhex(state, theirs), in.n);
    if (strcmp(name, "groupUniqArray") == 0) {
        assert_int_equal(ours.n, n); /* any order */
        return true;
    }
    if (str_starts(str_of(name), "uniq") && strcmp(name, "uniqHLL12") != 0) {
        size_t width = in.n_args > 1 || in.types[0].kind == TYPE_STRING ||
        in.types[0].kind == TYPE_IPV6 ||
                               in.types[0].kind == TYPE_DATETIME64
                           ? 16
                           : type_width(in.types[0]);
        if (strcmp(name, "uniq") == 0)
            width = 4;
        else if (strcmp(name, "uniqCombined64") == 0)
            width = 8;
        else if (strcmp(name, "uniqCombined") == 0)
            width = in.n_args == 1 && (in.types[0].kind == TYPE_STRING ||
                                       in.types[0].kind == TYPE_IPV6) ? 8 : 4;
        sort_keys(theirs, n, name, width);
        sort_keys(ours.p, ours.n, name, width);
    }
    if (ours.n != n || memcmp(ours.p, theirs, n) != 0) {
        char *hex = arena_alloc(&arena, ours.n * 2 + 1);
        hex_of(&ours, hex);
        fail_msg("%s %s: ours %s, recorded %s", function,
                 json_string_value(json_object_get(vector, "type")), hex, state);
    }
    return true;
}

static json_t *load_reference(void)
{
    const char *shared = getenv("WEIR_SHARED"), *root = getenv("WEIR_SOURCE_ROOT");
    char path[600];
    if (shared != NULL)
        snprintf(path, sizeof(path), "%s/reference/state-vectors.json", shared);
    else
        snprintf(path, sizeof(path), "%s/../shared/reference/state-vectors.json", root ? root
                 : ".");
    return json_load_file(path, 0, NULL);
}

static void states_equal_recorded_ones(void **unused)
{
    json_t *reference = load_reference(), *vector;
    size_t i, n_checked = 0;
    if (reference == NULL) {
        print_message("SKIP states_equal_recorded_ones: state-vectors.json is not here (WEIR_SHARED)\n");
        skip();
    }
    json_array_foreach(json_object_get(reference, "vectors"), i, vector)
        n_checked += check_vector(vector);
    print_message("%zu recorded states compared\n", n_checked);
    assert_true(n_checked >= 45);
    json_decref(reference);
    arena_done(&arena);
}

/* ---- states made by tests/conform/state_vectors.py ---- */

static void fill_by_formula(struct input *in, const json_t *formula)
{
    uint64_t factor = (uint64_t)json_integer_value(json_array_get(formula, 1));
    uint64_t offset = (uint64_t)json_integer_value(json_array_get(formula, 2));
    uint64_t modulus = (uint64_t)json_integer_value(json_array_get(formula, 3));
    for (size_t k = 0; k < in->n_args; k++) {
        struct column *c = &in->columns[k];
        for (size_t i = 0; i < in->n; i++) {
            uint64_t v = (i * factor + offset * (k + 1)) % modulus;
            char *at = (char *)c->values + i * type_width(c->type);
            if (c->type.kind == TYPE_STRING)
                COLUMN(c, struct str)[i] = str_of(arena_printf(&arena, "%llu", (unsigned long long)v));
            else if (c->type.kind == TYPE_FLOAT64)
                *(double *)at = (double)v;
            else if (c->type.kind == TYPE_FLOAT32)
                *(float *)at = (float)v;
            else
                memcpy(at, &v, type_width(c->type));
        }
    }
}

static void fill_made(struct input *in, const json_t *vector)
{
    const json_t *args = json_object_get(vector, "args"), *rows = json_object_get(vector, "rows");
    const json_t *formula = json_object_get(vector, "formula");
    const char *types[4];
    for (size_t k = 0; k < json_array_size(args); k++)
        types[k] = json_string_value(json_array_get(args, k));
    input_init(in, types, json_array_size(args),
               formula ? (size_t)json_integer_value(json_array_get(formula, 0))
                       : json_array_size(rows));
    if (formula)
        fill_by_formula(in, formula);
    for (size_t i = 0; i < json_array_size(rows); i++)
        for (size_t k = 0; k < in->n_args; k++) {
            const json_t *v = json_array_get(json_array_get(rows, i), k);
            if (json_is_null(v))
                in->columns[k].nulls[i] = 1;
            else
                set_value(in, k, i, v);
        }
}

static int compare_texts(const void *x, const void *y)
{
    return str_cmp(*(const struct str *)x, *(const struct str *)y);
}

/* Items behind a count of one byte at `at`, in order: each `width` bytes, or texts with their length. */
static void sort_items(char *state, size_t n, size_t at, size_t width)
{
    struct str items[64];
    size_t count = (uint8_t)state[at], p = at + 1;
    assert_in_range(count, 0, 63);
    for (size_t i = 0; i < count; i++) {
        items[i] = (struct str){state + p, width ? width : (size_t)state[p] + 1};
        p += items[i].n;
    }
    assert_true(p <= n);
    qsort(items, count, sizeof(*items), compare_texts);
    char *copy = arena_alloc(&arena, n + 1), *to = copy;
    for (size_t i = 0; i < count; i++, to += items[i - 1].n)
        memcpy(to, items[i].p, items[i].n);
    memcpy(state + at + 1, copy, (size_t)(to - copy));
}

/* False: we declare it otherwise (without Nullable, where the answer is never NULL). */
static bool check_made(const json_t *vector)
{
    const char *function = json_string_value(json_object_get(vector, "function"));
    const char *type = json_string_value(json_object_get(vector, "type"));
    const char *state = json_string_value(json_object_get(vector, "state"));
    const json_t *set = json_object_get(vector, "set");
    char name[64], params[64] = "", hex[600];
    struct input in;
    struct err e = {0};
    fill_made(&in, vector);
    sscanf(function, "%63[^(](%63[^)]", name, params);
    const struct aggregate *a = aggregate_of(name, params, &in, false, &e);
    if (a == NULL)
        fail_msg("%s: %s", type, e.text);
    const struct aggregate_storage *storage = aggregate_storage(a);
    if (!storage->is_simple && strcmp(storage->type_name, type) != 0) {
        if (strstr(type, "Nullable") == NULL)
            fail_msg("%s: stored as %s", type, storage->type_name);
        return false;
    }
    AUTO_DONE(buf) ours = {0};
    state_of(a, &in, &ours);
    if (state == NULL) {
        struct u128 sip = sip_hash128(ours.p, ours.n);
        AUTO_DONE(buf) key = {0};
        buf_put(&key, &sip, 16);
        hex_of(&key, hex);
        if ((int)ours.n != json_integer_value(json_object_get(vector, "length")) ||
            strcmp(hex, json_string_value(json_object_get(vector, "sip"))) != 0)
            fail_msg("%s: state of %zu bytes has hash %s", json_dumps(vector, 0), ours.n, hex);
        return true;
    }
    char *theirs = arena_alloc(&arena, strlen(state) + 16);
    size_t n = unhex(state, theirs);
    if (storage->is_simple && n > 0)
        n = theirs[0] == 0 || in.n == 0 || in.types[0].is_nullable
                ? 0 : to_plain(name, &in.types[0], theirs, n, in.n);
    if (storage->is_simple && n == 0)
        return false; /* a plain value stands for nothing, too */
    if (set != NULL) {
        size_t at = (size_t)json_integer_value(json_array_get(set, 0));
        size_t width = (size_t)json_integer_value(json_array_get(set, 1));
        sort_items(theirs, n, at, width);
        sort_items(ours.p, ours.n, at, width);
    }
    if (ours.n != n || memcmp(ours.p, theirs, n) != 0) {
        hex_of(&ours, hex);
        fail_msg("%s: ours is %s", json_dumps(vector, 0), hex);
    }
    return true;
}

static void states_equal_made_ones(void **unused)
{
    const char *root = getenv("WEIR_SOURCE_ROOT");
    char path[600];
    snprintf(path, sizeof(path), "%s/tests/conform/state_vectors_more.json", root ? root : ".");
    json_t *made = json_load_file(path, 0, NULL), *vector;
    size_t i, n_checked = 0;
    assert_non_null(made);
    json_array_foreach(json_object_get(made, "vectors"), i, vector) {
        n_checked += check_made(vector);
        arena_reset(&arena);
    }
    print_message("%zu of %zu made states compared\n", n_checked, i);
    assert_true(n_checked >= 1000);
    json_decref(made);
    arena_done(&arena);
}

/* ---- our own vectors ---- */

struct own_case {
    const char *name, *params, *type;
    const char *json; /* rows */
    bool may_be_empty;
    const char *hex, *type_name, *merge_call;
};

static const struct own_case own_cases[] = {
    {"sum", "", "UInt32", "[3,1,2]", false, "0600000000000000",
     "SimpleAggregateFunction(sum, UInt64)", "sum(%s)"},
    {"sum", "", "Int8", "[-3,1]", true, "feffffffffffffff", "SimpleAggregateFunction(sum, Int64)",
     "sum(%s)"},
    {"sum", "", "Bool", "[1,1]", false, "0200000000000000", "SimpleAggregateFunction(sum, UInt64)",
     "sum(%s)"},
    {"sum", "", "Float32", "[1.5]", false, "000000000000f83f",
     "SimpleAggregateFunction(sum, Float64)", "sum(%s)"},
    {"sum", "", "Nullable(UInt8)", "[null]", false, "010000000000000000",
     "SimpleAggregateFunction(sum, Nullable(UInt64))", "sum(%s)"},
    {"count", "", "Nullable(UInt8)", "[null,1]", false, "0100000000000000",
     "SimpleAggregateFunction(sum, UInt64)", "sum(%s)"},
    {"min", "", "Int16", "[5,-2]", false, "feff", "SimpleAggregateFunction(min, Int16)", "min(%s)"},
    {"minIf", "", "Int16", "[]", true, "01ffff", "SimpleAggregateFunction(min, Nullable(Int16))",
     "ifNull(min(%s), defaultValueOfTypeName('Int16'))"},
    {"max", "", "DateTime64(3, 'UTC')", "[0.001]", true, "000100000000000000",
     "SimpleAggregateFunction(max, Nullable(DateTime64(3, 'UTC')))",
     "ifNull(max(%s), defaultValueOfTypeName('DateTime64(3, \\'UTC\\')'))"},
    {"max", "", "LowCardinality(String)", "[\"a\",\"b\"]", false, "0162",
     "SimpleAggregateFunction(max, String)", "max(%s)"},
    {"any", "", "Nullable(String)", "[null,\"x\",\"y\"]", false, "000178",
     "SimpleAggregateFunction(any, Nullable(String))", "any(%s)"},
    {"any", "", "String", "[]", true, "0100", "SimpleAggregateFunction(any, Nullable(String))",
     "ifNull(any(%s), defaultValueOfTypeName('String'))"},
    {"avg", "", "UInt8", "[250,250]", false, "f40100000000000002", "AggregateFunction(avg, UInt8)",
     "avgMerge(%s)"},
    {"avg", "", "Nullable(UInt8)", "[null]", false, "00", "AggregateFunction(avg, Nullable(UInt8))",
     "avgMerge(%s)"},
    {"avg", "", "Nullable(UInt8)", "[1]", false, "01010000000000000001",
     "AggregateFunction(avg, Nullable(UInt8))", "avgMerge(%s)"},
    {"avg", "", "DateTime64(3)", "[-1.5]", false, "24faffffffffffffffffffffffffffff01",
     "AggregateFunction(avg, DateTime64(3))", "avgMerge(%s)"},
    {"uniqExact", "", "Nullable(UInt16)", "[null,0,7]", false, "0200000700",
     "AggregateFunction(uniqExact, UInt16)", "uniqExactMerge(%s)"},
    {"uniqCombined", "14", "LowCardinality(String)", "[]", false, "0100",
     "AggregateFunction(uniqCombined(14), String)", "uniqCombinedMerge(14)(%s)"},
    {"uniqCombined", "", "Nullable(UInt8)", "[null]", false, "00",
     "AggregateFunction(uniqCombined, Nullable(UInt8))", "uniqCombinedMerge(%s)"},
    {"quantileDD", "0.01", "Float64", "[42]", false,
     "02fd4a815abf52f03f0000000000000000010c01f40202000000000000f03f030c00feffffff0f02040000000000000000",
     "AggregateFunction(quantileDD(0.01), Float64)", "quantileDDMerge(0.01)(%s)"},
    {"quantilesDD", "0.01,0.5,0.9", "Nullable(UInt8)", "[]", false,
     "02fd4a815abf52f03f0000000000000000010c00feffffff0f02030c00feffffff0f02040000000000000000",
     "AggregateFunction(quantilesDD(0.01, 0.5, 0.9), UInt8)",
     "quantilesDDMerge(0.01, 0.5, 0.9)(%s)"},
};

static void storage_and_states_of_all_functions(void **unused)
{
    for (size_t i = 0; i < COUNT(own_cases); i++) {
        const struct own_case *c = &own_cases[i];
        json_t *rows = json_loads(c->json, 0, NULL), *v;
        struct input in;
        struct err e = {0};
        size_t row;
        input_init(&in, &c->type, 1, json_array_size(rows));
        json_array_foreach(rows, row, v) {
            if (json_is_null(v))
                in.columns[0].nulls[row] = 1;
            else
                set_value(&in, 0, row, v);
        }
        const struct aggregate *a = aggregate_of(c->name, c->params, &in, c->may_be_empty, &e);
        if (a == NULL)
            fail_msg("%s(%s): %s", c->name, c->type, e.text);
        AUTO_DONE(buf) out = {0};
        char hex[400];
        state_of(a, &in, &out);
        hex_of(&out, hex);
        if (strcmp(hex, c->hex) != 0)
            fail_msg("%s(%s) of %s: %s, not %s", c->name, c->type, c->json, hex, c->hex);
        assert_string_equal(aggregate_storage(a)->type_name, c->type_name);
        assert_string_equal(aggregate_storage(a)->merge_call, c->merge_call);
        json_decref(rows);
    }
    arena_done(&arena);
}

/* ---- splitting ---- */

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fill_random(struct input *in, uint64_t distinct)
{
    for (size_t k = 0; k < in->n_args; k++) {
        struct column *c = &in->columns[k];
        size_t width = type_width(c->type);
        for (size_t i = 0; i < in->n; i++) {
            uint64_t v = random64() % distinct;
            if (c->type.kind == TYPE_STRING) {
                COLUMN(c, struct str)[i] = str_of(arena_printf(&arena, "v%llu",
                                                               (unsigned long long)v));
            } else if (c->type.kind == TYPE_FLOAT64) {
                COLUMN(c, double)[i] = v % 11 == 0 ? NAN : (double)v - 40;
            } else {
                uint64_t wide[2] = {v, ih64(v)};
                memcpy((char *)c->values + i * width, wide, width);
            }
            if (c->nulls != NULL)
                c->nulls[i] = random64() % 4 == 0;
        }
    }
}

static size_t written(const struct aggregate *a, char *row, struct buf *out)
{
    char *rows[1] = {row};
    aggregate_write_column(a, out, rows, 8, 1);
    return out->n;
}

/* Parts merged give what folding at once gives; the memory count returns to zero. */
static void check_split(const char *name, const char *params, const char *type, size_t n,
                        uint64_t distinct)
{
    struct input in;
    struct err e;
    const char *types[] = {type, "UInt32", "UInt16"};
    const char *base = aggregate_base(str_of(name));
    size_t n_args = strstr(name, "Weighted") || str_starts(str_of(base), "arg") ||
                    str_starts(str_of(base), "co") || str_starts(str_of(base), "simple") ? 2 : 1;
    n_args -= strcmp(base, "count") == 0;
    if (strstr(name, "ArgM") != NULL)
        n_args++;
    input_init(&in, types, n_args, n);
    fill_random(&in, distinct);
    const struct aggregate *a = aggregate_of(name, params, &in, false, &e);
    if (a == NULL)
        fail_msg("%s: %s", name, e.text);

    char whole[64], merged[64], part[64];
    size_t bytes = 0;
    row_init(a, whole);
    row_init(a, merged);
    fold(a, whole, &in, 0, n, &bytes);
    for (size_t at = 0; at < n;) {
        size_t end = at + random64() % (n / 3 + 1) + 1;
        end = end > n ? n : end;
        row_init(a, part);
        fold(a, part, &in, at, end, &bytes);
        *(uint64_t *)merged += *(uint64_t *)part;
        aggregate_merge(a, merged + 8, part + 8, &bytes);
        aggregate_done(a, part + 8, &bytes);
        at = end;
    }
    AUTO_DONE(buf) x = {0};
    AUTO_DONE(buf) y = {0};
    written(a, whole, &x);
    written(a, merged, &y);
    /* Digests and what divides by counts depend on the split; sets list their items in any order. */
    if (strstr(name, "Digest") == NULL && strstr(name, "Stable") == NULL && strstr(name, "Kahan") == NULL)
        assert_int_equal(x.n, y.n);
    if ((!str_starts(str_of(name), "uniq") && strstr(name, "Digest") == NULL && strstr(name, "Stable") == NULL &&
         strstr(name, "Kahan") == NULL && !str_starts(str_of(name), "groupUniq") &&
         strcmp(name, "quantileExactWeighted") != 0) ||
        (x.p[0] == 3 && strcmp(name, "uniqCombined") == 0))
        if (x.n != y.n || memcmp(x.p, y.p, x.n) != 0)
            fail_msg("%s(%s): the state depends on the split", name, type);
    aggregate_done(a, whole + 8, &bytes);
    aggregate_done(a, merged + 8, &bytes);
    assert_int_equal(bytes, 0);
    arena_done(&arena);
}

static void merging_parts_equals_folding_at_once(void **unused)
{
    static const char *const types[] = {"UInt8", "Int32", "UInt64", "Nullable(Int64)",
                                        "Nullable(UInt16)"};
    static const char *const names[] = {"count", "sum", "min", "max", "avg", "any", "uniqExact",
                                        "uniqCombined"};
    for (size_t t = 0; t < COUNT(types); t++)
        for (size_t f = 0; f < COUNT(names); f++)
            check_split(names[f], "", types[t], 3000, 1000);
    check_split("min", "", "String", 3000, 500);
    check_split("max", "", "Nullable(IPv6)", 3000, 500);
    check_split("any", "", "String", 3000, 500);
    check_split("min", "", "Float64", 3000, 500);
    check_split("max", "", "Nullable(Float64)", 3000, 500);
    check_split("avg", "", "DateTime64(9)", 3000, UINT64_MAX);
    check_split("uniqCombined", "12", "UInt64", 3000, 100000);
    check_split("uniqCombined", "12", "String", 3000, 100000);
    check_split("uniqCombined", "14", "IPv6", 9000, 100000);
    check_split("uniqExact", "", "String", 3000, 100000);
    check_split("quantilesDD", "0.01,0.5", "Float64", 3000, 1000);
    check_split("quantileDD", "0.02,0.5", "Nullable(UInt64)", 3000, UINT64_MAX);

    static const char *const more[] = {
        "anyLast", "argMin", "argMax", "varPop", "skewSamp", "kurtPop", "stddevPopStable", "sumKahan", "sumCount",
        "avgWeighted", "covarPop", "corr", "corrStable", "simpleLinearRegression", "groupBitAnd", "groupBitOr",
        "groupBitXor", "groupBitmap", "groupUniqArray", "uniq", "uniqCombined64", "uniqHLL12", "quantileTDigest",
        "quantileTDigestWeighted", "quantileTiming", "quantileExact", "quantileExactWeighted", "countArgMin",
        "sumArgMaxOrNull", "uniqExactArgMin", "maxOrDefault", "anyLastArgMax", "argMinArgMax", "avgOrNullArgMin",
    };
    for (size_t t = 0; t < COUNT(types); t++)
        for (size_t f = 0; f < COUNT(more); f++) {
            check_split(more[f], "", types[t], 3000, 1000);
            check_split(more[f], "", types[t], 30, 1000);
        }
    check_split("argMin", "", "String", 3000, 500);
    check_split("argMax", "", "Nullable(IPv6)", 3000, 500);
    check_split("anyLast", "", "Nullable(String)", 3000, 500);
    check_split("minArgMin", "", "String", 3000, 50);
    check_split("groupUniqArray", "", "String", 3000, 50000);
    check_split("groupUniqArray", "7", "Nullable(String)", 3000, 50000);
    check_split("groupUniqArray", "7", "IPv6", 3000, 50000);
    check_split("uniqHLL12", "", "Nullable(String)", 3000, 50000);
    check_split("uniq", "", "UInt64", 300000, UINT64_MAX);
    check_split("groupBitmap", "", "UInt32", 100000, 200000);
    check_split("groupBitmap", "", "Int64", 3000, UINT64_MAX);
    check_split("groupBitmap", "", "UInt64", 20000, 1 << 17);
    check_split("quantileTiming", "", "UInt32", 20000, 40000);
    check_split("quantileTDigest", "", "Float64", 30000, 40000);
    check_split("uniqCombined64", "12", "UInt64", 3000, 100000);
}

/* ---- refusals ---- */

static void wrong_uses_are_refused(void **unused)
{
    static const struct {
        const char *name, *params, *type, *text;
    } cases[] = {
        {"sun", "", "UInt8", "did you mean sum"},
        {"frobnicate", "", "UInt8", "unknown aggregate function 'frobnicate'"},
        {"sum", "", "Date", "illegal type Date of argument for aggregate function sum"},
        {"sum", "", "String", "illegal type String"},
        {"avg", "", "IPv4", "illegal type IPv4"},
        {"quantilesDD", "0.01,0.5", "DateTime64(3)", "illegal type DateTime64(3)"},
        {"quantilesDD", "0.01", "UInt8", "parameters"},
        {"quantilesDD", "1,0.5", "UInt8", "relative accuracy"},
        {"quantilesDD", "0.01,1.5", "UInt8", "level"},
        {"quantilesDD", "0.01,nan", "UInt8", "level"},
        {"uniqCombined", "11", "UInt8", "from 12 to 20"},
        {"uniqCombined", "x", "UInt8", "from 12 to 20"},
        {"sum", "2", "UInt8", "cannot have parameters"},
        {"quantile", "0.5", "UInt8", "write quantileTDigest(level)(x)"},
        {"medianIf", "", "UInt8", "write medianTDigest(x)"},
        {"topK", "3", "UInt8", "group by x and take count()"},
        {"deltaSum", "", "UInt64", "deltaSum cannot stand in a metric"},
        {"sumState", "", "UInt64", "write the function without it"},
        {"sumDistinct", "", "UInt64", "write uniqExact(x)"},
        {"sumIfArgMin", "", "UInt64", "write If as the last"},
        {"sunIf", "", "UInt8", "did you mean sum"},
        {"argMin", "", "UInt8", "takes 2 arguments, not 1"},
        {"sumArray", "", "UInt8", "takes arrays, not UInt8"},
        {"sumMap", "", "UInt8", "takes 2 to 16 arguments, not 1"},
        {"avgMap", "", "Array(UInt8)", "takes one Map"},
        {"sum", "", "Array(UInt8)", "illegal type Array(UInt8)"},
        {"min", "", "Tuple(UInt8)", "illegal type Tuple(UInt8)"},
        {"uniq", "", "Tuple(UInt8)", "illegal type Tuple(UInt8)"},
        {"sumArray", "", "Array(String)", "illegal type String"},
        {"sumArgMin", "", "UInt8", "takes 1 argument, not 0"},
        {"groupBitAnd", "", "Float64", "illegal type Float64"},
        {"groupBitmap", "", "String", "illegal type String"},
        {"varPop", "", "Date", "illegal type Date"},
        {"quantileTDigest", "1.1", "UInt8", "level"},
        {"groupUniqArray", "0", "UInt8", "must be a number of values"},
        {"uniqCombined64", "21", "UInt8", "from 12 to 20"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct input in;
        struct err e = {0};
        input_init(&in, &cases[i].type, 1, 1);
        assert_null(aggregate_of(cases[i].name, cases[i].params, &in, false, &e));
        if (strstr(e.text, cases[i].text) == NULL)
            fail_msg("%s(%s): '%s' says nothing of '%s'", cases[i].name, cases[i].type, e.text,
                     cases[i].text);
    }
    arena_done(&arena);
}

static void sketches_reject_what_clickhouse_throws_at(void **unused)
{
    static const struct {
        double value;
        bool is_fine;
    } cases[] = {{1.5, true}, {0, true}, {NAN, true}, {-1.7e308, true}, {1.79e308, false},
                 {-INFINITY, false}};
    const char *type = "Float64";
    struct input in;
    input_init(&in, &type, 1, COUNT(cases));
    const struct aggregate *a = aggregate_of("quantilesDD", "0.01,0.5", &in, false, NULL);
    assert_true(aggregate_can_reject(a));
    for (size_t i = 0; i < COUNT(cases); i++) {
        COLUMN(&in.columns[0], double)[i] = cases[i].value;
        assert_int_equal(aggregate_rejects(a, in.args, i) == NULL, cases[i].is_fine);
    }
    arena_done(&arena);
}

static void arrays_of_different_length_are_rejected(void **unused)
{
    static const char *const names[] = {"sumMap", "argMinArray", "covarPopForEach", "argMaxForEachOrNull"};
    const char *types[] = {"Array(UInt8)", "Array(UInt8)"};
    for (size_t f = 0; f < COUNT(names); f++) {
        struct input in;
        input_init(&in, types, 2, 2);
        assert_null(value_parse_in(in.columns[0].values, in.types[0], STR("[1,2]"), &arena));
        assert_null(value_parse_in(in.columns[1].values, in.types[1], STR("[3,4]"), &arena));
        assert_null(value_parse_in((char *)in.columns[0].values + 16, in.types[0], STR("[1,2]"), &arena));
        const struct aggregate *a = aggregate_of(names[f], "", &in, false, NULL);
        assert_true(aggregate_can_reject(a));
        assert_null(aggregate_rejects(a, in.args, 0));
        assert_non_null(aggregate_rejects(a, in.args, 1));
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_equal_recorded_ones),
        cmocka_unit_test(states_equal_made_ones),
        cmocka_unit_test(storage_and_states_of_all_functions),
        cmocka_unit_test(merging_parts_equals_folding_at_once),
        cmocka_unit_test(wrong_uses_are_refused),
        cmocka_unit_test(sketches_reject_what_clickhouse_throws_at),
        cmocka_unit_test(arrays_of_different_length_are_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
