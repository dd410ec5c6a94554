/* SPDX-License-Identifier: Apache-2.0
 *
 * codec/json: what is taken and how (each case as ClickHouse 26.7 has it, see docs/formats/json.md), and
 * that shapes give what the careful way gives, on random records and on damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "../json_ways.h"

/* ---- one field ---- */

struct case_ {
    const char *type, *value, *want; /* want: printed value, or "!" and a part of the reason */
};

static const struct case_ cases[] = {
    {"UInt8", "1", "1"},
    {"UInt8", "\"5\"", "5"},
    {"UInt8", "\"\"", "0"},
    {"UInt8", "true", "1"},
    {"UInt8", "\"false\"", "0"},
    {"UInt8", "null", "0"},
    {"UInt8", "255", "255"},
    {"UInt8", "256", "!column 'x': outside"},
    {"UInt8", "-1", "!column 'x': negative"},
    {"UInt8", "01", "1"},
    {"UInt8", "+1", "1"},
    {"UInt8", "1.0", "!column 'x': not a number"},
    {"UInt8", "1e2", "!column 'x'"},
    {"UInt8", "[1]", "!column 'x': an array"},
    {"UInt8", "{\"a\":1}", "!column 'x': an object"},
    {"UInt8", "\" 5\"", "!column 'x'"},
    {"UInt8", "\"\\u0035\"", "!column 'x'"},
    {"Int64", "-9223372036854775808", "-9223372036854775808"},
    {"Int64", "9223372036854775808", "!column 'x': outside"},
    {"UInt64", "18446744073709551615", "18446744073709551615"},
    {"UInt64", "99999999999999999999", "!column 'x': outside"},
    {"Nullable(Int32)", "null", "NULL"},
    {"Nullable(Int32)", "-7", "-7"},
    {"Nullable(Int32)", "nul", "!column 'x'"},
    {"Float64", "1.5", "1.5"},
    {"Float64", "-1.5e-3", "-0.0015"},
    {"Float64", "-0", "-0"},
    {"Float64", "\"1.5\"", "1.5"},
    {"Float64", "true", "1"},
    {"Float64", "NaN", "nan"},
    {"Float64", "1e400", "inf"},
    {"Float64", ".5", "0.5"},
    {"Float64", "\"\"", "!column 'x'"},
    {"Float64", "0.1234567890123456789", "0.12345678901234568"},
    {"Float32", "0.1", "0.1"},
    {"Float32", "16777217", "16777216"},
    {"Bool", "true", "true"},
    {"Bool", "0", "false"},
    {"Bool", "2", "!column 'x'"},
    {"Bool", "\"true\"", "!column 'x'"},
    {"String", "\"a\\u0041\\ud83d\\ude00\\n\\q\"", "aA\xf0\x9f\x98\x80\nq"},
    {"String", "\"\\ude00\"", "\xed\xb8\x80"},
    {"String", "\"\\ud83d\"", "!column 'x': text with a wrong escape"},
    {"String", "\"\\ud83d\\u0041\"", "!column 'x': text with a wrong escape"},
    {"String", "\"\\u12\"", "!column 'x': text with a wrong escape"},
    {"String", "\"\xff\xfe\x01\"", "\xff\xfe\x01"},
    {"String", "1.50", "1.50"},
    {"String", "true", "true"},
    {"String", "null", ""},
    {"String", "[1, 2,  \"a\"]", "[1, 2,  \"a\"]"},
    {"String", "{\"a\": {}}", "{\"a\": {}}"},
    {"String", "nan", "!column 'x'"},
    {"String", "0x10", "!column 'x'"},
    {"LowCardinality(Nullable(String))", "null", "NULL"},
    {"Date", "\"2020-01-02\"", "2020-01-02"},
    {"Date", "300", "1970-10-28"},
    {"Date", "65536", "!column 'x': outside"},
    {"DateTime", "\"2020-01-02T03:04:05.123Z\"", "2020-01-02 03:04:05"},
    {"DateTime", "\"1577934245\"", "2020-01-02 03:04:05"},
    {"DateTime", "1577934245", "2020-01-02 03:04:05"},
    {"DateTime", "1577934245123", "!column 'x': a time outside"},
    {"DateTime64(3)", "1577934245123", "2020-01-02 03:04:05.123"},
    {"DateTime64(3)", "\"2020-01-02 03:04:05.1\"", "2020-01-02 03:04:05.100"},
    {"DateTime64(3)", "\"2020-01-02 03:04:05.123999\"", "2020-01-02 03:04:05.123"},
    {"IPv4", "\"1.2.3.4\"", "1.2.3.4"},
    {"IPv4", "5", "!column 'x': text in quotes"},
    {"IPv6", "\"1.2.3.4\"", "::ffff:1.2.3.4"},
};

