/* SPDX-License-Identifier: Apache-2.0
 *
 * JSONExtract…(document, path…). The document is a value of its own (json_doc.h), so that
 * several functions of one column share one parse; then each walks its path. What is missing or
 * does not fit is 0 or ''. */
#include "codec/value.h"
#include "expr/json_get.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT(arg, row) (VALUES(arg, struct str)[row])

enum {
    GET_VALID,
    GET_HAS,
    GET_LENGTH,
    GET_TYPE,
    GET_INT,
    GET_UINT,
    GET_FLOAT,
    GET_BOOL,
    GET_STRING,
    GET_RAW,
    GET_KEY,
    ANY_CASE = 16,
};

static void run_parse(struct call *c)
{
    struct json_scratch scratch = {0};

    for (size_t i = 0; i < c->n; i++)
        RESULT(struct str)[i] = json_doc_parse(&scratch, c->arena, TEXT(0, i));
    json_scratch_done(&scratch);
}
static const struct op op_parse = {"parseJSON", run_parse, 0};

/* ---- text of an element ---- */

static void put_quoted(struct text_out *out, struct str s, enum json_style style)
{
    static const char letters[] = "btn_fr"; /* of 8, 9, 10, 12, 13 */
    const char *hex = style == JSON_AS_EXTRACTED ? "0123456789ABCDEF" : "0123456789abcdef";

    text_out_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = (uint8_t)s.p[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0xe2) {
            text_out_byte(out, (char)c);
            continue;
        }
        if (c == 0xe2) { /* the two line separators of Unicode */
            bool is_separator = style == JSON_AS_EXTRACTED && s.n - i >= 3 &&
                                s.p[i + 1] == '\x80' &&
                                (s.p[i + 2] == '\xa8' || s.p[i + 2] == '\xa9');
            if (!is_separator) {
                text_out_byte(out, (char)c);
                continue;
            }
            text_out_put(out, s.p[i + 2] == '\xa8' ? "\\u2028" : "\\u2029", 6);
            i += 2;
            continue;
        }
        text_out_byte(out, '\\');
        if (c == '"' || c == '\\') {
            text_out_byte(out, (char)c);
        } else if (c >= 8 && c <= 13 && c != 11) {
            text_out_byte(out, letters[c - 8]);
        } else {
            text_out_put(out, "u00", 3);
            text_out_byte(out, hex[c >> 4]);
            text_out_byte(out, hex[c & 15]);
        }
    }
    text_out_byte(out, '"');
}

/* The shorter of 100000 and 1e+05, as C++ writes numbers. */
static void put_shorter(struct text_out *out, double v)
{
    char fixed[400], scientific[64];
    int digits = 1;

    while (digits < 17 && (snprintf(scientific, sizeof(scientific), "%.*e", digits - 1, v),
                           strtod(scientific, NULL) != v))
        digits++;
    int exponent = (int)strtol(strchr(scientific, 'e') + 1, NULL, 10);
    int behind = digits - 1 - exponent;
    size_t n = (size_t)snprintf(fixed, sizeof(fixed), "%.*f", behind > 0 ? behind : 0, v);
    bool is_shorter = strlen(scientific) < n;
    text_out_put(out, is_shorter ? scientific : fixed, is_shorter ? strlen(scientific) : n);
}

static void put_number(struct text_out *out, const struct json_node *node, enum json_style style)
{
    AUTO_DONE(buf) text = {0};
    struct type type = {.kind = node->kind == JSON_DOUBLE ? TYPE_FLOAT64
                                : node->kind == JSON_INT  ? TYPE_INT64
                                                          : TYPE_UINT64};

    if (node->kind == JSON_DOUBLE && style == JSON_AS_BY_PATH) {
        put_shorter(out, node->f64);
        return;
    }
    value_print(&text, type, &node->u64);
    text_out_str(out, buf_view(&text));
}

