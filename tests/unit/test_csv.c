/* SPDX-License-Identifier: Apache-2.0
 *
 * CSV and TSV decoding: a table of records, headers, cutting, limits; random input through the plain and
 * the SIMD loops; csv-spectrum, where WEIR_CONFORMANCE names the folder that holds it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/buf.h"
#include "codec/csv_priv.h"
#include "codec/decoder.h"

/* ---- a decoder, its batch and rejects as text ---- */

struct run {
    struct decoder *d;
    struct batch batch;
    struct reject_list rejects;
    struct buf out;   /* "a|b|c\n" a row, "!reason\n" a reject, in the order in which they came */
    size_t n_rows, n_rejects;
    bool has_offsets; /* before each line of `out` */
};

/* types: "s:String n:Nullable(Int32)"; names are the column names. A name "-" is not wanted. */
static void run_init(struct run *r, enum format format, const char *columns)
{
    static struct field fields[32];
    static uint32_t positions[32];
    struct type types[32];
    bool has_default[32] = {0};
    struct decoder_spec spec = {.format = format, .fields = fields, .positions = positions, .max_record_bytes = 100000};
    static char text[1000];
    struct err e;

    *r = (struct run){0};
    snprintf(text, sizeof(text), "%s", columns);
    char *save = NULL;
    for (char *p = strtok_r(text, " ", &save); p; p = strtok_r(NULL, " ", &save), spec.n_positions++) {
        char *colon = strchr(p, ':');
        struct field *f = &fields[spec.n_fields];
        if (p[0] == '-' && colon == NULL)
            continue;
        *f = (struct field){.path = {p, (size_t)(colon - p)}};
        if (type_parse(&f->type, str_of(colon + 1), &e) != ERR_OK)
            fail_msg("%s", e.text);
        f->has_default = p[0] == 'D';
        has_default[spec.n_fields] = f->has_default;
        types[spec.n_fields] = f->type;
        positions[spec.n_fields++] = (uint32_t)spec.n_positions;
    }
    if (decoder_new(&r->d, &spec, &e) != ERR_OK)
        fail_msg("%s", e.text);
    batch_init(&r->batch, types, has_default, spec.n_fields);
}

static void run_done(struct run *r)
{
    decoder_free(r->d);
    batch_done(&r->batch);
    reject_list_done(&r->rejects);
    buf_done(&r->out);
}

static void put_row(struct run *r, size_t row)
{
    if (r->has_offsets)
        buf_printf(&r->out, "%08llu ", (unsigned long long)r->batch.offsets[row]);
    for (size_t i = 0; i < r->batch.n_columns; i++) {
        struct column *c = &r->batch.columns[i];
        if (i)
            buf_byte(&r->out, '|');
        if (c->missing && c->missing[row])
            buf_byte(&r->out, 'D');
        if (c->nulls && c->nulls[row])
            buf_text(&r->out, "NULL");
        else
            value_print(&r->out, c->type, (char *)c->values + row * type_width(c->type));
    }
    buf_byte(&r->out, '\n');
    r->n_rows++;
}

static const char *run_text(struct run *r, struct str input, uint64_t offset)
{
    /* of exact size, so that the sanitizer sees a read past it */
    char *copy = malloc(input.n ? input.n : 1);
    memcpy(copy, input.p, input.n);
    decoder_feed(r->d, copy, input.n, offset);
    while (decoder_next(r->d, &r->batch, &r->rejects)) {
        for (size_t i = 0; i < r->batch.n_rows; i++)
            put_row(r, i);
        for (size_t i = 0; i < r->rejects.n; i++) {
            if (r->has_offsets)
                buf_printf(&r->out, "%08llu ", (unsigned long long)r->rejects.items[i].offset);
            buf_printf(&r->out, "!%s\n", r->rejects.items[i].reason);
            r->n_rejects++;
        }
        batch_reset(&r->batch);
        reject_list_reset(&r->rejects);
    }
    free(copy);
    return buf_cstr(&r->out);
}

/* ---- records ---- */

struct record_case {
    enum format format;
    const char *columns, *input, *output;
};