/* The value of x of one line by the given kernels, printed, or "!reason". */
static void decode_one(struct buf *out, const char *type_text, const char *line,
                       const struct json_kernels *kernels)
{
    struct err e;
    struct field field = {.path = STR("x")};
    struct decoder_spec spec = {.format = FORMAT_JSON_EACH_ROW, .fields = &field, .n_fields = 1,
                                .max_record_bytes = 1000, .max_depth = 10};
    struct batch b;
    struct reject_list rejects = {0};
    assert_int_equal(type_parse(&field.type, str_of(type_text), &e), ERR_OK);
    batch_init(&b, &field.type, NULL, 1);
    struct decoder *d = decoder_json.open(&spec);
    ((struct json_decoder *)d)->kernels = kernels;
    d->data = line;
    d->end = line + strlen(line);
    size_t n = decoder_json.next(d, &b, &rejects);
    assert_int_equal(n, b.n_rows + rejects.n);
    size_t row = b.n_rows - 1;
    if (rejects.n)
        buf_printf(out, "!%s", rejects.items[0].reason);
    else if (b.n_rows && b.columns[0].nulls && b.columns[0].nulls[row])
        buf_text(out, "NULL");
    else if (b.n_rows)
        value_print(out, field.type, (char *)b.columns[0].values + row * type_width(field.type));
    decoder_json.free(d);
    batch_done(&b);
    reject_list_done(&rejects);
}

static void check_case(const char *type, const char *line, const char *want,
                       const struct json_kernels *kernels)
{
    AUTO_DONE(buf) got = {0};
    decode_one(&got, type, line, kernels);
    bool is_right = *want == '!' ? str_starts(buf_view(&got), want) : str_is(buf_view(&got), want);
    if (!is_right)
        print_error("%s %.80s: got %s, want %s\n", type, line, buf_cstr(&got), want);
    assert_true(is_right);
}

static void values_are_taken_as_clickhouse_takes_them(void **state)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO_DONE(buf) line = {0};
        buf_printf(&line, "{\"x\":%s}", cases[i].value);
        check_case(cases[i].type, buf_cstr(&line), cases[i].want, NULL);
    }
}

/* A good record teaches the shape; then the case; then enough behind it. */
static void values_are_the_same_by_shape(void **state)
{
    const struct json_kernels *all[3];
    size_t n = json_all_kernels(all);
    for (size_t i = 0; i < COUNT(cases); i++) {
        AUTO_DONE(buf) line = {0};
        const char *type = cases[i].type;
        bool is_quoted = *cases[i].value == '"';
        const char *first = !is_quoted                  ? "1"
                            : str_is(str_of(type), "Bool") ? "1"
                            : strstr(type, "Date")         ? "\"2020-01-01 00:00:00\""
                            : strstr(type, "IP")           ? "\"1.1.1.1\""
                                                           : "\"1\"";
        if (str_is(str_of(type), "Date") && is_quoted)
            first = "\"2020-01-01\"";
        if (strstr(type, "IP") && !is_quoted)
            first = "null";
        buf_printf(&line, "{\"x\":%s}\n{\"x\":%s}\n%9000s", first, cases[i].value, "");
        for (size_t k = 0; k < n; k++)
            check_case(type, buf_cstr(&line), cases[i].want, all[k]);
    }
}

