/* SPDX-License-Identifier: Apache-2.0
 *
 * Columns of checked rows: a quick loop by type over all rows, which leaves what is not of the
 * common form to csv_read_cell. */
#include "codec/csv_priv.h"

static inline struct str cell_at(const struct csv_cells *cells, size_t r)
{
    uint32_t start = cells->prev[r] + 1;
    return (struct str){cells->data + start, cells->ends[r] - start};
}

/* ---- loops by type ---- */

struct loop {
    struct csv_decoder *d;
    const struct csv_kernels *kernels;
    size_t f;
    const struct csv_cells *cells; /* their texts without quotes, where these are simple */
    const struct csv_cells *raw;   /* with them, for the careful reader */
    struct column *c;
    void *values; /* of the rows of `cells` */
    size_t first; /* row of the batch that cell 0 is */
    struct arena *arena;
};

static void read_one(const struct loop *l, size_t r)
{
    csv_read_cell(l->d, l->f, cell_at(l->raw, r), l->c, l->first + r, l->arena);
}

static void read_left(const struct loop *l, size_t n_left)
{
    for (size_t i = 0; i < n_left; i++)
        read_one(l, l->d->left[i]);
}

/* Values from the kernel's 64 bits into the column's width; those outside go to the careful
 * reader, which knows the reason. */
#define NARROW(name, T)                                                                            \
    static size_t narrow_##name(const struct loop *l, size_t n_left)                               \
    {                                                                                              \
        T *out = l->values;                                                                        \
        const int64_t *in = l->d->scratch;                                                         \
        uint64_t outside = 0;                                                                      \
        for (size_t r = 0; r < l->cells->n; r++) {                                                 \
            out[r] = (T)in[r];                                                                     \
            outside |= (uint64_t)((int64_t)out[r] ^ in[r]);                                        \
        }                                                                                          \
        for (size_t r = 0; outside && r < l->cells->n; r++)                                        \
            if ((int64_t)out[r] != in[r])                                                          \
                l->d->left[n_left++] = (uint16_t)r;                                                \
        return n_left;                                                                             \
    }
NARROW(u8, uint8_t)
NARROW(u16, uint16_t)
NARROW(u32, uint32_t)
NARROW(i8, int8_t)
NARROW(i16, int16_t)
NARROW(i32, int32_t)

/* TSV takes no leading zeros. */
static size_t leave_leading_zeros(const struct loop *l, size_t n_left)
{
    uint8_t is_left[CSV_BLOCK] = {0};

    for (size_t i = 0; i < n_left; i++)
        is_left[l->d->left[i]] = 1;
    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n > 1 && (*s.p == '0' || (*s.p == '-' && s.p[1] == '0')) && !is_left[r])
            l->d->left[n_left++] = (uint16_t)r;
    }
    return n_left;
}

static void read_integers(const struct loop *l)
{
    static size_t (*const narrow[])(const struct loop *, size_t) = {
        [TYPE_UINT8] = narrow_u8, [TYPE_UINT16] = narrow_u16, [TYPE_UINT32] = narrow_u32,
        [TYPE_INT8] = narrow_i8,  [TYPE_INT16] = narrow_i16,  [TYPE_INT32] = narrow_i32,
    };
    bool is_64 = type_width(l->c->type) == 8;
    int64_t *out = is_64 ? l->values : l->d->scratch;
    size_t n_left = l->kernels->integers(out, l->cells, l->d->left);

    for (size_t i = 0; i < n_left; i++)
        out[l->d->left[i]] = 0; /* in every type's range: not listed twice */
    if (!is_64)
        n_left = narrow[l->c->type.kind](l, n_left);
    if (l->d->rules.dialect == DIALECT_TSV)
        n_left = leave_leading_zeros(l, n_left);
    read_left(l, n_left);
}

static void read_floats(const struct loop *l)
{
    if (l->c->type.kind == TYPE_FLOAT64)
        read_left(l, l->kernels->doubles(l->values, l->cells, l->d->left));
    else
        read_left(l, l->kernels->floats(l->values, l->cells, l->d->left));
}