void json_put_raw(struct text_out *out, struct json_at at, enum json_style style)
{
    const struct json_node *node = at.node + 1;

    switch (at.node->kind) {
    case JSON_NULL: text_out_put(out, "null", 4); break;
    case JSON_BOOL: text_out_str(out, at.node->u64 ? STR("true") : STR("false")); break;
    case JSON_TEXT: put_quoted(out, json_text(at), style); break;
    case JSON_ARRAY:
        text_out_byte(out, '[');
        for (uint32_t i = 0; i < at.node->n; i++, node = json_next(node)) {
            if (i)
                text_out_byte(out, ',');
            json_put_raw(out, (struct json_at){node, at.doc, at.text}, style);
        }
        text_out_byte(out, ']');
        break;
    case JSON_OBJECT:
        text_out_byte(out, '{');
        for (uint32_t i = 0; i < at.node->n; i++, node = json_next(node)) {
            if (i)
                text_out_byte(out, ',');
            put_quoted(out, json_text((struct json_at){node++, at.doc, at.text}), style);
            text_out_byte(out, ':');
            json_put_raw(out, (struct json_at){node, at.doc, at.text}, style);
        }
        text_out_byte(out, '}');
        break;
    default: put_number(out, at.node, style);
    }
}

/* ---- numbers of an element ---- */

static bool double_to_int(double v, int64_t *ret)
{
    if (v != v) {
        *ret = INT64_MIN;
        return true;
    }
    if (!(v >= -9223372036854775808.0 && v < 9223372036854775808.0))
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool double_to_uint(double v, uint64_t *ret)
{
    if (v != v) {
        *ret = (uint64_t)1 << 63;
        return true;
    }
    if (!(v > -1 && v < 18446744073709551616.0) || (v < 0 && v > -1 && v != 0))
        return false;
    *ret = double_to_u64(v);
    return true;
}

/* Digits behind an optional sign, all of it. */
static bool read_digits(struct str s, bool *is_negative, uint64_t *ret)
{
    size_t i = 0;

    *ret = 0;
    *is_negative = s.n && s.p[0] == '-';
    i += s.n && (s.p[0] == '-' || s.p[0] == '+');
    if (i == s.n)
        return false;
    for (; i < s.n; i++)
        if (!is_digit(s.p[i]) || __builtin_mul_overflow(*ret, 10, ret) ||
            __builtin_add_overflow(*ret, (uint64_t)(s.p[i] - '0'), ret))
            return false;
    return true;
}

bool json_int(struct json_at at, int64_t *ret)
{
    bool is_negative;
    uint64_t u;
    double f;

    switch (at.node->kind) {
    case JSON_INT: *ret = at.node->i64; return true;
    case JSON_DOUBLE: return double_to_int(at.node->f64, ret);
    case JSON_TEXT:
        if (read_digits(json_text(at), &is_negative, &u) &&
            u <= (uint64_t)INT64_MAX + is_negative) {
            *ret = (int64_t)(is_negative ? 0 - u : u);
            return true;
        }
        return value_float(&f, json_text(at)) == NULL && double_to_int(f, ret);
    default: return false;
    }
}

bool json_uint(struct json_at at, uint64_t *ret)
{
    bool is_negative;
    double f;

    switch (at.node->kind) {
    case JSON_INT: *ret = at.node->u64; return at.node->i64 >= 0;
    case JSON_UINT: *ret = at.node->u64; return true;
    case JSON_DOUBLE: return double_to_uint(at.node->f64, ret);
    case JSON_TEXT:
        if (read_digits(json_text(at), &is_negative, ret) && !is_negative)
            return true;
        return value_float(&f, json_text(at)) == NULL && double_to_uint(f, ret);
    default: return false;
    }
}

static int64_t get_int(struct json_at at)
{
    int64_t v;

    return json_int(at, &v) ? v : 0;
}

static uint64_t get_uint(struct json_at at)
{
    uint64_t v;

    return json_uint(at, &v) ? v : 0;
}

static double get_float(struct json_at at)
{
    double v;

    switch (at.node->kind) {
    case JSON_INT: return (double)at.node->i64;
    case JSON_UINT: return (double)at.node->u64;
    case JSON_DOUBLE: return at.node->f64;
    case JSON_TEXT: return value_float(&v, json_text(at)) == NULL ? v : 0;
    default: return 0;
    }
}

static int8_t get_type(struct json_at at)
{
    static const int8_t types[] = {
        [JSON_NULL] = 0,     [JSON_BOOL] = 'b', [JSON_INT] = 'i',   [JSON_UINT] = 'u',
        [JSON_DOUBLE] = 'd', [JSON_TEXT] = '"', [JSON_ARRAY] = '[', [JSON_OBJECT] = '{',
    };
    return types[at.node->kind];
}

/* ---- the kernel: document, its text, path…; param.i = what to get; data = is each part of the
 * path a name? */

bool json_walk(const struct call *c, const uint8_t *is_name, bool any_case, size_t row,
               struct json_at *at, struct str *key)
{
    struct json_at name;
    struct str doc = TEXT(0, row);

    if (doc.n == 0)
        return false;
    *at = (struct json_at){(const struct json_node *)doc.p, doc.p, TEXT(1, row).p};
    *key = (struct str){"", 0};
    for (uint32_t a = 2; a < c->n_args; a++) {
        if (is_name[a]) {
            *key = TEXT(a, row);
            if (!json_to_key(at, *key, any_case))
                return false;
            continue;
        }
        name.node = NULL;
        if (!json_to_index(at, (int32_t)VALUES(a, int64_t)[row], &name))
            return false;
        *key = name.node ? json_text(name) : (struct str){"", 0};
    }
    return true;
}

static void put(struct call *c, size_t row, const struct json_at *at, struct str key,
                struct text_out *out)
{
    int64_t what = c->param.i & ~ANY_CASE;

    switch (what) {
    case GET_VALID:
    case GET_HAS: RESULT(uint8_t)[row] = at != NULL; break;
    case GET_LENGTH:
        RESULT(uint64_t)[row] = at && at->node->kind >= JSON_ARRAY ? at->node->n : 0;
        break;
    case GET_TYPE: RESULT(int8_t)[row] = at ? get_type(*at) : 0; break;
    case GET_INT: RESULT(int64_t)[row] = at ? get_int(*at) : 0; break;
    case GET_UINT: RESULT(uint64_t)[row] = at ? get_uint(*at) : 0; break;
    case GET_FLOAT: RESULT(double)[row] = at ? get_float(*at) : 0; break;
    case GET_BOOL:
        RESULT(uint8_t)
        [row] =
            at && at->node->kind >= JSON_BOOL && at->node->kind <= JSON_UINT && at->node->u64 != 0;
        break;
    case GET_KEY: RESULT(struct str)[row] = at ? key : (struct str){"", 0}; break;
    default:
        if (at == NULL || (what == GET_STRING && at->node->kind == JSON_NULL)) {
            RESULT(struct str)[row] = (struct str){"", 0};
        } else if (what == GET_STRING && at->node->kind == JSON_TEXT) {
            RESULT(struct str)[row] = json_text(*at);
        } else {
            json_put_raw(out, *at, JSON_AS_EXTRACTED);
            RESULT(struct str)[row] = text_out_row(out);
        }
    }
}

static void run_get(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct json_at at;
        struct str key;
        bool found = json_walk(c, c->data, c->param.i & ANY_CASE, i, &at, &key);
        put(c, i, found ? &at : NULL, found ? key : (struct str){"", 0}, &out);
    }
}
static const struct op op_get = {"JSONExtract", run_get, 0};