/* ---- records ---- */

static const struct {
    const char *line, *want; /* of column x String */
} records[] = {
    {"{}", ""},
    {"  { \"x\" : \"1\" }  ", "1"},
    {"{\"x\":1},", "1"},
    {"{\"x\":1}\r", "1"},
    {"{\"\\u0078\":7}", "7"},
    {"{\"y\":1,\"y\":2,\"x\":3}", "3"},
    {"{\"y\":{\"q\":[1,2,{\"r\":null}]},\"x\":4}", "4"},
    {"{\"x\":1,\"x\":2}", "!column 'x': is there twice"},
    {"{\"x\":1,}", "!not JSON at byte 8: a key"},
    {"{,\"x\":1}", "!not JSON"},
    {"{\"x\" 1}", "!not JSON at byte 6: ':'"},
    {"{\"x\":1 \"y\":2}", "!not JSON"},
    {"{\"x\":1}garbage", "!not JSON at byte 8: something follows"},
    {"{\"x\":1} {\"x\":2}", "2"},
    {"{\"x\":1}}", "!not JSON"},
    {"{\"x\":1", "!not JSON"},
    {"{\"x\":}", "!column 'x'"},
    {"{'x':1}", "!not JSON"},
    {"[{\"x\":1}]", "!not a JSON object"},
    {"null", "!not a JSON object"},
    {"{\"y\":tru}", "!not JSON"},
    {"{\"y\":[1,]}", "!not JSON"},
    {"{\"y\":[1 2]}", "!not JSON"},
    {"{\"y\":{,}}", "!not JSON"},
    {"{\"y\":-}", "!not JSON"},
    {"{\"y\":\"\\ud800\"}", "!not JSON"},
    {"{\"y\":[[[[[[[[[1]]]]]]]]]}", ""},
    {"{\"y\":[[[[[[[[[[1]]]]]]]]]]}", "!not JSON at byte 6: a value that is damaged or nested too deeply"},
};

static void records_are_taken_or_refused_whole(void **state)
{
    for (size_t i = 0; i < COUNT(records); i++)
        check_case("String", records[i].line, records[i].want, NULL);
}

static void a_record_over_its_limit_is_refused(void **state)
{
    AUTO_DONE(buf) line = {0};
    buf_printf(&line, "{\"x\":\"%1000s\"}", "");
    check_case("String", buf_cstr(&line), "!longer than max_record_bytes", NULL);
}

static void nested_paths_join_keys_by_dots(void **state)
{
    static const struct {
        const char *line, *want;
    } nested[] = {
        {"{\"p\":{\"x\":5,\"y\":{\"z\":\"q\"}}}", " 00:0500 00:q"},
        {"{\"p.x\":5,\"p\":{\"y.z\":\"q\"}}", " 00:0500 00:q"},
        {"{\"p\":{\"x\":5,\"x\":6}}", "column 'p.x': is there twice"},
        {"{\"p\":[1],\"p.x\":7}", " 00:0700 00:"},
        {"{\"o\":{\"x\":-1}}", " 00:{\"x\":-1} 00:ffffffff"},
    };
    for (size_t i = 0; i < COUNT(nested); i++) {
        AUTO_DONE(buf) out = {0};
        assert_int_equal(json_run(&out, &json_spec, NULL, str_of(nested[i].line), 0), 1);
        if (strstr(buf_cstr(&out), nested[i].want) == NULL)
            print_error("%s: %s\n", nested[i].line, buf_cstr(&out));
        assert_non_null(strstr(buf_cstr(&out), nested[i].want));
    }
}

/* ---- two ways ---- */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)((random_state >> 33) % n);
}

