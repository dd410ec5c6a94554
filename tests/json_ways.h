/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the JSON decoder the careful way or by shapes with some kernels, and writes down all it gave, so
 * that two ways can be compared byte by byte. For test_json.c and fuzz_json.c. */
#ifndef TESTS_JSON_WAYS_H
#define TESTS_JSON_WAYS_H

#include "codec/json_priv.h"

static const struct field json_fields[] = {
    {{"s", 1}, {.kind = TYPE_STRING}, false},
    {{"n", 1}, {.kind = TYPE_STRING, .is_nullable = true}, true},
    {{"u8", 2}, {.kind = TYPE_UINT8}, false},
    {{"i16", 3}, {.kind = TYPE_INT16, .is_nullable = true}, false},
    {{"u32", 3}, {.kind = TYPE_UINT32}, true},
    {{"i64", 3}, {.kind = TYPE_INT64}, true},
    {{"u64", 3}, {.kind = TYPE_UINT64}, false},
    {{"f", 1}, {.kind = TYPE_FLOAT64}, false},
    {{"g", 1}, {.kind = TYPE_FLOAT32, .is_nullable = true}, false},
    {{"b", 1}, {.kind = TYPE_BOOL}, false},
    {{"t", 1}, {.kind = TYPE_DATETIME}, false},
    {{"t3", 2}, {.kind = TYPE_DATETIME64, .scale = 3}, false},
    {{"d", 1}, {.kind = TYPE_DATE}, false},
    {{"ip", 2}, {.kind = TYPE_IPV4}, true},
    {{"o", 1}, {.kind = TYPE_STRING}, false},
    {{"o.x", 3}, {.kind = TYPE_INT32}, false},
    {{"p.x", 3}, {.kind = TYPE_UINT16}, false},
    {{"p.y.z", 5}, {.kind = TYPE_STRING, .is_low_cardinality = true}, false},
    {{"u8", 2}, {.kind = TYPE_STRING}, false}, /* one path, two columns */
};

static const struct decoder_spec json_spec = {
    .format = FORMAT_JSON_EACH_ROW,
    .fields = json_fields,
    .n_fields = COUNT(json_fields),
    .max_record_bytes = 1 << 20,
    .max_depth = 20,
};

static inline void json_put_row(struct buf *out, const struct batch *b, size_t row)
{
    buf_printf(out, "\n%llu+%u", (unsigned long long)b->offsets[row], b->lengths[row]);
    for (size_t i = 0; i < b->n_columns; i++) {
        const struct column *c = &b->columns[i];
        buf_printf(out, " %d%d:", c->nulls ? c->nulls[row] : 0, c->missing ? c->missing[row] : 0);
        if (c->type.kind == TYPE_STRING) {
            buf_str(out, COLUMN(c, struct str)[row]);
            continue;
        }
        size_t width = type_width(c->type);
        const uint8_t *p = (const uint8_t *)c->values + row * width;
        for (size_t k = 0; k < width; k++)
            buf_printf(out, "%02x", p[k]);
    }
}

/* Rows, then rejects. Returns rows + rejects. */
static inline size_t json_run(struct buf *out, const struct decoder_spec *spec,
                              const struct json_kernels *kernels, struct str data, uint64_t offset)
{
    struct type types[64];
    bool has_default[64];
    struct batch b;
    struct reject_list rejects = {0};
    AUTO_DONE(buf) refused = {0};
    struct decoder *d = decoder_json.open(spec);
    size_t n = 0, added;
    ((struct json_decoder *)d)->kernels = kernels;
    for (size_t i = 0; i < spec->n_fields; i++) {
        types[i] = spec->fields[i].type;
        has_default[i] = spec->fields[i].has_default;
    }
    batch_init(&b, types, has_default, spec->n_fields);
    d->data = data.p;
    d->end = data.p + data.n;
    d->offset = offset;
    while ((added = decoder_json.next(d, &b, &rejects)) > 0) {
        n += added;
        for (size_t row = 0; row < b.n_rows; row++)
            json_put_row(out, &b, row);
        for (size_t i = 0; i < rejects.n; i++) {
            buf_printf(&refused, "\n%llu %s: ", (unsigned long long)rejects.items[i].offset,
                       rejects.items[i].reason);
            buf_str(&refused, rejects.items[i].bytes);
        }
        batch_reset(&b);
        reject_list_reset(&rejects);
    }
    buf_str(out, buf_view(&refused));
    decoder_json.free(d);
    batch_done(&b);
    reject_list_done(&rejects);
    return n;
}

/* The kernels of this machine; returns how many. */
static inline size_t json_all_kernels(const struct json_kernels *all[3])
{
    size_t n = 0;
    all[n++] = &json_kernels_plain;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2"))
        all[n++] = &json_kernels_avx2;
    if (__builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vbmi") &&
        __builtin_cpu_supports("avx512bitalg"))
        all[n++] = &json_kernels_avx512;
#endif
    return n;
}

#endif
