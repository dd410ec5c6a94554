/* SPDX-License-Identifier: Apache-2.0
 *
 * Small texts and what is decided about them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "cli/infer/infer.h"
#include "plan/plan.h"

enum { NOW = 1790000000 }; /* September 2026 */

static struct inference *infer(const char *text)
{
    struct err e;
    AUTO_DONE(sample) s = {0};
    struct inference *inf = inference_new();
    sample_of_text(&s, "t.csv", str_of(text));
    if (inference_observe(inf, &s, NOW, &e) != ERR_OK) {
        print_error("%s\n", e.text);
        inference_free(inf);
        return NULL;
    }
    inference_decide(inf);
    return inf;
}

static const struct infer_column *column_of(const struct inference *inf, const char *name)
{
    for (size_t i = 0; i < inf->n_columns; i++)
        if (strcmp(inf->columns[i]->name, name) == 0)
            return inf->columns[i];
    fail_msg("no column %s", name);
    return NULL;
}

/* A CSV of one column with time before it; the values are cycled n times. */
static struct inference *infer_values(const char *name, const char *const *values, size_t n)
{
    AUTO_DONE(buf) text = {0};
    size_t n_values = 0;
    while (values[n_values])
        n_values++;
    buf_printf(&text, "time,%s\n", name);
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "2024-01-%02zu 00:00:00,%s\n", 1 + i % 28, values[i % n_values]);
    return infer(buf_cstr(&text));
}

struct type_case {
    const char *name;
    const char *values[16];
    const char *type;
    enum column_role role;
};

static const struct type_case type_cases[] = {
    {"a", {"1", "-2", "30", "400", "5", "6", "7", "8", "9", "10", "11"}, "Int32", ROLE_MEASURE},
    {"a", {"1", "2", "30", "400", "5", "6", "7", "8", "9", "10", "11"}, "UInt32", ROLE_MEASURE},
    {"a", {"1", "3000000000", "2", "4", "6", "8", "10", "12", "14", "16"}, "UInt64", ROLE_MEASURE},
    {"a", {"-1", "3000000000", "5", "9", "11", "0", "4", "22", "33", "44"}, "Int64", ROLE_MEASURE},
    {"a", {"1", "2.5", "3", "-1e3"}, "Float64", ROLE_MEASURE},
    {"user_id", {"1", "3", "7", "90", "12", "44", "27", "81", "93", "10"}, "UInt32", ROLE_KEY},
    {"userId", {"1", "3", "7", "90", "12", "44", "27", "81", "93", "10"}, "UInt32", ROLE_KEY},
    {"country code", {"1", "3", "7", "90", "12", "44", "27", "81", "93", "10"}, "UInt32", ROLE_KEY},
    {"ZIP", {"11111", "33333", "77777", "90909", "12121", "44444", "27272", "81818", "93939", "10101"}, "UInt32", ROLE_KEY},
    {"paid", {"1", "3", "7", "90", "12", "44", "27", "81", "93", "10"}, "UInt32", ROLE_MEASURE},
    {"plz", {"01234", "99999", "00001", "12345"}, "LowCardinality(String)", ROLE_DIMENSION},
    {"a", {"true", "false"}, "Bool", ROLE_DIMENSION},
    {"a", {"10.0.0.1", "192.168.1.20"}, "IPv4", ROLE_PLAIN},
    {"a", {"10.0.0.1", "2001:db8::1"}, "IPv6", ROLE_PLAIN},
    {"a", {"red", "green", "blue"}, "LowCardinality(String)", ROLE_DIMENSION},
    {"a", {"5", "", "7", "70", "9", "13", "21", "34", "55", "89"}, "Nullable(UInt32)", ROLE_MEASURE},
    {"a", {"red", "", "blue"}, "LowCardinality(Nullable(String))", ROLE_DIMENSION},
    {"a", {"5", "NA", "7", "70", "9", "13", "21", "34", "55", "89"}, "Nullable(UInt32)", ROLE_MEASURE},
    {"a", {"red", "N/A", "blue"}, "LowCardinality(Nullable(String))", ROLE_DIMENSION},
    {"a", {"2024-01-01T00:00:00Z", "2024-01-02T10:00:00Z"}, "DateTime('UTC')", ROLE_TIME},
    {"a", {"2024-01-01 00:00:00.5", "2024-01-02 10:00:00.25"}, "DateTime64(3, 'UTC')", ROLE_TIME},
    {"a", {"2024-01-01 00:00:00.123456"}, "DateTime64(6, 'UTC')", ROLE_TIME},
    {"a", {"2024-01-01", "2024-02-28"}, "DateTime('UTC')", ROLE_TIME},
    {"a", {"1700000000", "1700000001"}, "DateTime('UTC')", ROLE_TIME},
    {"a", {"1700000000123", "1700000001000"}, "DateTime64(3, 'UTC')", ROLE_TIME},
    {"a", {"1700000000123456", "1700000001000000"}, "DateTime64(6, 'UTC')", ROLE_TIME},
    {"a", {"1700000000123456789", "1700000001000000000"}, "DateTime64(9, 'UTC')", ROLE_TIME},
    {"a", {"3700000000", "3700000001", "3700000005", "3700000017", "3700000044", "3700000078", "3700000101", "3700000199", "3700000200", "3700000303"}, "UInt64", ROLE_MEASURE},
    {"phone_id", {"1700000000", "1700000007"}, "UInt64", ROLE_DIMENSION},
    {"a", {"13/04/2024", "01/02/2024"}, "DateTime('UTC')", ROLE_TIME},
    {"a", {"04/13/2024 10:00", "01/02/2024 11:30"}, "DateTime('UTC')", ROLE_TIME},
    {"a", {"100000000000000000000000", "5"}, "LowCardinality(String)", ROLE_DIMENSION},
    {"a", {"18446744073709551615", "5", "1", "2", "3", "4", "6", "7", "8", "9"}, "UInt64", ROLE_MEASURE},
};