/* Values that fit a field of json_fields, and some that do not quite. */
static void put_value(struct buf *out, const struct field *f)
{
    switch (f->type.kind) {
    case TYPE_STRING:
        buf_printf(out, "\"%.*s%u\"", (int)random_below(20), "some text of letters", random_below(1000));
        return;
    case TYPE_FLOAT32:
    case TYPE_FLOAT64:
        buf_printf(out, "%s%u.%0*u", random_below(4) ? "" : "-", random_below(100000),
                   (int)random_below(7) + 1, random_below(10));
        return;
    case TYPE_BOOL:
        buf_text(out, random_below(2) ? "true" : "false");
        return;
    case TYPE_DATE:
        buf_printf(out, "\"20%02u-0%u-1%u\"", random_below(100), random_below(9) + 1, random_below(10));
        return;
    case TYPE_DATETIME:
    case TYPE_DATETIME64:
        buf_printf(out, "\"2026-01-0%u%c12:%02u:%02u%s%s\"", random_below(9) + 1, random_below(2) ? 'T' : ' ',
                   random_below(3), random_below(60), random_below(2) ? ".25" : "",
                   random_below(2) ? "Z" : "");
        return;
    case TYPE_IPV4:
        buf_printf(out, "\"10.%u.%u.1\"", random_below(260), random_below(256));
        return;
    default:
        if (random_below(12) == 0)
            buf_text(out, random_below(2) ? "null" : "\"12\"");
        else
            buf_printf(out, "%s%llu", random_below(6) ? "" : "-",
                       (unsigned long long)random_below(1u << 31) >> random_below(31));
        return;
    }
}

static void put_unwanted(struct buf *out)
{
    static const char *const values[] = {"\"text\"", "1", "-1.25", "1e5", "true", "null", "[]", "{}", "[1,2]",
                                         "{\"k\":\"v\",\"l\":[\"a\",\"b\"]}", "[{\"a\":1},{\"a\":2}]",
                                         "\"with \\\" escape\"", "[[1],[2,3]]", "01", "nope"};
    buf_text(out, values[random_below(COUNT(values) - (random_below(20) != 0))]);
}

/* One of a few shapes, given by `shape`: which fields, in which order. */
static void put_record(struct buf *out, uint32_t shape)
{
    const char *comma = "";
    uint64_t before = random_state;
    random_state = shape * 977 + 5; /* the choice of fields is the shape's */
    uint32_t fields = random_below(1u << 20), first = random_below(18);
    bool is_spaced = random_below(3) == 0;
    random_state = before;
    buf_text(out, "{");
    for (uint32_t i = 0; i < 18; i++) {
        uint32_t field = (i + first) % 18;
        if (!(fields >> field & 1) || field == 14 || field == 15)
            continue;
        buf_printf(out, "%s\"%.*s\"%s", comma, STR_FMT(json_fields[field].path), is_spaced ? ": " : ":");
        put_value(out, &json_fields[field]);
        comma = is_spaced ? ", " : ",";
    }
    if (shape % 3 == 0) {
        buf_printf(out, "%s\"other\":", comma);
        put_unwanted(out);
    }
    if (shape % 5 == 0) {
        buf_printf(out, "%s\"o\":{\"x\":", *comma || shape % 3 == 0 ? "," : "");
        put_value(out, &json_fields[15]);
        buf_text(out, "}");
    }
    buf_text(out, shape % 7 ? "}\n" : "}\r\n");
}

static void compare_ways(struct str data)
{
    const struct json_kernels *all[3];
    size_t n_kernels = json_all_kernels(all);
    AUTO_DONE(buf) careful = {0};
    size_t n = json_run(&careful, &json_spec, NULL, data, 3);
    for (size_t i = 0; i < n_kernels; i++) {
        AUTO_DONE(buf) fast = {0};
        size_t n_fast = json_run(&fast, &json_spec, all[i], data, 3);
        if (!str_eq(buf_view(&fast), buf_view(&careful))) {
            size_t at = 0;
            while (at < fast.n && at < careful.n && fast.p[at] == careful.p[at])
                at++;
            at = at > 60 ? at - 60 : 0;
            print_error("%s differs: %.160s\ncareful: %.160s\n", all[i]->name, buf_cstr(&fast) + at,
                        buf_cstr(&careful) + at);
        }
        assert_int_equal(n_fast, n);
        assert_true(str_eq(buf_view(&fast), buf_view(&careful)));
    }
}