static const struct record_case record_cases[] = {
    {FORMAT_CSV, "s:String n:Int32", "a,1\nb,2\n", "a|1\nb|2\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,1\r\nb,2\r\n", "a|1\nb|2\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,1\nb,2", "a|1\nb|2\n"},
    {FORMAT_CSV, "s:String n:Int32", "\n\na,1\n\r\n\nb,2\n\n", "a|1\nb|2\n"},
    {FORMAT_CSV, "s:String n:Int32", "\xef\xbb\xbf" "a,1\n", "a|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "\"a,b\",1\n", "a,b|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "\"a\"\"b\",1\n", "a\"b|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "\"a\nb\",1\nc,2\n", "a\nb|1\nc|2\n"},
    {FORMAT_CSV, "s:String n:Int32", " \"a\"\t, 1 \n", "a|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "  a b  ,\"1\"\n", "a b|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "'a',1\n", "'a'|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,'1'\n", "a|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "a\"b,1\n", "a\"b|1\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,1,\nb,2\n", "a|1\nb|2\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,1,2\nb,2\n", "b|2\n!3 columns instead of 2\n"},
    {FORMAT_CSV, "s:String n:Int32", "a\nb,2\n", "b|2\n!1 columns instead of 2\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,x\nb,2\n", "b|2\n!column n: not a number\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,2147483648\nb,2\n", "b|2\n!column n: outside the type's range\n"},
    {FORMAT_CSV, "s:String n:UInt8", "a,256\nb,2\n", "b|2\n!column n: outside the type's range\n"},
    {FORMAT_CSV, "s:String n:UInt8", "a,-1\n", "!column n: negative, but the type is unsigned\n"},
    {FORMAT_CSV, "s:String n:UInt8", "\"a\"b,1\nc,2\n", "c|2\n!text after the closing quote of a field\n"},
    {FORMAT_CSV, "s:String n:Int32", "b,2\n\"a,1\nc,3\n", "b|2\n!a quoted field has no closing quote\n"},
    {FORMAT_CSV, "s:String n:Int32", "a,\n,5\n", "a|0\n|5\n"},
    {FORMAT_CSV, "s:Nullable(String) n:Nullable(Int32)", ",\n\\N,\\N\n\"\",\"\"\n\"\\N\",1\n", "NULL|NULL\nNULL|NULL\n|0\n\\N|1\n"},
    {FORMAT_CSV, "Ds:String Dn:Nullable(Int32)", ",\n\\N,\\N\n\"\",5\n", "D|DNULL\nD|NULL\n|5\n"},
    {FORMAT_CSV, "s:String - n:Int32", "a,\"x\ny\",1\nb,zz,2\n", "a|1\nb|2\n"},
    {FORMAT_CSV, "n:Int64 m:Int64", "1234567890123456789,-1\n", "1234567890123456789|-1\n"},
    {FORMAT_CSV, "t:DateTime64(3) f:Float32", "2023-04-04T10:09:08.123Z,1.5\n2023-04-04T10:09:09Z,-0.25\n",
     "2023-04-04 10:09:08.123|1.5\n2023-04-04 10:09:09.000|-0.25\n"},
    {FORMAT_CSV, "t:DateTime b:Bool", "06:55 PST,true\n1680613879,\"true\"\n1680613879,false\n",
     "2023-04-04 13:11:19|false\n!column t: not a time: unknown word or zone abbreviation\n"
     "!column b: not a Bool (true or false)\n"},
    {FORMAT_CSV, "a:IPv4 b:IPv6", "1.2.3.4,::1\n1.2.3,::1\n", "1.2.3.4|::1\n!column a: not an IPv4 address\n"},
    {FORMAT_TSV, "s:String n:Int32", "a\t1\nb\\tc\t2\n", "a|1\nb\tc|2\n"},
    {FORMAT_TSV, "s:String n:Int32", "\\N\t\\N\na\\\\b\t-5\n", "|0\na\\b|-5\n"},
    {FORMAT_TSV, "s:Nullable(String) n:Nullable(Int32)", "\\N\t\\N\n\t7\n", "NULL|NULL\n|7\n"},
    {FORMAT_TSV, "s:String n:Int32", "\"a\"\t1\n", "\"a\"|1\n"},
    {FORMAT_TSV, "s:String n:Int32", "a\\\nb\t1\n", "a\nb|1\n"},
    {FORMAT_TSV, "s:String n:Int32", "a\t1\r\nb\t2\n", "b|2\n!a carriage return before the line end\n"},
    {FORMAT_TSV, "s:String n:Int32", "a\t007\nb\t+5\nc\t 5\nd\t1\t\n", "!column n: a number with leading zeros\n"
     "!column n: a number with a plus sign\n!column n: not a number\n!3 columns instead of 2\n"},
    {FORMAT_TSV, "s:String f:Float64", "a\t\nb\t1e3\n", "b|1000\n!column f: not a number\n"},
};

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines are compared sorted, for rows and rejects come in any order between them. */
static void sort_lines(struct buf *out)
{
    size_t n = 0, cap = 16;
    AUTO_MEM const char **lines = xmalloc(cap * sizeof(*lines));
    AUTO_MEM char *text = xstrdup(buf_cstr(out));
    char *save = NULL;

    for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
        if (n == cap) {
            cap *= 2;
            lines = xrealloc(lines, cap * sizeof(*lines));
        }
        lines[n++] = p;
    }
    qsort(lines, n, sizeof(*lines), compare_lines);
    buf_reset(out);
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "%s\n", lines[i]);
}