static void types_and_roles_follow_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(type_cases); i++) {
        const struct type_case *c = &type_cases[i];
        size_t n_values = 0;
        while (c->values[n_values])
            n_values++;
        /* Numbers with twenty or fewer distinct values are dimensions in a long file: keep those short. */
        AUTO(inference) inf = infer_values(c->name, c->values, c->role == ROLE_MEASURE || c->role == ROLE_KEY ? n_values * 3 : n_values * 30);
        assert_non_null(inf);
        const struct infer_column *column = inf->columns[1];
        if (strcmp(column->type, c->type) != 0 || column->role != c->role)
            fail_msg("case %zu (%s, '%s' …): %s role %d, not %s role %d (%s)", i, c->name, c->values[0], column->type, column->role, c->type, c->role, column->reason);
    }
}

static void unique_and_counting_integers_are_keys(void **state)
{
    (void)state;
    AUTO_DONE(buf) text = {0};
    buf_text(&text, "time,row,number,amount\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "2024-01-01T00:00:%02dZ,%d,%d,%d\n", i % 60, i + 1, (i * 7919) % 10007, (i * i) % 97);
    AUTO(inference) inf = infer(buf_cstr(&text));
    assert_int_equal(column_of(inf, "row")->role, ROLE_KEY);
    assert_int_equal(column_of(inf, "number")->role, ROLE_KEY);
    assert_int_equal(column_of(inf, "amount")->role, ROLE_MEASURE);
}

static void spelled_nulls_are_read_from_text(void **state)
{
    (void)state;
    const char *values[] = {"5", "NA", "-", "12", NULL};
    AUTO(inference) inf = infer_values("x", values, 80);
    const struct infer_column *c = inf->columns[1];
    assert_string_equal(c->text_name, "x_text");
    assert_string_equal(c->expression, "if(x_text IN ('', 'NA', '-'), NULL, toUInt32(x_text))");
}

static void month_first_dates_are_turned(void **state)
{
    (void)state;
    const char *values[] = {"4/13/2024", "1/2/2024", NULL};
    AUTO(inference) inf = infer_values("x", values, 80);
    const struct infer_column *c = inf->columns[1];
    assert_int_equal(c->order, ORDER_MONTH_FIRST);
    assert_non_null(strstr(c->expression, "parseDateTimeBestEffort(concat(substring(x_text"));
}

static void undecided_dates_are_a_question(void **state)
{
    (void)state;
    struct err e;
    int column;
    const char *undecided[] = {"4/5/2024", "1/2/2024", NULL}, *both[] = {"4/13/2024", "13/4/2024", NULL};
    AUTO(inference) inf = infer_values("x", undecided, 80);
    assert_int_equal(inference_date_question(inf, &column, &e), ERR_OK);
    assert_int_equal(column, 1);
    inf->columns[1]->order = ORDER_DAY_FIRST;
    inference_decide(inf);
    assert_int_equal(inference_date_question(inf, &column, &e), ERR_OK);
    assert_int_equal(column, -1);
    AUTO(inference) other = infer_values("x", both, 80);
    assert_int_equal(inference_date_question(other, &column, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "both orders"));
}

struct layout_case {
    const char *text;
    char delimiter;
    bool has_header;
    size_t n_columns;
};

static const struct layout_case layout_cases[] = {
    {"a,b\n1,2\n3,4\n", ',', true, 2},
    {"a;b\n1,5;2\n3,5;4\n", ';', true, 2},
    {"a\tb\n1\t2\n3\t4\n", '\t', true, 2},
    {"a|b\n1|2\n3|4\n", '|', true, 2},
    {"1,2\n3,4\n", ',', false, 2},
    {"x,y\nz,y\nx,w\n", ',', false, 2},
    {"name,town\njoe,paris\nann,rome\n", ',', true, 2},
    {"\xef\xbb\xbf" "a,b\r\n1,2\r\n", ',', true, 2},
    {"\"a\",\"b,c\"\n\"1\",\"x, y\"\n\"2\",\"multi\nline\"\n", ',', true, 2},
    {"a\n1\n2\n", ',', true, 1},
    {"2024-01-01 10:00:00,5\n2024-01-01 10:00:01,6\n", ',', false, 2},
};

static void layouts_are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(layout_cases); i++) {
        const struct layout_case *c = &layout_cases[i];
        AUTO(inference) inf = infer(c->text);
        assert_non_null(inf);
        const struct layout *l = &inf->layout;
        if (l->delimiter != c->delimiter || l->has_header != c->has_header || l->n_columns != c->n_columns)
            fail_msg("layout %zu: '%c' header %d columns %zu", i, l->delimiter, l->has_header, l->n_columns);
    }
}