/* Texts of rows [from, to) that may be in quotes, or have spaces around or be marks. */
static void read_odd_strings(const struct loop *l, size_t from, size_t to)
{
    struct str *out = l->values;
    bool is_plain_empty = l->d->is_tsv || (!l->c->nulls && !l->c->missing);
    char special = l->d->is_tsv ? '\\' : '"';

    for (size_t r = from; r < to; r++) {
        struct str s = out[r];
        if (__builtin_expect(s.n == 0, false)) {
            if (!is_plain_empty)
                read_one(l, r);
            continue;
        }
        char first = s.p[0], last = s.p[s.n - 1];
        if (first == '"' && last == '"' && s.n > 1 && !l->d->is_tsv &&
            (s.n == 2 || memchr(s.p + 1, '"', s.n - 2) == NULL)) {
            out[r] = (struct str){s.p + 1, s.n - 2};
            continue;
        }
        bool is_odd = l->d->is_tsv ? l->d->has_special && memchr(s.p, special, s.n) != NULL
                                   : first == special || first == '\\' || first == ' ' ||
                                         first == '\t' || last == ' ' || last == '\t';
        if (__builtin_expect(is_odd, false))
            read_one(l, r);
    }
}

/* Does text s ask for a closer look? Its bytes need not be there when it is empty. */
static inline unsigned may_be_odd(struct str s, const char *anywhere)
{
    static const bool is_odd[256] = {[' '] = true, ['\t'] = true, ['\\'] = true, ['"'] = true};
    const char *first = s.n ? s.p : anywhere, *last = s.n ? s.p + s.n - 1 : anywhere;

    return is_odd[(unsigned char)*first] | is_odd[(unsigned char)*last] | (s.n == 0);
}

/* Zeek: marks, and texts with escapes. */
static void read_zeek_strings(const struct loop *l)
{
    const struct zeek_marks *z = l->d->zeek;
    const struct str *out = l->values;

    l->kernels->strings(l->values, l->cells);
    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = out[r];
        bool is_odd = zeek_is(s, z->unset) || zeek_is(s, z->empty) ||
                      (l->d->has_special && s.n > 0 && memchr(s.p, '\\', s.n) != NULL);
        if (is_odd)
            read_one(l, r);
    }
}

static void read_zeek_times(const struct loop *l)
{
    size_t width = type_width(l->c->type);

    for (size_t r = 0; r < l->cells->n; r++)
        if (!zeek_read_time(l->c->type, cell_at(l->cells, r), (char *)l->values + r * width))
            read_one(l, r);
}

static void read_strings(const struct loop *l)
{
    enum { SOME = 8 };
    const struct str *out = l->values;
    size_t n = l->cells->n;

    l->kernels->strings(l->values, l->cells);
    if (l->d->is_tsv && !l->d->has_special)
        return;
    for (size_t r = 0; r < n; r += SOME) {
        size_t end = n - r < SOME ? n : r + SOME;
        unsigned is_odd = 0;
        for (size_t k = r; k < end; k++)
            is_odd |= may_be_odd(out[k], l->cells->data);
        if (is_odd || l->d->is_tsv)
            read_odd_strings(l, r, end);
    }
}

/* Runs of times of one shape, and between them one by the careful reader. */
static void read_times(const struct loop *l)
{
    struct csv_field *field = &l->d->fields[l->f];
    bool is_64 = field->type.kind == TYPE_DATETIME64;
    int64_t *out = is_64 ? l->values : l->d->scratch;
    uint32_t *narrow = l->values;
    const struct csv_cells *c = l->cells;
    struct spans v = {.base = c->data, .begin = c->prev, .end = c->ends, .skip = 1, .n = c->n};
    size_t r = 0;

    for (;;) {
        size_t from = r;
        r = l->kernels->times(out, &v, from, &field->shape);
        for (size_t i = from; !is_64 && i < r; i++)
            narrow[i] = (uint32_t)out[i];
        if (r == l->cells->n)
            break;
        struct str s = cell_at(l->cells, r);
        read_one(l, r);
        if (!l->d->is_bad[l->first + r])
            time_shape_learn(&field->shape, field->type, s);
        r++;
    }
}

