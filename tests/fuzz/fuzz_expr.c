/* SPDX-License-Identifier: Apache-2.0
 *
 * Expression programs over columns of all types. The first byte chooses where the expression comes from: the text up
 * to a NUL, or calls drawn from the bytes that follow (any function, any arguments, lambdas); what is left are the
 * rows. Whatever the builder takes runs without a crash, gives the same value for a row alone as among others, and the
 * same again in the same frame. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/value.h"
#include "column/row_binary.h"
#include "expr/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_ROWS = 19, MAX_DEPTH = 4 };

static const struct {
    const char *name, *type;
} inputs[] = {
    {"u8", "UInt8"},
    {"i16", "Int16"},
    {"u32", "UInt32"},
    {"i64", "Int64"},
    {"u64", "UInt64"},
    {"f32", "Float32"},
    {"f", "Float64"},
    {"nu", "Nullable(UInt16)"},
    {"nf", "Nullable(Float64)"},
    {"b", "Bool"},
    {"s", "String"},
    {"z", "String"},
    {"ns", "Nullable(String)"},
    {"lc", "LowCardinality(String)"},
    {"fs", "FixedString(5)"},
    {"d", "Date"},
    {"d32", "Date32"},
    {"t", "DateTime"},
    {"tk", "DateTime('America/New_York')"},
    {"t64", "DateTime64(3, 'Asia/Kolkata')"},
    {"ip", "IPv4"},
    {"ip6", "IPv6"},
    {"id", "UUID"},
    {"dec", "Decimal(12, 3)"},
    {"big", "Decimal(30, 6)"},
    {"e", "Enum8('a' = 0, 'b' = 1, 'c' = 2)"},
    {"au", "Array(UInt32)"},
    {"as", "Array(String)"},
    {"an", "Array(Nullable(Int64))"},
    {"tu", "Tuple(Int32, String)"},
    {"m", "Map(String, UInt64)"},
};

static const char *const literals[] = {
    "0", "1", "-1", "2", "7", "255", "1000000", "9223372036854775807", "-0.5", "1e300", "''", "'a'", "'abc'", "'%a_'",
    "'[a-z]+'", "'(\\\\d+)'", "'UTC'", "'Europe/Berlin'", "'day'", "'month'", "','", "'UInt8'", "'Nullable(Int32)'",
    "'2024-02-29 12:34:56.789'", "'1.2.3.0/24'", "'%Y-%m-%d'", "'a.b'", "'http://u@www.a.co.uk:80/p?q=1#f'",
    "'{\"a\":[1,{\"b\":\"c\"}]}'", "'$.a[0]'", "NULL", "true", "[1, 2]", "['a', '']", "map('a', 1)", "(1, 'x')",
    "INTERVAL 3 DAY", "toDateTime64('2200-01-01 00:00:00', 9)", "x", "y",
};

static const char *const operators[] = {"+", "-", "*", "/", "%", "=", "!=", "<", ">=", "AND", "OR", "LIKE", "||", "IN"};

struct bytes {
    const uint8_t *p;
    size_t n;
};

static uint8_t take(struct bytes *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

static void draw(struct buf *out, struct bytes *in, int depth);

static void draw_list(struct buf *out, struct bytes *in, unsigned n, int depth)
{
    for (unsigned i = 0; i < n; i++) {
        buf_text(out, i ? ", " : "");
        draw(out, in, depth);
    }
}

static void draw_call(struct buf *out, struct bytes *in, int depth)
{
    size_t n;
    const char *const *names = function_names(&n);
    size_t which = (size_t)take(in) << 8 | take(in);
    uint8_t form = take(in);
    buf_printf(out, "%s(", names[which % n]);
    if (form & 0x80) {
        buf_text(out, form & 0x40 ? "(x, y) -> " : "x -> ");
        draw(out, in, depth + 1);
        buf_text(out, ", ");
    }
    draw_list(out, in, form % 5, depth + 1);
    buf_text(out, ")");
}

/* One expression of at most MAX_DEPTH levels. */
static void draw(struct buf *out, struct bytes *in, int depth)
{
    uint8_t what = take(in);
    if (depth >= MAX_DEPTH || what < 0x60) {
        buf_text(out, inputs[what % COUNT(inputs)].name);
    } else if (what < 0x90) {
        buf_text(out, literals[what % COUNT(literals)]);
    } else if (what < 0xa0) {
        buf_text(out, "(");
        draw(out, in, depth + 1);
        buf_printf(out, " %s ", operators[what % COUNT(operators)]);
        draw(out, in, depth + 1);
        buf_text(out, ")");
    } else if (what < 0xa8) {
        buf_text(out, "[");
        draw_list(out, in, what % 4, depth + 1);
        buf_text(out, "]");
    } else if (what < 0xb0) {
        buf_text(out, "(");
        draw(out, in, depth + 1);
        buf_text(out, ")[");
        draw(out, in, depth + 1);
        buf_text(out, "]");
    } else {
        draw_call(out, in, depth);
    }
}