static void assert_same_lines(const struct record_case *c, struct buf *got)
{
    AUTO_DONE(buf) want = {0};

    buf_text(&want, c->output);
    sort_lines(&want);
    sort_lines(got);
    if (!str_eq(buf_view(&want), buf_view(got)))
        fail_msg("%s '%s':\n%s instead of\n%s", format_name(c->format), c->input, buf_cstr(got), c->output);
}

static void csv_records_become_rows_or_rejects(void **state)
{
    const struct csv_kernels *kernels[] = {&csv_plain, &csv_avx2, &csv_avx512};
    for (size_t k = 0; k < COUNT(kernels); k++) {
        if (!csv_kernels_is_usable(kernels[k]))
            continue;
        for (size_t i = 0; i < COUNT(record_cases); i++) {
            const struct record_case *c = &record_cases[i];
            struct run r;
            run_init(&r, c->format, c->columns);
            ((struct csv_decoder *)r.d)->kernels = kernels[k];
            run_text(&r, str_of(c->input), 0);
            assert_same_lines(c, &r.out);
            run_done(&r);
        }
    }
}

static void csv_headers_name_the_columns(void **state)
{
    struct run r;
    struct err e;
    struct str line;
    const char *file = "\xef\xbb\xbf" "n, \"s\" ,other\r\n1,a,x\n";

    run_init(&r, FORMAT_CSV_WITH_NAMES, "s:String n:Int32");
    size_t length = decoder_header_length(FORMAT_CSV_WITH_NAMES, file, strlen(file), &line);
    assert_int_equal(length, 18);
    assert_int_equal(decoder_header(r.d, line, &e), ERR_OK);
    assert_string_equal(run_text(&r, str_of(file + length), length), "a|1\n");
    assert_int_equal(decoder_header_length(FORMAT_CSV_WITH_NAMES, "n,s", 3, &line), 0);
    assert_int_equal(decoder_header_length(FORMAT_CSV, "n,s\n", 4, &line), 0);
    /* the next file has them in another order */
    assert_int_equal(decoder_header(r.d, STR("s,n"), &e), ERR_OK);
    buf_reset(&r.out);
    assert_string_equal(run_text(&r, STR("b,2\n"), 4), "b|2\n");
    assert_int_equal(decoder_header(r.d, STR("S,n"), &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "did you mean 'S'"));
    assert_int_equal(decoder_header(r.d, STR("s,n,s"), &e), ERR_INVALID);
    assert_int_equal(decoder_header(r.d, STR("s,\"n"), &e), ERR_SYNTAX);
    run_done(&r);
    run_init(&r, FORMAT_TSV_WITH_NAMES, "s:String n:Int32");
    assert_int_equal(decoder_header(r.d, STR("n\ts"), &e), ERR_OK);
    assert_string_equal(run_text(&r, STR("1\ta\n"), 4), "a|1\n");
    run_done(&r);
}