/* Exactly as long as it is, so that a sanitizer sees a byte too much. */
static void compare_exactly(const struct buf *data)
{
    char *exact = xmalloc(data->n + 1);
    memcpy(exact, data->p, data->n);
    exact = xrealloc(exact, data->n ? data->n : 1);
    compare_ways((struct str){exact, data->n});
    free(exact);
}

static void shapes_give_what_the_careful_way_gives(void **state)
{
    for (uint32_t round = 0; round < 60; round++) {
        AUTO_DONE(buf) data = {0};
        random_state = round;
        uint32_t n_shapes = round % 4 == 0 ? 1 : 1 + random_below(12);
        for (uint32_t i = 0; i < 400; i++)
            put_record(&data, round * 3 + random_below(n_shapes) * (random_below(8) == 0 ? 1 : 0));
        if (round % 2)
            data.n--; /* the last line end is missing */
        compare_exactly(&data);
    }
}

static void shapes_agree_about_damaged_records(void **state)
{
    static const char bytes[] = "\"\\\n{}[],:0-.1e \r\"\"";
    for (uint32_t round = 0; round < 300; round++) {
        AUTO_DONE(buf) data = {0};
        random_state = round * 31 + 7;
        for (uint32_t i = 0; i < 80; i++)
            put_record(&data, round);
        for (uint32_t i = 0; i < 6000; i++)
            buf_byte(&data, '\n'); /* so that all records above may go by shape */
        size_t n_records = data.n - 6000;
        for (uint32_t i = 0, n = 1 + random_below(12); i < n; i++) {
            size_t at = random_below((uint32_t)n_records);
            switch (random_below(3)) {
            case 0:
                data.p[at] = bytes[random_below(sizeof(bytes) - 1)];
                break;
            case 1: /* a byte is lost */
                memmove(data.p + at, data.p + at + 1, data.n - at - 1);
                data.n--;
                break;
            default: /* a piece is doubled over another */
                memmove(data.p + at, data.p + random_below((uint32_t)n_records), random_below(40));
                break;
            }
        }
        compare_exactly(&data);
    }
}

/* ---- kernels alone ---- */

struct texts {
    struct buf bytes;
    uint32_t begin[JSON_BLOCK], end[JSON_BLOCK];
    size_t n;
};

/* Numbers, addresses and near misses of both, some bytes apart. */
static void put_texts(struct texts *t)
{
    static const char bytes[] = "0123456789012345678901234567890123456789....-+e x";
    buf_text(&t->bytes, "sixteen bytes to");
    uint32_t usual = random_below(4);
    t->n = 1 + random_below(JSON_BLOCK);
    for (size_t i = 0; i < t->n; i++) {
        t->begin[i] = (uint32_t)t->bytes.n;
        uint32_t kind = random_below(16) ? usual : random_below(4);
        if (kind == 0)
            buf_printf(&t->bytes, "%u.%u.%u.%u", random_below(260), random_below(256), random_below(257),
                       random_below(256) >> random_below(8));
        else if (kind == 1)
            buf_printf(&t->bytes, "%s%u.%u", random_below(2) ? "-" : "", random_below(100000),
                       random_below(100000) >> random_below(16));
        else if (kind == 2)
            buf_printf(&t->bytes, "%u%0*u", random_below(1000), (int)random_below(16) + 1, random_below(10));
        else
            for (uint32_t k = random_below(18); k > 0; k--)
                buf_byte(&t->bytes, (uint8_t)bytes[random_below(sizeof(bytes) - 1)]);
        t->end[i] = (uint32_t)t->bytes.n;
        buf_put(&t->bytes, ",\"", random_below(3));
    }
    for (size_t i = t->n; i < spans_padded(t->n); i++) {
        t->begin[i] = t->begin[0];
        t->end[i] = t->end[0];
    }
    for (int i = 0; i < 64; i++)
        buf_byte(&t->bytes, '7');
}