static void json_lines_have_paths(void **state)
{
    (void)state;
    AUTO(inference) inf = infer("{\"t\":\"2024-01-01T00:00:00Z\",\"a\":{\"b\":1,\"c d\":\"x\"},\"l\":[1]}\n"
                                "{\"t\":\"2024-01-01T00:00:01Z\",\"a\":{\"b\":null,\"c d\":\"y\"},\"n\":1.5}\n");
    assert_true(inf->layout.is_json);
    assert_string_equal(column_of(inf, "a_b")->path, "a.b");
    assert_string_equal(column_of(inf, "a_b")->type, "Nullable(UInt32)");
    assert_string_equal(column_of(inf, "a_c_d")->path, "a.c d");
    assert_string_equal(column_of(inf, "n")->type, "Nullable(Float64)");
    assert_string_equal(column_of(inf, "l")->type, "Array(UInt64)");
    assert_int_equal(inf->event_time, 0);
}

static void json_fraction_seconds_are_times(void **state)
{
    (void)state;
    AUTO(inference) inf = infer("{\"ts\":1554410064.698965,\"x\":\"a\"}\n{\"ts\":1554410065.1,\"x\":\"b\"}\n");
    assert_string_equal(column_of(inf, "ts")->type, "DateTime64(6, 'UTC')");
    assert_string_equal(column_of(inf, "ts")->expression, "toDateTime64(ts_number, 6, 'UTC')");
}

static void without_times_it_is_arrival(void **state)
{
    (void)state;
    AUTO(inference) inf = infer("a,b\nx,1\ny,2\n");
    assert_int_equal(inf->event_time, -1);
    assert_non_null(strstr(inf->event_reason, "_arrival"));
}