static void csv_runs_are_cut_at_records(void **state)
{
    static const struct {
        enum format format;
        const char *data;
        size_t length;
    } cut[] = {
        {FORMAT_CSV, "a,1\nb,2\nc", 8}, {FORMAT_CSV, "a,1", 0}, {FORMAT_CSV, "a,\"x\ny", 0},
        {FORMAT_CSV, "a,\"x\ny\"\nb", 8}, {FORMAT_CSV, "a,1\n\"x\ny", 4}, {FORMAT_CSV, "a\"b,1\nc,\n", 9},
        {FORMAT_CSV, "\"a\"\"\n\"\nb", 7}, {FORMAT_CSV, "q\n\"a\"x\"\n\"\nb", 8},
        {FORMAT_TSV, "a\t1\nb", 4}, {FORMAT_TSV, "a\\\nb", 0}, {FORMAT_TSV, "a\\\\\nb", 4}, {FORMAT_TSV, "a\nb\\\nc", 2},
    };
    for (size_t i = 0; i < COUNT(cut); i++) {
        size_t n = strlen(cut[i].data), length = decoder_cut(cut[i].format, ',', cut[i].data, n, false);
        if (length != cut[i].length)
            fail_msg("'%s' is cut at %zu, not %zu", cut[i].data, length, cut[i].length);
        assert_int_equal(decoder_cut(cut[i].format, ',', cut[i].data, n, true), n);
    }
}

static void csv_huge_records_are_rejected(void **state)
{
    struct run r;
    size_t n = 3 << 20;
    char *data = malloc(n);

    run_init(&r, FORMAT_CSV, "s:String n:Int32");
    memset(data, 'x', n);
    data[n - 1] = '\n';
    assert_string_equal(run_text(&r, (struct str){data, n}, 0), "!1 columns instead of 2\n");
    buf_reset(&r.out);
    data[n - 3] = ',';
    data[n - 2] = '1';
    assert_string_equal(run_text(&r, (struct str){data, n}, 0), "!longer than max_record_bytes\n");
    buf_reset(&r.out);
    memset(data, ',', n - 4);
    memcpy(data + n - 4, "\nb,2", 4);
    assert_string_equal(run_text(&r, (struct str){data, n}, 0), "!more columns than the format has\nb|2\n");
    buf_reset(&r.out);
    memset(data, '"', n);
    run_text(&r, (struct str){data, n}, 0);
    assert_int_equal(r.n_rows, 1);
    run_done(&r);
    free(data);
}

/* ---- random input ---- */

static uint32_t random_number(uint32_t n)
{
    static uint64_t s = 88172645463325252ULL;
    s ^= s << 13;
    s ^= s >> 7;
    s ^= s << 17;
    return (uint32_t)((s >> 20) % n);
}

static void put_random_field(struct buf *b, char separator)
{
    switch (random_number(9)) {
    case 0:
        buf_printf(b, "%d", (int)random_number(100000) - 50000);
        break;
    case 1:
        buf_printf(b, "%u.%u", random_number(1000), random_number(1000));
        break;
    case 2:
        buf_printf(b, "2023-04-04T10:%02u:%02u.%03uZ", random_number(2), random_number(60), random_number(1000));
        break;
    case 3:
        buf_printf(b, "%u.%u.%u.%u", random_number(300), random_number(256), random_number(256), random_number(256));
        break;
    case 4:
        buf_text(b, separator == ',' ? "\"x\"\"y\n,\"" : "x\\ty\\\\");
        break;
    default:
        for (uint32_t i = random_number(20); i > 0; i--)
            buf_byte(b, (uint8_t)"0123456789.-:TZ abc\\\"\r"[random_number(22)]);
    }
}

static void csv_loops_agree_on_random_input(void **state)
{
    const struct csv_kernels *kernels[] = {&csv_plain, &csv_avx2, &csv_avx512};
    for (int round = 0; round < 300; round++) {
        enum format format = round % 3 ? FORMAT_CSV : FORMAT_TSV;
        char separator = format == FORMAT_CSV ? ',' : '\t';
        AUTO_DONE(buf) input = {0};
        for (uint32_t row = random_number(3000); row > 0; row--) {
            uint32_t n = random_number(50) ? 5 : random_number(7);
            for (uint32_t i = 0; i < n; i++) {
                if (i)
                    buf_byte(&input, (uint8_t)separator);
                put_random_field(&input, separator);
            }
            buf_byte(&input, '\n');
        }
        static const char *const columns[] = {
            "a:Int16 f:Float64 t:DateTime64(3) i:IPv4 s:String", "a:UInt64 f:Float32 t:DateTime i:Nullable(IPv4) s:Nullable(String)",
            "a:Float32 f:Int64 t:Date i:UInt32 s:Bool", "a:String - - i:Float64 s:Int8"};
        struct run runs[COUNT(kernels)];
        for (size_t k = 0; k < COUNT(kernels); k++) {
            run_init(&runs[k], format, columns[round % 4]);
            runs[k].has_offsets = true;
            if (csv_kernels_is_usable(kernels[k]))
                ((struct csv_decoder *)runs[k].d)->kernels = kernels[k];
            run_text(&runs[k], buf_view(&input), 1000);
            sort_lines(&runs[k].out);
        }
        for (size_t k = 1; k < COUNT(kernels); k++) {
            assert_int_equal(runs[k].n_rows, runs[0].n_rows);
            assert_int_equal(runs[k].n_rejects, runs[0].n_rejects);
            assert_string_equal(buf_cstr(&runs[k].out), buf_cstr(&runs[0].out));
        }
        for (size_t k = 0; k < COUNT(kernels); k++)
            run_done(&runs[k]);
    }
}