static void read_dates(const struct loop *l)
{
    struct csv_field *field = &l->d->fields[l->f];
    uint16_t *out = l->values;

    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n == 10 && memcmp(s.p, field->date_text, 10) == 0) {
            out[r] = field->date;
            continue;
        }
        read_one(l, r);
        if (s.n == 10 && s.p[0] > '0' && s.p[0] <= '9' && !l->d->is_bad[l->first + r]) {
            memcpy(field->date_text, s.p, 10);
            field->date = out[r];
        }
    }
}

static void read_ipv4s(const struct loop *l)
{
    read_left(l, l->kernels->addresses(l->values, l->cells, l->d->left));
}

static void read_bools(const struct loop *l)
{
    uint8_t *out = l->values;

    for (size_t r = 0; r < l->cells->n; r++) {
        struct str s = cell_at(l->cells, r);
        if (s.n == 4 && memcmp(s.p, "true", 4) == 0)
            out[r] = 1;
        else if (s.n == 5 && memcmp(s.p, "false", 5) == 0)
            out[r] = 0;
        else
            read_one(l, r);
    }
}

static void read_others(const struct loop *l)
{
    for (size_t r = 0; r < l->cells->n; r++)
        read_one(l, r);
}

/* "x" becomes x. What else stands in quotes (doubled ones, spaces around) the loops leave. */
static void take_off_quotes(struct csv_cells *to, uint32_t *prev, uint32_t *ends,
                            const struct csv_cells *from)
{
    *to = *from;
    to->prev = prev;
    to->ends = ends;
    for (size_t r = 0; r < from->n; r++) {
        struct str s = cell_at(from, r);
        bool is_quoted = s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"';
        prev[r] = from->prev[r] + is_quoted;
        ends[r] = from->ends[r] - is_quoted;
    }
    for (size_t r = from->n; r < spans_padded(from->n); r++)
        ends[r] = ends[0];
}

void csv_read_column(struct csv_decoder *d, size_t f, const struct csv_cells *cells, size_t first,
                     struct column *c, struct arena *arena)
{
    /* Eight at a time is no gain where there are not eight, and loads of 16 bytes need so many. */
    bool is_small = cells->n < 8 || d->base.end - cells->data < 16;
    const struct csv_kernels *kernels = is_small ? &csv_plain : d->kernels;
    struct loop l = {.d = d,
                     .kernels = kernels,
                     .f = f,
                     .cells = cells,
                     .raw = cells,
                     .c = c,
                     .first = first,
                     .arena = arena};
    uint32_t prev[CSV_BLOCK], ends[CSV_BLOCK];
    struct csv_cells bare;

    l.values = (char *)c->values + first * type_width(c->type);
    if (c->nulls)
        memset(c->nulls + first, 0, cells->n);
    if (c->missing)
        memset(c->missing + first, 0, cells->n);
    if (d->is_careful) {
        read_others(&l);
        return;
    }
    if (d->has_special && !d->is_tsv && c->type.kind != TYPE_STRING && c->type.kind != TYPE_BOOL) {
        take_off_quotes(&bare, prev, ends, cells);
        l.cells = &bare;
    }
    switch (c->type.kind) {
    case TYPE_STRING:
        if (d->zeek)
            read_zeek_strings(&l);
        else
            read_strings(&l);
        break;
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64: read_integers(&l); break;
    case TYPE_FLOAT32:
    case TYPE_FLOAT64: read_floats(&l); break;
    case TYPE_DATE: read_dates(&l); break;
    case TYPE_DATETIME:
    case TYPE_DATETIME64:
        if (d->fields[f].is_time)
            read_zeek_times(&l);
        else
            read_times(&l);
        break;
    case TYPE_IPV4: read_ipv4s(&l); break;
    case TYPE_BOOL:
        if (d->zeek)
            read_others(&l);
        else
            read_bools(&l);
        break;
    default: read_others(&l); break;
    }
}