static void rejects_widen(void **state)
{
    (void)state;
    const char *values[] = {"5", "900", "12", "77", "4", "31", "8", "65", "2", "18", NULL};
    AUTO(inference) inf = infer_values("x", values, 300);
    assert_string_equal(inf->columns[1]->type, "UInt32");
    inference_observe_record(inf, STR("2024-01-01 00:00:00,-3"), STR("time,x"), NOW);
    inference_observe_record(inf, STR("9999999999,2024-01-01 00:00:00.25"), STR("x,time"), NOW); /* another order */
    inference_decide(inf);
    assert_string_equal(inf->columns[1]->type, "Int64");
    assert_string_equal(inf->columns[0]->type, "DateTime64(3, 'UTC')");
    inference_observe_record(inf, STR("2024-01-01 00:00:00,1.5"), STR("time,x"), NOW);
    inference_observe_record(inf, STR("2024-01-01 00:00:00,oops"), STR("time,x"), NOW);
    inference_decide(inf);
    assert_string_equal(inf->columns[1]->type, "Float64"); /* one word does not make it text */
    inf->is_paused = true;
    inference_decide(inf);
    assert_non_null(strstr(inf->columns[1]->type, "String"));
}

static void foreign_files_are_answered(void **state)
{
    (void)state;
    static const struct {
        const char *head;
        size_t n;
        const char *answer;
    } cases[] = {
        {"\xff\xfe" "a\0,\0", 6, "iconv -f UTF-16"},     {"a\0,\0b\0\n\0" "1\0,\0" "2\0\n\0", 16, "UTF-16LE"},
        {"PAR1\x15\x04", 6, "clickhouse-local"},         {"PK\x03\x04 xl/workbook.xml", 20, "libreoffice"},
        {"PK\x03\x04 data.csv", 13, "unzip 'f'"},          {"\xfd" "7zXZ\0", 6, "xz -dc"},
    };
    char text[1000];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(foreign_file(text, sizeof(text), "f", cases[i].head, cases[i].n));
        if (strstr(text, cases[i].answer) == NULL)
            fail_msg("%zu: %s", i, text);
    }
    assert_false(foreign_file(text, sizeof(text), "f", "a,b\n1,2\n", 8));
}

/* ---- files of every kind ---- */

static char *read_kinds(const char *path)
{
    AUTO_DONE(buf) text = {0};
    char piece[4096];
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        fail_msg("%s is not there", path);
    for (size_t n; (n = fread(piece, 1, sizeof(piece), f)) > 0;)
        buf_put(&text, piece, n);
    fclose(f);
    return buf_take(&text);
}

/* The definitions of a file; also plan_build takes them. */
static void define(struct buf *out, const char *name, struct str text)
{
    struct err e;
    AUTO_DONE(sample) s = {0};
    AUTO(inference) inf = inference_new();
    sample_of_text(&s, name, text);
    if (inference_observe(inf, &s, NOW, &e) != ERR_OK) {
        buf_printf(out, "refused: %s\n", e.text);
        return;
    }
    inference_decide(inf);
    write_definitions(out, &inf, 1, ".", "t");
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO(plan) plan = NULL;
    definitions_read_text(&defs, "t.sql", buf_view(out), &d);
    if (plan_build(&plan, &defs, ".", &d) != ERR_OK || d.n_errors > 0)
        diagnostics_print(out, &d, &defs);
}

/* tests/unit/infer_kinds.txt: each file, and behind it the whole text that is written of it.
 * WEIR_FILL=1 writes the list anew, to be read before it is kept. */
static void files_of_every_kind_are_defined(void **state)
{
    (void)state;
    const char *root = getenv("WEIR_SOURCE_ROOT");
    AUTO_MEM char *path = xasprintf("%s/tests/unit/infer_kinds.txt", root ? root : ".");
    AUTO_MEM char *list = read_kinds(path);
    AUTO_DONE(buf) filled = {0};
    size_t n = 0, n_wrong = 0;
    for (char *at = list; *at;) {
        char *name = at + 4, *text = strchr(name, '\n') + 1, *mark = strstr(text, "--- definitions\n"), *wanted = mark + 16;
        char *next = strstr(wanted - 1, "\n=== ");
        char *end = next ? next + 1 : wanted + strlen(wanted);
        AUTO_MEM char *file = xstrndup(name, (size_t)(text - 1 - name));
        AUTO_DONE(buf) got = {0};
        define(&got, file, (struct str){text, (size_t)(mark - text)});
        buf_printf(&filled, "=== %s\n%.*s--- definitions\n%s", file, (int)(mark - text), text, buf_cstr(&got));
        if (!str_eq(buf_view(&got), (struct str){wanted, (size_t)(end - wanted)}) && n_wrong++ < 3)
            print_error("%s is now\n%s\nnot\n%.*s\n", file, buf_cstr(&got), (int)(end - wanted), wanted);
        at = end;
        n++;
    }
    if (getenv("WEIR_FILL")) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fwrite(filled.p, 1, filled.n, f);
        fclose(f);
    } else {
        assert_true(n >= 20);
        assert_int_equal(n_wrong, 0);
    }
}