struct rows {
    struct batch batch, one;
    struct type types[COUNT(inputs)];
};

static value_id find_input(void *context, struct builder *b, struct str name, struct place at)
{
    struct rows *r = context;
    (void)at;
    for (size_t i = 0; i < COUNT(inputs); i++)
        if (str_is(name, inputs[i].name))
            return builder_input(b, (uint32_t)i, r->types[i]);
    return VALUE_UNKNOWN;
}

static size_t no_names(void *context, struct str *out, size_t cap)
{
    (void)context, (void)out, (void)cap;
    return 0;
}

/* Only what a decoder can give. */
static void put_in_range(struct type t, void *value)
{
    uint8_t small = *(uint8_t *)value;
    int64_t ticks;
    int32_t days;
    __int128 digits, limit = 1;
    switch (t.kind) {
    case TYPE_BOOL: *(uint8_t *)value = small & 1; break;
    case TYPE_ENUM8: *(int8_t *)value = (int8_t)(small % 3); break;
    case TYPE_DATE32:
        memcpy(&days, value, sizeof(days));
        days = days % 100000 + (days % 100000 < -25567 ? 100000 : 0);
        memcpy(value, &days, sizeof(days));
        break;
    case TYPE_DATETIME64:
        memcpy(&ticks, value, sizeof(ticks));
        ticks %= 2000000000000;
        memcpy(value, &ticks, sizeof(ticks));
        break;
    case TYPE_DECIMAL:
        for (uint32_t i = 0; i < t.size; i++)
            limit *= 10;
        if (type_width(t) == 8) {
            memcpy(&ticks, value, 8);
            ticks %= (int64_t)limit;
            memcpy(value, &ticks, 8);
        } else {
            memcpy(&digits, value, 16);
            digits %= limit;
            memcpy(value, &digits, 16);
        }
        break;
    default: break;
    }
}

/* Once: making columns takes longer than most expressions. */
static void rows_init(struct rows *r)
{
    struct err e;
    if (r->batch.n_columns > 0)
        return;
    for (size_t i = 0; i < COUNT(inputs); i++)
        assert(type_parse(&r->types[i], str_of(inputs[i].type), &e) == ERR_OK);
    batch_init(&r->batch, r->types, NULL, COUNT(inputs));
    batch_init(&r->one, r->types, NULL, COUNT(inputs));
}

static void fill(struct rows *r, struct bytes in)
{
    rows_init(r);
    batch_reset(&r->batch);
    r->batch.n_rows = N_ROWS;
    struct str bytes = {(const char *)in.p, in.n};
    for (size_t row = 0; row < N_ROWS; row++)
        for (size_t i = 0; i < COUNT(inputs); i++) {
            struct column *c = &r->batch.columns[i];
            struct type bare = r->types[i];
            char *to = (char *)c->values + row * type_width(bare);
            bare.is_nullable = bare.is_low_cardinality = false;
            if (c->nulls != NULL)
                c->nulls[row] = bytes.n > 0 && (bytes.p[bytes.n - 1] + row) % 3 == 0;
            if (!row_binary_take(&r->batch.arena, bare, to, &bytes)) {
                memset(to, 0, type_width(bare)); /* no bytes left: the smallest value */
                if (bare.kind == TYPE_STRING || bare.kind == TYPE_FIXED_STRING)
                    *(struct str *)to = (struct str){"", 0};
                bytes.n = 0;
            }
            put_in_range(bare, to);
        }
}