/* A cell of column `column`, mostly of the form that goes by with many others, `form` saying which. */
static void put_usual_field(struct buf *b, uint32_t column, uint32_t form)
{
    static const char damage[] = "0123456789.-:TZ e+";
    size_t start = b->n;

    switch (column) {
    case 0:
        buf_printf(b, "20%02u-02-29%c23:5%u:%02u", form % 3 * 12, form & 1 ? 'T' : ' ', random_number(400) == 0,
                   random_number(60));
        if (form % 5)
            buf_printf(b, ".%0*u", (int)(form % 5 * 2 - (form & 2) / 2), random_number(10));
        if (form & 4)
            buf_byte(b, 'Z');
        break;
    case 1:
        buf_printf(b, "%llu", (1ULL << random_number(form % 2 ? 26 : 60)) + random_number(1000));
        break;
    case 2:
    case 3:
        buf_printf(b, "%s%u.%0*u", random_number(form % 4 + 1) ? "-" : "", random_number(form & 1 ? 100 : 100000),
                   (int)(1 + random_number(form & 2 ? 4 : 12)), random_number(1000));
        break;
    case 4:
        buf_printf(b, "%u.%u.%u.%u", random_number(256), random_number(256), random_number(256) >> random_number(8),
                   random_number(form & 1 ? 256 : 10));
        break;
    case 5:
        buf_printf(b, "%d", ((int)random_number(1u << 31) - (1 << 30)) >> (form % 4 * 8 + random_number(6)));
        break;
    default:
        buf_printf(b, "%.*s", (int)random_number(form % 12 + 1), "text of some bytes");
    }
    if (b->n > start && random_number(60) == 0)
        b->p[start + random_number((uint32_t)(b->n - start))] = damage[random_number(sizeof(damage) - 1)];
}

/* Cells behind a space are read one by one. */
static void csv_columns_that_look_alike_are_read_as_cells_are(void **state)
{
    static const char *const columns[] = {
        "t:DateTime64(3) u:UInt64 f:Float32 d:Float64 i:IPv4 n:Int32 s:String",
        "t:DateTime u:UInt32 f:Float64 d:Float32 i:IPv4 n:Int64 s:String",
        "t:DateTime64(9) u:UInt64 f:Float32 d:Float32 i:IPv4 n:Int16 s:String",
        "t:DateTime64(0) u:Int64 f:Float32 d:Float64 i:IPv4 n:Int8 s:Nullable(String)",
    };
    const struct csv_kernels *kernels[] = {&csv_plain, &csv_avx2, &csv_avx512};

    for (uint32_t form = 0; form < 60; form++) {
        AUTO_DONE(buf) close = {0};
        AUTO_DONE(buf) spaced = {0};
        struct run careful;
        for (uint32_t row = 300 + random_number(400); row > 0; row--) {
            for (uint32_t i = 0; i < 7; i++) {
                size_t start = close.n;
                put_usual_field(&close, i, form);
                buf_byte(&spaced, ' ');
                buf_put(&spaced, close.p + start, close.n - start);
                buf_byte(&close, i < 6 ? ',' : '\n');
                buf_byte(&spaced, i < 6 ? ',' : '\n');
            }
        }
        run_init(&careful, FORMAT_CSV, columns[form % 4]);
        run_text(&careful, buf_view(&spaced), 0);
        assert_true(careful.n_rows > 100);
        for (size_t k = 0; k < COUNT(kernels); k++) {
            struct run r;
            run_init(&r, FORMAT_CSV, columns[form % 4]);
            if (csv_kernels_is_usable(kernels[k]))
                ((struct csv_decoder *)r.d)->kernels = kernels[k];
            run_text(&r, buf_view(&close), 0);
            assert_string_equal(buf_cstr(&r.out), buf_cstr(&careful.out));
            run_done(&r);
        }
        run_done(&careful);
    }
}