/* ---- functions ---- */

static struct type result_type(int64_t what)
{
    static const enum type_kind kinds[] = {
        [GET_VALID] = TYPE_UINT8, [GET_HAS] = TYPE_UINT8,     [GET_LENGTH] = TYPE_UINT64,
        [GET_INT] = TYPE_INT64,   [GET_UINT] = TYPE_UINT64,   [GET_FLOAT] = TYPE_FLOAT64,
        [GET_BOOL] = TYPE_UINT8,  [GET_STRING] = TYPE_STRING, [GET_RAW] = TYPE_STRING,
        [GET_KEY] = TYPE_STRING,
    };
    struct type type = {0};
    struct err e;

    if (what != GET_TYPE)
        return type_of(kinds[what]);
    enum err_code code =
        type_parse(&type,
                   STR("Enum8('Null' = 0, 'String' = 34, 'Array' = 91, 'Bool' = 98, "
                       "'Double' = 100, 'Int64' = 105, 'UInt64' = 117, 'Object' = 123)"),
                   &e);
    return code == ERR_OK ? type : type_of(TYPE_INT8);
}

/* ClickHouse takes no LowCardinality(Nullable(String)) here. */
static bool is_low_nullable(struct site *s, uint32_t arg)
{
    struct type t = value_at(s->b, s->args[arg])->type;

    return t.is_low_cardinality && t.is_nullable;
}