static void check_kernels(const struct json_kernels *kernels, const struct texts *t, size_t taken[5])
{
    struct spans v = {t->bytes.p, t->begin, t->end, 0, t->n};
    uint64_t u[JSON_BLOCK], u_want, bad[5];
    double d[JSON_BLOCK], d_want;
    float f[JSON_BLOCK], f_want;
    uint32_t a[JSON_BLOCK], a_want;
    bad[0] = kernels->uints(&v, u);
    bad[1] = kernels->doubles(&v, d);
    bad[2] = kernels->floats(&v, f);
    bad[3] = kernels->ipv4s(&v, a);
    bad[4] = kernels->numbers(&v);
    for (size_t k = 0; k < t->n; k++) {
        struct str text = {t->bytes.p + t->begin[k], t->end[k] - t->begin[k]};
        if (!(bad[0] >> k & 1))
            assert_true(value_uint(&u_want, text, UINT64_MAX) == NULL && u[k] == u_want);
        if (!(bad[1] >> k & 1))
            assert_true(value_float(&d_want, text) == NULL && memcmp(&d[k], &d_want, 8) == 0);
        if (!(bad[2] >> k & 1))
            assert_true(value_float32(&f_want, text) == NULL && memcmp(&f[k], &f_want, 4) == 0);
        if (!(bad[3] >> k & 1))
            assert_true(value_ipv4(&a_want, text) == NULL && a[k] == a_want);
        if (!(bad[4] >> k & 1))
            assert_true(json_is_token(text));
        for (size_t i = 0; i < 5; i++)
            taken[i] += !(bad[i] >> k & 1);
    }
}

static void kernels_answer_as_values_do_or_decline(void **state)
{
    const struct json_kernels *all[3];
    size_t n_kernels = json_all_kernels(all);
    size_t taken[3][5] = {0};
    size_t n = 0;
    random_state = 11;
    for (int round = 0; round < 1500; round++) {
        struct texts t = {0};
        put_texts(&t);
        n += t.n;
        for (size_t i = 0; i < n_kernels; i++)
            check_kernels(all[i], &t, taken[i]);
        buf_done(&t.bytes);
    }
    for (size_t i = 0; i < n_kernels; i++) /* what is common is not declined */
        for (size_t k = 0; k < 5; k++)
            assert_true(taken[i][k] > n / 10);
}

static void rows_and_rejects_are_all_records(void **state)
{
    AUTO_DONE(buf) data = {0};
    AUTO_DONE(buf) out = {0};
    for (int i = 0; i < 10000; i++)
        buf_printf(&data, i % 100 == 50 ? "{\"u8\":%d}\n" : "{\"u8\":1,\"s\":\"%d\"}\n", i + 256);
    assert_int_equal(json_run(&out, &json_spec, &json_kernels_plain, buf_view(&data), 0), 10000);
}

static void a_cut_ends_behind_a_line_end(void **state)
{
    assert_int_equal(decoder_json.cut(0, "{}\n{}\n{", 7, false), 6);
    assert_int_equal(decoder_json.cut(0, "{}\n{}\n{", 7, true), 7);
    assert_int_equal(decoder_json.cut(0, "{}", 2, false), 0);
    assert_int_equal(decoder_json.cut(0, "", 0, false), 0);
}