/* ---- lookups ---- */

static struct inference *infer_file(const char *name, const char *text)
{
    struct err e;
    AUTO_DONE(sample) s = {0};
    struct inference *inf = inference_new();
    sample_of_text(&s, name, str_of(text));
    assert_int_equal(inference_observe(inf, &s, NOW, &e), ERR_OK);
    inference_decide(inf);
    return inf;
}

static void a_key_that_covers_is_a_lookup(void **state)
{
    (void)state;
    AUTO_DONE(buf) sales = {0};
    buf_text(&sales, "time,shop,item_id,other\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&sales, "2024-01-01T00:%02d:00Z,s%d,%d,%d\n", i % 60, i % 20, i % 30 + 5000, i % 7 + 1);
    AUTO_DONE(buf) shops = {0}, items = {0}, few = {0};
    buf_text(&shops, "shop,town\n");
    for (int i = 0; i < 19; i++) /* of 20: 95 % */
        buf_printf(&shops, "s%d,%s\n", i, i % 2 ? "Ghent" : "Turku");
    buf_text(&few, "shop,town\n");
    for (int i = 0; i < 18; i++)
        buf_printf(&few, "s%d,%s\n", i, i % 2 ? "Ghent" : "Turku");
    buf_text(&items, "id,kind\n");
    for (int i = 0; i < 40; i++)
        buf_printf(&items, "%d,k%d\n", i, i % 5); /* other's values are all here, but its name is not */
    AUTO(inference) a = infer_file("sales.csv", buf_cstr(&sales));
    AUTO(inference) b = infer_file("shops.csv", buf_cstr(&shops));
    AUTO(inference) c = infer_file("few.csv", buf_cstr(&few));
    AUTO(inference) d = infer_file("items.csv", buf_cstr(&items));
    struct inference *two[] = {a, c, d};
    lookups_find(two, 3);
    assert_int_equal(a->n_joins, 0);
    struct inference *all[] = {a, b, d};
    lookups_find(all, 3);
    assert_int_equal(a->n_joins, 1);
    assert_ptr_equal(a->joins[0].table, b);
    assert_string_equal(a->joins[0].name, "shop_town");
    assert_false(d->is_lookup);
    AUTO_DONE(buf) text = {0}, said = {0};
    write_definitions(&text, all, 2, ".", "t");
    assert_non_null(strstr(buf_cstr(&text), "CREATE LOOKUP shops (shop String, town LowCardinality(String), PRIMARY KEY shop)\n"
                                            "FROM FILES 'shops.csv' FORMAT CSVWithNames;  -- shop holds 95 % of the sampled values of shop"));
    assert_non_null(strstr(buf_cstr(&text), "CREATE STREAM sales_more AS SELECT *, shops.town(shop) AS shop_town FROM sales;"));
    AUTO_DONE(definitions) defs = {0};
    AUTO_DONE(diagnostics) diagnostics = {0};
    AUTO(plan) plan = NULL;
    definitions_read_text(&defs, "t.sql", buf_view(&text), &diagnostics);
    if (plan_build(&plan, &defs, ".", &diagnostics) != ERR_OK || diagnostics.n_errors > 0) {
        diagnostics_print(&said, &diagnostics, &defs);
        fail_msg("%s\n%s", buf_cstr(&text), buf_cstr(&said));
    }
}

/* Whatever names and values there are, what is written must be definitions that the language takes. */
static void written_definitions_are_right(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "time,from,SELECT,bucket,_id,a b,é,1st,x_text,x\n2024-01-01 00:00:00,1,2,3,4,5,6,7,8,NA\n2024-01-02 00:00:00,2,3,4,5,6,7,8,9,3\n",
        "a;rows;it's\n01/02/2024;x;\"q\"\"q\"\n13/02/2024;y;z\n",
        "1,a\n2,b\n",
        "{\"rows\":1,\"a\":{\"b'c\":\"x\",\"d\\\\e\":true},\"t\":1700000000}\n",
        "a\tb\n1\tx\\ty\n2\tz\n",
        "d,v\n4/13/2024 10:00 PM,-\n4/14/2024 10:00 PM,1\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        AUTO(inference) inf = infer(texts[i]);
        assert_non_null(inf);
        AUTO_DONE(buf) text = {0}, said = {0};
        write_definitions(&text, &inf, 1, ".", "t");
        AUTO_DONE(definitions) defs = {0};
        AUTO_DONE(diagnostics) d = {0};
        AUTO(plan) plan = NULL;
        definitions_read_text(&defs, "t.sql", buf_view(&text), &d);
        enum err_code code = plan_build(&plan, &defs, ".", &d);
        diagnostics_print(&said, &d, &defs);
        if (code != ERR_OK || d.n_errors > 0)
            fail_msg("text %zu:\n%s\n%s", i, buf_cstr(&text), buf_cstr(&said));
        assert_true(str_starts(buf_view(&text), "-- weir definitions, written by"));
    }
}

