/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/raws.h"

#include "column/compound.h"

void raws_init(struct raws *r, const struct plan_raw *plan)
{
    *r = (struct raws){.plan = plan, .last_from = 1, .last_to = 0};
}

static void part_done(struct raw_part *p, size_t n_columns)
{
    for (size_t i = 0; p->columns && i < n_columns; i++) {
        free(p->columns[i].values);
        free(p->columns[i].nulls);
    }
    free(p->columns);
    free(p->times);
    free(p->partitions);
    free(p->offsets);
}

void raws_reset(struct raws *r)
{
    for (size_t i = 0; i < r->n_parts; i++)
        part_done(&r->parts[i], r->plan->n_columns);
    free(r->parts);
    r->parts = NULL;
    r->n_parts = 0;
    r->bytes = 0;
    r->last_from = 1;
    r->last_to = 0;
    arena_reset(&r->arena);
}

void raws_done(struct raws *r)
{
    raws_reset(r);
    arena_done(&r->arena);
}

static size_t find_part(struct raws *r, uint32_t partition)
{
    for (size_t i = r->n_parts; i-- > 0;)
        if (r->parts[i].partition == partition)
            return i;
    r->parts = xrealloc(r->parts, (r->n_parts + 1) * sizeof(*r->parts));
    struct raw_part *p = &r->parts[r->n_parts];
    *p = (struct raw_part){.partition = partition,
                           .columns = xcalloc(r->plan->n_columns, sizeof(struct column))};
    for (size_t i = 0; i < r->plan->n_columns; i++)
        p->columns[i].type = r->plan->columns[i].type;
    return r->n_parts++;
}

/* Index of the part for this time; remembers the seconds that it covers. */
static size_t part_of_time(struct raws *r, uint32_t time)
{
    if (time >= r->last_from && time < r->last_to)
        return r->last_part;
    enum table_partition kind = keep_partition(r->plan->keep);
    uint32_t value = partition_of(kind, time);
    r->last_part = find_part(r, value);
    /* A day is enough to be worth remembering, and is inside every kind of partition. */
    r->last_from = (int64_t)time / 86400 * 86400;
    r->last_to = r->last_from + 86400;
    return r->last_part;
}

static void grow(struct raws *r, struct raw_part *p, size_t more)
{
    if (p->cap_rows - p->n_rows >= more)
        return;
    size_t cap = p->cap_rows ? p->cap_rows * 2 : 1024;
    while (cap - p->n_rows < more)
        cap *= 2;
    size_t added = cap - p->cap_rows;
    for (size_t i = 0; i < r->plan->n_columns; i++) {
        struct column *c = &p->columns[i];
        c->values = xrealloc(c->values, cap * type_width(c->type));
        r->bytes += added * type_width(c->type);
        if (c->type.is_nullable) {
            c->nulls = xrealloc(c->nulls, cap);
            r->bytes += added;
        }
    }
    p->times = xrealloc(p->times, cap * sizeof(*p->times));
    p->partitions = xrealloc(p->partitions, cap * sizeof(*p->partitions));
    p->offsets = xrealloc(p->offsets, cap * sizeof(*p->offsets));
    r->bytes += added * 20;
    p->cap_rows = cap;
}

static void copy_strings(struct raws *r, struct str *to, const struct str *from,
                         const uint32_t *rows, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++)
        bytes += from[rows[i]].n;
    char *at = arena_bytes(&r->arena, bytes + 1);
    r->bytes += bytes;
    for (size_t i = 0; i < n; i++) {
        struct str s = from[rows[i]];
        if (s.n)
            memcpy(at, s.p, s.n);
        to[i] = (struct str){at, s.n};
        at += s.n;
    }
}

static void copy_compounds(struct raws *r, struct column *to, size_t at, const struct column *from,
                           const uint32_t *rows, size_t n)
{
    size_t width = type_width(to->type), before = r->arena.used_bytes;
    for (size_t i = 0; i < n; i++)
        value_copy(&r->arena, to->type, (char *)to->values + (at + i) * width,
                   (const char *)from->values + rows[i] * width);
    r->bytes += r->arena.used_bytes - before;
}

#define GATHER(T)                                                                                  \
    for (size_t i = 0; i < n; i++)                                                                 \
        ((T *)to->values)[at + i] = ((const T *)from->values)[rows[i]];                            \
    break

static void copy_column(struct raws *r, struct column *to, size_t at, const struct column *from,
                        const uint32_t *rows, size_t n)
{
    if (type_is_compound(to->type)) {
        copy_compounds(r, to, at, from, rows, n);
        return; /* never NULL */
    }
    switch (type_width(to->type)) {
    case 1: GATHER(uint8_t);
    case 2: GATHER(uint16_t);
    case 4: GATHER(uint32_t);
    case 8: GATHER(uint64_t);
    default:
        if (type_is_text(to->type))
            copy_strings(r, (struct str *)to->values + at, from->values, rows, n);
        else
            for (size_t i = 0; i < n; i++)
                memcpy((char *)to->values + (at + i) * 16,
                       (const char *)from->values + (size_t)rows[i] * 16, 16);
    }
    if (to->nulls == NULL)
        return;
    for (size_t i = 0; i < n; i++)
        to->nulls[at + i] = from->nulls ? from->nulls[rows[i]] : 0;
}

static void add_run(struct raws *r, struct raw_part *p, const struct raws_input *in,
                    const uint32_t *rows, size_t n)
{
    grow(r, p, n);
    size_t at = p->n_rows;
    for (size_t i = 0; i < r->plan->n_columns; i++)
        copy_column(r, &p->columns[i], at, in->columns[i], rows, n);
    for (size_t i = 0; i < n; i++) {
        p->times[at + i] = in->times[rows[i]];
        p->partitions[at + i] = in->partition;
        p->offsets[at + i] = in->offsets[rows[i]];
    }
    p->n_rows += n;
}

void raws_add(struct raws *r, const struct raws_input *in)
{
    size_t from = 0;
    while (from < in->n) {
        size_t part = part_of_time(r, in->times[in->rows[from]]);
        size_t to = from + 1;
        while (to < in->n && part_of_time(r, in->times[in->rows[to]]) == part)
            to++;
        add_run(r, &r->parts[part], in, in->rows + from, to - from);
        from = to;
    }
}