/* Rows as "x|y\n", behind them rejects as "!reason\n", each with where it is and how long. */
static void decode_as(struct buf *out, enum format format, const char *header, const char *text, size_t piece)
{
    static const uint32_t positions[] = {1, 0};
    struct err e;
    struct field fields[2] = {{.path = STR("x")}, {.path = STR("y.z")}};
    struct decoder_spec spec = {.format = format, .fields = fields, .n_fields = 2, .positions = positions, .n_positions = 2};
    struct type types[2];
    struct batch b;
    struct reject_list rejects = {0};
    struct decoder *d;
    AUTO_DONE(buf) bad = {0};
    assert_int_equal(type_parse(&fields[0].type, STR("UInt8"), &e), ERR_OK);
    assert_int_equal(type_parse(&fields[1].type, STR("Nullable(String)"), &e), ERR_OK);
    types[0] = fields[0].type;
    types[1] = fields[1].type;
    batch_init(&b, types, NULL, 2);
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    assert_int_equal(decoder_header(d, str_of(header), &e), ERR_OK);
    for (size_t done = 0, n = strlen(text), room = piece; done < n; room += piece) {
        size_t some = room < n - done ? room : n - done;
        bool is_end = some == n - done, is_stream = strcmp(header, JSON_STREAM) == 0;
        some = is_stream ? json_stream_cut(text + done, some, is_end) : decoder_cut(format, 0, text + done, some, is_end);
        room = some ? 0 : room;
        decoder_feed(d, text + done, some, done + 7);
        for (; batch_reset(&b), reject_list_reset(&rejects), decoder_next(d, &b, &rejects) > 0;) {
            for (size_t i = 0; i < b.n_rows; i++) {
                buf_printf(out, "%d-%u ", (int)b.offsets[i] - 7, b.lengths[i]);
                value_print(out, types[0], COLUMN(&b.columns[0], uint8_t) + i);
                buf_byte(out, '|');
                if (b.columns[1].nulls[i])
                    buf_text(out, "NULL");
                else
                    value_print(out, types[1], COLUMN(&b.columns[1], struct str) + i);
                buf_byte(out, '\n');
            }
            for (size_t i = 0; i < rejects.n; i++)
                buf_printf(&bad, "%d-%zu !%.12s\n", (int)rejects.items[i].offset - 7, rejects.items[i].bytes.n,
                           rejects.items[i].reason);
        }
        done += some;
    }
    buf_str(out, buf_view(&bad));
    decoder_free(d);
    batch_done(&b);
    reject_list_done(&rejects);
}

static void objects_end_where_their_brackets_do(void **state)
{
    static const struct {
        const char *text, *want;
    } streams[] = {
        {"[{\"x\":1},\n {\"x\":2}]\n", "1-7 1|NULL\n11-7 2|NULL\n"},
        {"{\n \"x\": 1,\n \"y\": {\"z\": \"}{\\\"\"}\n}\n{\n\"x\":2}", "0-32 1|}{\"\n33-8 2|NULL\n"},
        {"{\"x\":1}{\"x\":2} , {\"x\":3}", "0-7 1|NULL\n7-7 2|NULL\n17-7 3|NULL\n"},
        {"[{\"x\":[1]},{\"x\":2}]", "11-7 2|NULL\n1-9 !column 'x': \n"},
        {"[\nnull, {\"x\":2},\n5\n]", "8-7 2|NULL\n2-6 !not a JSON o\n17-1 !not a JSON o\n"},
        {"[{\"x\":1},{\"x\":", "1-7 1|NULL\n9-5 !not JSON at \n"},
        {"[]\n", ""},
    };
    for (size_t i = 0; i < COUNT(streams); i++) {
        for (size_t piece = 1; piece < 60; piece += 3) {
            AUTO_DONE(buf) got = {0};
            decode_as(&got, FORMAT_JSON_EACH_ROW, JSON_STREAM, streams[i].text, piece);
            buf_cstr(&got);
            assert_string_equal(got.p ? got.p : "", streams[i].want);
        }
    }
}