/* Bytes changed, cut and doubled at random: an answer or an error, and whatever is written can be read. */
static void bad_input_is_survived(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        "time,from,a b\n2024-01-01 00:00:00,\"1,\"\"x\",NA\n2024-01-02 00:00:00.5,2,-\n2024-01-03 00:00:00,3,null\n",
        "a\tb\n1\tx\\ty\n2\tz\n",
        "{\"a\":{\"b\":[1,2],\"c\":\"x\"},\"t\":1700000000,\"d\":-1.5e3}\n{\"a\":null,\"t\":1700000000123}\n",
        "4/13/2024;10.0.0.1;::1;true\n5/13/2024;10.0.0.2;::2;false\n",
    };
    uint64_t random = 88172645463325252;
    for (int round = 0; round < 4000; round++) {
        AUTO_DONE(buf) text = {0};
        buf_text(&text, seeds[round % COUNT(seeds)]);
        for (int k = 0; k < 1 + round % 7; k++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            size_t at = (random >> 8) % text.n;
            switch (random & 3) {
            case 0: text.p[at] = (char)(random >> 40); break;
            case 1: text.p[at] = "\"\n\r,;|\t\\{}[]:-+.0"[(random >> 40) % 17]; break;
            case 2: text.n = at + 1; break;
            default: {
                AUTO_DONE(buf) tail = {0};
                buf_put(&tail, text.p + at, text.n - at);
                buf_str(&text, buf_view(&tail));
            }
            }
        }
        struct err e;
        AUTO_DONE(sample) s = {0};
        AUTO(inference) inf = inference_new();
        sample_of_text(&s, "t.csv", buf_view(&text));
        if (inference_observe(inf, &s, NOW, &e) != ERR_OK)
            continue;
        inference_decide(inf);
        AUTO_DONE(buf) written = {0};
        write_definitions(&written, &inf, 1, ".", "t");
        AUTO_DONE(definitions) defs = {0};
        AUTO_DONE(diagnostics) d = {0};
        definitions_read_text(&defs, "t.sql", buf_view(&written), &d);
        bool has_columns = false;
        for (size_t i = 0; i < inf->n_columns; i++)
            has_columns = has_columns || !inf->columns[i]->is_skipped;
        if (d.n_errors > 0 && has_columns) {
            AUTO_DONE(buf) said = {0};
            diagnostics_print(&said, &d, &defs);
            fail_msg("round %d: %.*s\n%s\n%s", round, STR_FMT(buf_view(&text)), buf_cstr(&written), buf_cstr(&said));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_roles_follow_values),
        cmocka_unit_test(unique_and_counting_integers_are_keys),
        cmocka_unit_test(spelled_nulls_are_read_from_text),
        cmocka_unit_test(month_first_dates_are_turned),
        cmocka_unit_test(undecided_dates_are_a_question),
        cmocka_unit_test(layouts_are_found),
        cmocka_unit_test(json_lines_have_paths),
        cmocka_unit_test(json_fraction_seconds_are_times),
        cmocka_unit_test(without_times_it_is_arrival),
        cmocka_unit_test(rejects_widen),
        cmocka_unit_test(foreign_files_are_answered),
        cmocka_unit_test(files_of_every_kind_are_defined),
        cmocka_unit_test(a_key_that_covers_is_a_lookup),
        cmocka_unit_test(written_definitions_are_right),
        cmocka_unit_test(bad_input_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