/* ---- csv-spectrum ---- */

static char *read_file(const char *folder, const char *name, const char *suffix, size_t *n)
{
    char path[1200];
    snprintf(path, sizeof(path), "%s/%s%s", folder, name, suffix);
    FILE *f = fopen(path, "rb");
    if (f == NULL)
        return NULL;
    char *data = malloc(1 << 16);
    *n = fread(data, 1, 1 << 16, f);
    fclose(f);
    return data;
}

static void check_spectrum(const char *root, const char *name)
{
    char folder[400], columns[400] = "";
    size_t n = 0, n_json = 0;
    struct str line;
    struct err e;
    AUTO_DONE(buf) want = {0};

    snprintf(folder, sizeof(folder), "%s/csv-spectrum/csvs", root);
    AUTO_MEM char *csv = read_file(folder, name, ".csv", &n);
    snprintf(folder, sizeof(folder), "%s/csv-spectrum/json", root);
    AUTO_MEM char *json = read_file(folder, name, ".json", &n_json);
    json_t *rows = json ? json_loadb(json, n_json, 0, NULL) : NULL;
    if (csv == NULL || !json_is_array(rows)) {
        json_decref(rows);
        return; /* one file's JSON is another record's */
    }
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *key;
        json_t *value;
        bool is_first = true;
        json_object_foreach(json_array_get(rows, i), key, value) {
            if (i == 0)
                snprintf(columns + strlen(columns), sizeof(columns) - strlen(columns), "%s:String ", key);
            buf_printf(&want, "%s%s", is_first ? "" : "|", json_string_value(value));
            is_first = false;
        }
        buf_byte(&want, '\n');
    }
    json_decref(rows);
    struct run r;
    run_init(&r, FORMAT_CSV_WITH_NAMES, columns);
    size_t length = decoder_header_length(FORMAT_CSV_WITH_NAMES, csv, n, &line);
    if (decoder_header(r.d, line, &e) != ERR_OK)
        fail_msg("%s: %s", name, e.text);
    run_text(&r, (struct str){csv + length, n - length}, length);
    /* this collection's checkout may have lost its carriage returns */
    if (strstr(name, "newlines_crlf") == NULL)
        assert_string_equal(buf_cstr(&r.out), buf_cstr(&want));
    run_done(&r);
}

static void csv_spectrum_is_read(void **state)
{
    const char *root = getenv("WEIR_CONFORMANCE");
    char path[400];
    snprintf(path, sizeof(path), "%s/csv-spectrum/csvs", root ? root : "");
    DIR *folder = root ? opendir(path) : NULL;
    if (folder == NULL) {
        print_message("SKIP csv_spectrum_is_read: WEIR_CONFORMANCE names no folder with csv-spectrum\n");
        skip();
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char *dot = strstr(entry->d_name, ".csv");
        if (dot == NULL)
            continue;
        *dot = '\0';
        check_spectrum(root, entry->d_name);
    }
    closedir(folder);
}

static void csv_specs_that_cannot_be_are_refused(void **state)
{
    struct field fields[2] = {{.path = STR("a"), .type = {.kind = TYPE_STRING}}};
    uint32_t positions[] = {3};
    struct decoder_spec spec = {.format = FORMAT_CSV, .fields = fields, .n_fields = 1, .positions = positions, .n_positions = 2};
    struct decoder *d;
    struct err e;
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_INVALID);
    spec.n_positions = 5000;
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "max_columns"));
    spec.format = FORMAT_NONE;
    assert_int_equal(decoder_new(&d, &spec, &e), ERR_INVALID);
    assert_int_equal(format_find(STR("TabSeparated")), FORMAT_TSV);
    assert_int_equal(format_find(STR("Parquet")), FORMAT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_records_become_rows_or_rejects),
        cmocka_unit_test(csv_headers_name_the_columns),
        cmocka_unit_test(csv_runs_are_cut_at_records),
        cmocka_unit_test(csv_huge_records_are_rejected),
        cmocka_unit_test(csv_loops_agree_on_random_input),
        cmocka_unit_test(csv_columns_that_look_alike_are_read_as_cells_are),
        cmocka_unit_test(csv_spectrum_is_read),
        cmocka_unit_test(csv_specs_that_cannot_be_are_refused),
    };
    return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