static void a_file_is_lines_unless_its_beginning_shows_that_not(void **state)
{
    static const struct {
        const char *text;
        enum json_layout want;
    } files[] = {
        {"", JSON_UNDECIDED}, {" \n ", JSON_UNDECIDED}, {"{\"a\":", JSON_UNDECIDED}, {"{\"a\":1}", JSON_IS_LINES},
        {"{\"a\":{\"b\":1}} {", JSON_IS_LINES}, {"{\"a\":\n1}", JSON_IS_STREAM}, {"{\n", JSON_IS_STREAM}, {"[", JSON_UNDECIDED},
        {"[ ]", JSON_IS_STREAM}, {"[1]\n{}", JSON_IS_LINES},
        {"\xef\xbb\xbf\n [{", JSON_IS_STREAM}, {"x\n[", JSON_IS_LINES}, {"{\"a\":\"}\n", JSON_IS_STREAM},
    };
    for (size_t i = 0; i < COUNT(files); i++)
        assert_int_equal(json_layout_of(files[i].text, strlen(files[i].text)), files[i].want);
}

static void arrays_are_read_by_position_or_names(void **state)
{
    static const struct {
        enum format format;
        const char *header, *text, *want;
    } arrays[] = {
        {FORMAT_JSON_COMPACT, "", "[\"a\", 1]\r\n\n[null,\"2\"],\n", "0-8 1|a\n11-11 2|NULL\n"},
        {FORMAT_JSON_COMPACT, "", "[\"a\"]\n", "0-5 !1 values ins\n"},
        {FORMAT_JSON_COMPACT, "", "[\"a\", 1, 2]\n", "0-11 !3 values ins\n"},
        {FORMAT_JSON_COMPACT, "", "{\"x\":1}\n[[1,{}], 300]\n[1,]\n[1,2\n[1 2]\n[]\n[1,2]x\n",
         "0-7 !not a JSON a\n8-13 !column 'x': \n22-4 !not JSON at \n27-4 !not JSON at \n32-5 !not JSON at \n38-2 !0 values ins\n"
         "41-6 !not JSON at \n"},
        {FORMAT_JSON_COMPACT_WITH_NAMES, "[\"b\", \"y.z\",\"x\" ]", "[{},\"\\u0041\",5]\n", "0-15 5|A\n"},
    };
    for (size_t i = 0; i < COUNT(arrays); i++) {
        AUTO_DONE(buf) got = {0};
        decode_as(&got, arrays[i].format, arrays[i].header, arrays[i].text, 1000);
        assert_string_equal(buf_cstr(&got), arrays[i].want);
    }
    struct err e;
    struct field field = {.path = STR("x")};
    assert_int_equal(type_parse(&field.type, STR("UInt8"), &e), ERR_OK);
    struct decoder_spec spec = {.format = FORMAT_JSON_COMPACT_WITH_NAMES, .fields = &field, .n_fields = 1};
    struct decoder *d;
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_OK);
    assert_int_equal(decoder_header(d, STR("[\"y\"]"), &e), ERR_NOT_FOUND);
    assert_int_equal(decoder_header(d, STR("[\"x\",\"x\"]"), &e), ERR_INVALID);
    assert_int_equal(decoder_header(d, STR("[\"x\", 1]"), &e), ERR_SYNTAX);
    assert_int_equal(decoder_header(d, STR("[]"), &e), ERR_SYNTAX);
    decoder_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_taken_as_clickhouse_takes_them),
        cmocka_unit_test(values_are_the_same_by_shape),
        cmocka_unit_test(records_are_taken_or_refused_whole),
        cmocka_unit_test(a_record_over_its_limit_is_refused),
        cmocka_unit_test(nested_paths_join_keys_by_dots),
        cmocka_unit_test(shapes_give_what_the_careful_way_gives),
        cmocka_unit_test(shapes_agree_about_damaged_records),
        cmocka_unit_test(kernels_answer_as_values_do_or_decline),
        cmocka_unit_test(rows_and_rejects_are_all_records),
        cmocka_unit_test(objects_end_where_their_brackets_do),
        cmocka_unit_test(a_file_is_lines_unless_its_beginning_shows_that_not),
        cmocka_unit_test(arrays_are_read_by_position_or_names),
        cmocka_unit_test(a_cut_ends_behind_a_line_end),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