static void print_cell(struct buf *out, const struct column *c, size_t row)
{
    struct type bare = c->type;
    bare.is_nullable = bare.is_low_cardinality = false;
    if (c->faults && c->faults[row])
        buf_printf(out, "fault %u", c->faults[row]);
    else if (c->nulls && c->nulls[row])
        buf_text(out, "NULL");
    else
        value_print_quoted(out, bare, (const char *)c->values + row * type_width(bare));
}

static void need_equal(const struct buf *x, const struct buf *y, const char *text, const char *what)
{
    if (x->n == y->n && memcmp(x->p, y->p, x->n) == 0)
        return;
    fprintf(stderr, "%s: %s\n  %.*s\n  %.*s\n", what, text, (int)x->n, x->p, (int)y->n, y->p);
    abort();
}

/* The row alone, in a batch of one. */
static void take_row(struct rows *r, size_t row)
{
    struct batch *one = &r->one;
    one->n_rows = 1;
    for (size_t i = 0; i < COUNT(inputs); i++) {
        size_t width = type_width(r->types[i]);
        memcpy(one->columns[i].values, (const char *)r->batch.columns[i].values + row * width, width);
        if (one->columns[i].nulls != NULL)
            one->columns[i].nulls[0] = r->batch.columns[i].nulls[row];
    }
}

static void run(const struct program *p, struct rows *r, const char *text)
{
    struct buf among[N_ROWS] = {0};
    AUTO_DONE(buf) cell = {0};
    struct frame *f = frame_new(p), *alone = frame_new(p);

    program_run(p, f, &r->batch, 1700000000);
    for (size_t row = 0; row < N_ROWS; row++)
        print_cell(&among[row], frame_output(f, 0), row);
    program_run(p, f, &r->batch, 1700000000);
    for (size_t row = 0; row < N_ROWS; row++) {
        buf_reset(&cell);
        print_cell(&cell, frame_output(f, 0), row);
        need_equal(&among[row], &cell, text, "other in a second run");
        take_row(r, row);
        program_run(p, alone, &r->one, 1700000000);
        buf_reset(&cell);
        print_cell(&cell, frame_output(alone, 0), 0);
        need_equal(&among[row], &cell, text, "other when alone");
    }
    for (size_t row = 0; row < N_ROWS; row++)
        buf_done(&among[row]);
    frame_free(f);
    frame_free(alone);
}

static void build_and_run(struct str text, struct bytes rest)
{
    AUTO_DONE(arena) arena = {0};
    AUTO_DONE(diagnostics) d = {0};
    AUTO_DONE(buf) copy = {0};
    static struct rows r;
    struct builder *b = builder_new();
    struct scope scope = {&r, find_input, no_names, NULL};

    fill(&r, rest);
    buf_str(&copy, text);
    struct ast *node = parse_expression(&arena, text, &d);
    value_id v = node ? builder_expression(b, node, &scope, &d) : VALUE_FAILED;
    if (v >= 0 && d.n_errors == 0) {
        struct program *p = builder_finish(b, &v, 1);
        run(p, &r, buf_cstr(&copy));
        program_free(p);
    } else {
        assert(d.n_errors > 0); /* what is refused is said */
    }
    builder_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_DONE(buf) text = {0};
    struct bytes in = {data, size};

    if (take(&in) & 1) {
        draw(&text, &in, 0);
    } else {
        const uint8_t *end = in.n ? memchr(in.p, 0, in.n) : NULL;
        size_t n = end ? (size_t)(end - in.p) : in.n;
        buf_put(&text, in.p, n);
        n += end != NULL;
        in = (struct bytes){in.p + n, in.n - n};
    }
    if (getenv("FUZZ_SHOW"))
        fprintf(stderr, "%.*s\n", (int)text.n, text.p);
    build_and_run(buf_view(&text), in);
    return 0;
}