bool site_json(struct site *s, uint32_t n_path, struct json_args *ret)
{
    uint32_t n = n_path + 2;
    value_id *args = arena_alloc(&s->b->memory->arena, n * sizeof(*args));
    uint8_t *is_name = arena_zero(&s->b->memory->arena, n);

    if (!site_strings(s, 1))
        return false;
    if (is_low_nullable(s, 0))
        return site_bad_type(s, 0, "a String or Nullable(String)") >= 0;
    args[1] = s->args[0];
    args[0] = EMIT(s->b, &op_parse, type_of(TYPE_STRING), args[1]);
    for (uint32_t i = 1; i <= n_path; i++) {
        is_name[i + 1] = s->types[i].kind == TYPE_STRING;
        if (is_name[i + 1] && !is_low_nullable(s, i))
            args[i + 1] = s->args[i];
        else if (type_is_integer(s->types[i]) || s->types[i].kind == TYPE_BOOL)
            args[i + 1] = cast_number(s->b, s->args[i], TYPE_INT64);
        else
            return site_bad_type(s, i, "a name (String) or an index (integer)") >= 0;
        if (args[i + 1] < 0)
            return false;
    }
    *ret = (struct json_args){args, n, is_name};
    return true;
}

static value_id build_get(struct site *s)
{
    struct json_args j;

    if (!site_json(s, s->n_args - 1, &j))
        return VALUE_FAILED;
    /* the kinds of the parts tell apart what is equal otherwise */
    return emit(s->b, &op_get, result_type(s->f->param & ~ANY_CASE), j.args, j.n,
                (struct param){.i = s->f->param}, j.is_name);
}

#define GET(name, summary, what)                                                                   \
    {                                                                                              \
        name, "json, path…", summary, 1, 255, FN_OWN_LC, build_get, what                           \
    }
#define GET_ANY_CASE(name, what)                                                                   \
    {                                                                                              \
        name, "json, path…", "The same, names by ASCII letters of either case.", 1, 255,           \
            FN_OWN_LC, build_get, (what) | ANY_CASE                                                \
    }

static const struct function functions[] = {
    {"isValidJSON", "json", "Is all of it one JSON value?", 1, 1, FN_OWN_LC, build_get, GET_VALID},
    GET("JSONHas", "Is there something at the path (names, and indices from 1 or from the end)?",
        GET_HAS),
    GET("JSONLength", "Elements of the array, members of the object; 0 for others.", GET_LENGTH),
    GET("JSONType", "What it is, as an Enum8.", GET_TYPE),
    GET("JSONKey", "The name of the member that the path leads to.", GET_KEY),
    GET("JSONExtractInt", "A number as Int64, also in quotes.", GET_INT),
    GET("JSONExtractUInt", "A number as UInt64, also in quotes.", GET_UINT),
    GET("JSONExtractFloat", "A number as Float64, also in quotes.", GET_FLOAT),
    GET("JSONExtractBool", "true, or an integer but 0.", GET_BOOL),
    GET("JSONExtractString", "A string's text, other values as JSON.", GET_STRING),
    GET("JSONExtractRaw", "The value as JSON.", GET_RAW),
    GET_ANY_CASE("JSONExtractIntCaseInsensitive", GET_INT),
    GET_ANY_CASE("JSONExtractUIntCaseInsensitive", GET_UINT),
    GET_ANY_CASE("JSONExtractFloatCaseInsensitive", GET_FLOAT),
    GET_ANY_CASE("JSONExtractBoolCaseInsensitive", GET_BOOL),
    GET_ANY_CASE("JSONExtractStringCaseInsensitive", GET_STRING),
    GET_ANY_CASE("JSONExtractRawCaseInsensitive", GET_RAW),
};
const struct function_family family_json = {"JSON", functions, COUNT(functions)};
