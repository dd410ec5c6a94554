/* SPDX-License-Identifier: Apache-2.0
 *
 * Shapes of records: learned from one record that the careful way accepted, then used to fill
 * columns, one column of a block at a time. What a shape cannot prove it leaves to the careful
 * way. */
#include "codec/json_priv.h"

/* ---- learning ---- */

struct learner {
    struct json_decoder *d;
    struct json_shape *s;
    const char *p, *end; /* end: behind the line end */
    const char *literal; /* begin of the literal being read */
    size_t n_entries;    /* index entries in the literals so far */
    size_t n_literals;
    uint32_t depth; /* what max_depth leaves */
};

static void grow(struct json_shape *s, size_t n)
{
    if (n < s->cap)
        return;
    s->cap = s->cap ? s->cap * 2 : 32;
    s->literals = xrealloc(s->literals, s->cap * sizeof(*s->literals));
    s->values = xrealloc(s->values, s->cap * sizeof(*s->values));
}

/* The literal ends at `end`. It must hold an entry of the index, else it could not be found
 * again. */
static bool close_literal(struct learner *l, const char *end)
{
    struct json_shape *s = l->s;
    struct json_literal literal = {.anchor = (uint32_t)l->n_entries,
                                   .n = (uint32_t)(end - l->literal)};
    bool has_entry = false;
    for (const char *p = l->literal; p < end; p++) {
        if (*p != '"' && *p != '\n')
            continue;
        if (!has_entry)
            literal.before = (uint32_t)(p - l->literal);
        has_entry = true;
        l->n_entries++;
    }
    if (!has_entry || l->n_entries > JSON_MAX_STRIDE || s->text.n + literal.n > JSON_MAX_LITERALS)
        return false;
    literal.text = (uint32_t)s->text.n;
    buf_put(&s->text, l->literal, literal.n);
    if (literal.n > s->longest)
        s->longest = literal.n;
    grow(s, l->n_literals);
    s->literals[l->n_literals++] = literal;
    return true;
}

static bool add_value(struct learner *l, struct json_value value, const char *begin,
                      const char *end)
{
    if (!close_literal(l, begin))
        return false;
    l->s->values[l->n_literals - 1] = value;
    for (int32_t field = value.field; field >= 0; field = l->d->next_same[field])
        l->s->has_field[field] = true;
    l->p = l->literal = end;
    return true;
}

static bool learn_value(struct learner *l, const struct json_path *path);

static void pass_space(struct learner *l)
{
    while (json_is_space(*l->p))
        l->p++;
}

/* Members or elements up to the closing bracket; keys of objects are looked up if `path` leads
 * further. */
static bool learn_nested(struct learner *l, bool is_object, bool is_wanted)
{
    struct json_decoder *d = l->d;
    size_t n_path = d->path.n;
    l->depth--;
    l->p++;
    pass_space(l);
    while (*l->p != '}' && *l->p != ']') {
        const struct json_path *path = NULL;
        if (is_object) {
            const char *key = l->p + 1, *stop = memchr(key, '"', (size_t)(l->end - key));
            if (is_wanted) {
                if (d->path.n)
                    buf_byte(&d->path, '.');
                buf_put(&d->path, key, (size_t)(stop - key));
                path = json_find_path(d, buf_view(&d->path));
            }
            l->p = stop + 1;
            pass_space(l);
            l->p++; /* ':' */
            pass_space(l);
        }
        if (!learn_value(l, path))
            return false;
        d->path.n = n_path;
        pass_space(l);
        if (*l->p == ',')
            l->p++;
        pass_space(l);
    }
    l->p++;
    l->depth++;
    return true;
}

static bool learn_value(struct learner *l, const struct json_path *path)
{
    int32_t field = path ? path->field : -1;
    const char *p = l->p;
    if (path && path->is_indexed)
        return false;
    if (*p == '"') {
        const char *stop = memchr(p + 1, '"', (size_t)(l->end - p - 1));
        if (!add_value(l, (struct json_value){JSON_TEXT, field, 0}, p + 1, stop))
            return false;
        l->p++; /* the closing quote: the next literal begins with it */
        return true;
    }
    const char *stop = json_skip(p, l->end, l->depth);
    if (stop == NULL)
        return false;
    if (*p != '{' && *p != '[')
        return add_value(l, (struct json_value){JSON_TOKEN, field, 0}, p, stop);
    if (field >= 0) /* the text of an object: left to the careful way */
        return false;
    if (memchr(p, '"', (size_t)(stop - p)) == NULL && !(path && path->is_prefix))
        return add_value(l, (struct json_value){JSON_NESTED, -1, l->depth}, p, stop);
    return learn_nested(l, *p == '{', path && path->is_prefix && *p == '{');
}

static void add_piece(struct json_shape *s, size_t literal, uint32_t from)
{
    const struct json_literal *l = &s->literals[literal];
    size_t i = s->n_pieces++;
    uint32_t n = l->n - from < 64 ? l->n - from : 64;
    s->pieces[i] = (struct json_piece){
        .anchor = l->anchor,
        .shift = (int32_t)from - (int32_t)l->before,
        .literal = (uint32_t)(from ? s->n_values + 1 : literal),
        .lanes = n == 64 ? ~0ULL : (1ULL << n) - 1,
    };
    memset(s->piece_text + 64 * i, 0, 64);
    memset(s->piece_mask + 64 * i, 0, 64);
    memcpy(s->piece_text + 64 * i, s->text.p + l->text + from, n);
    memset(s->piece_mask + 64 * i, 0xff, n);
}

static void cut_pieces(struct json_shape *s)
{
    size_t n = s->n_values + 1, most = n + JSON_MAX_LITERALS / 64 + 1;
    s->pieces = xrealloc(s->pieces, most * sizeof(*s->pieces));
    s->piece_text = xrealloc(s->piece_text, most * 64);
    s->piece_mask = xrealloc(s->piece_mask, most * 64);
    s->n_pieces = 0;
    for (size_t i = 0; i < n; i++)
        if (s->literals[i].n <= 32)
            add_piece(s, i, 0);
    s->n_short_pieces = s->n_pieces;
    for (size_t i = 0; i < n; i++)
        for (uint32_t from = 0; s->literals[i].n > 32 && from < s->literals[i].n; from += 64)
            add_piece(s, i, from);
}

void json_shape_learn(struct json_decoder *d, struct json_shape *s, struct str line)
{
    struct learner l = {d, s, line.p, line.p + line.n, line.p, 0, 0, json_max_depth(d)};
    s->is_known = false;
    s->longest = 0;
    buf_reset(&s->text);
    buf_reset(&d->path);
    if (s->has_field == NULL)
        s->has_field = xcalloc(d->base.spec.n_fields + 1, 1);
    memset(s->has_field, 0, d->base.spec.n_fields);
    if (memchr(line.p, '\\', line.n))
        return;
    pass_space(&l);
    if (*l.p != '{' || !learn_nested(&l, true, true) || !close_literal(&l, l.end))
        return;
    s->n_values = l.n_literals - 1;
    cut_pieces(s);
    s->stride = l.n_entries;
    s->is_known = true;
}

void json_shape_done(struct json_shape *s)
{
    free(s->literals);
    free(s->values);
    free(s->has_field);
    free(s->pieces);
    free(s->piece_text);
    free(s->piece_mask);
    buf_done(&s->text);
    *s = (struct json_shape){0};
}

/* ---- filling ---- */

enum { FEW_RECORDS = 4 };

struct filler {
    struct json_decoder *d;
    struct batch *b;
    size_t row;
    struct spans values; /* of the column that is being filled */
    const struct json_kernels *kernels;
};

static inline struct str value_at(const struct spans *v, size_t k)
{
    uint32_t begin = v->begin[k] + v->skip;
    return (struct str){v->base + begin, v->end[k] - begin};
}

static uint64_t all_of(size_t n)
{
    return n == 64 ? ~0ULL : (1ULL << n) - 1;
}

/* The rows of `bad` one by one, as on the careful way. Returns those that failed. */
static uint64_t fill_tokens(struct filler *f, size_t field, uint64_t bad)
{
    uint64_t failed = 0;
    for (; bad; bad &= bad - 1) {
        size_t k = (size_t)__builtin_ctzll(bad);
        struct str token = value_at(&f->values, k);
        if (!json_store_token(f->d, f->b, field, f->row + k, token))
            failed |= 1ULL << k;
    }
    return failed;
}

static uint64_t fill_texts(struct filler *f, size_t field, uint64_t bad)
{
    uint64_t failed = 0;
    for (; bad; bad &= bad - 1) {
        size_t k = (size_t)__builtin_ctzll(bad);
        if (!json_store_text(f->d, f->b, field, f->row + k, value_at(&f->values, k)))
            failed |= 1ULL << k;
    }
    return failed;
}

/* One loop per width; values above the type's range stay for the careful way, which says so. */
#define NARROW(T, MAX)                                                                             \
    do {                                                                                           \
        T *to = COLUMN(c, T) + f->row;                                                             \
        for (size_t k = 0; k < n; k++) {                                                           \
            bad |= (uint64_t)(values[k] > (MAX)) << k;                                             \
            to[k] = (T)values[k];                                                                  \
        }                                                                                          \
    } while (0)

static uint64_t fill_uints(struct filler *f, struct column *c)
{
    uint64_t values[JSON_BLOCK];
    size_t n = f->values.n, width = type_width(c->type);
    uint64_t bad = f->kernels->uints(&f->values, values);
    switch (width) {
    case 1: NARROW(uint8_t, UINT8_MAX); break;
    case 2: NARROW(uint16_t, UINT16_MAX); break;
    case 4: NARROW(uint32_t, UINT32_MAX); break;
    default: memcpy(COLUMN(c, uint64_t) + f->row, values, n * 8); break;
    }
    return bad;
}

static uint64_t fill_doubles(struct filler *f, struct column *c)
{
    double values[JSON_BLOCK];
    uint64_t bad = f->kernels->doubles(&f->values, values);
    memcpy(COLUMN(c, double) + f->row, values, f->values.n * sizeof(*values));
    return bad;
}

static uint64_t fill_ints(struct filler *f, struct column *c)
{
    uint64_t bad = 0;
    size_t width = type_width(c->type);
    int64_t max = INT64_MAX >> (64 - 8 * width), min = -max - 1;
    if (c->type.kind == TYPE_DATETIME64) {
        max = JSON_LAST_SECOND < INT64_MAX / (int64_t)fast_powers_of_10[c->type.scale]
                  ? JSON_LAST_SECOND * (int64_t)fast_powers_of_10[c->type.scale]
                  : INT64_MAX;
        min = 0; /* what is before 1970 is read one by one */
    }
    char *to = (char *)c->values + f->row * width;
    for (size_t k = 0; k < f->values.n; k++) {
        struct str token = value_at(&f->values, k);
        int64_t v;
        if (fast_int(token.p, token.n, &v) && v <= max && v >= min)
            memcpy(to + k * width, &v, width);
        else
            bad |= 1ULL << k;
    }
    return bad;
}

static uint64_t fill_floats(struct filler *f, struct column *c)
{
    float values[JSON_BLOCK];
    uint64_t bad = f->kernels->floats(&f->values, values);
    memcpy(COLUMN(c, float) + f->row, values, f->values.n * sizeof(*values));
    return bad;
}

static void clear_marks(struct filler *f, struct column *c)
{
    if (c->nulls)
        memset(c->nulls + f->row, 0, f->values.n);
    if (c->missing)
        memset(c->missing + f->row, 0, f->values.n);
}

static uint64_t fill_token_column(struct filler *f, size_t field)
{
    struct column *c = &f->b->columns[field];
    uint64_t bad = all_of(f->values.n);
    clear_marks(f, c);
    switch (c->type.kind) {
    case TYPE_UINT8:
    case TYPE_UINT16:
    case TYPE_UINT32:
    case TYPE_UINT64:
    case TYPE_DATE:
    case TYPE_DATETIME: bad = fill_uints(f, c); break;
    case TYPE_INT8:
    case TYPE_INT16:
    case TYPE_INT32:
    case TYPE_INT64:
    case TYPE_DATETIME64: bad = fill_ints(f, c); break;
    case TYPE_FLOAT64: bad = fill_doubles(f, c); break;
    case TYPE_FLOAT32: bad = fill_floats(f, c); break;
    default: break;
    }
    return fill_tokens(f, field, bad);
}

static uint64_t fill_strings(struct filler *f, struct column *c)
{
    struct str values[JSON_BLOCK];
    f->kernels->strings(&f->values, values);
    memcpy(COLUMN(c, struct str) + f->row, values, f->values.n * sizeof(*values));
    return 0;
}

/* Runs of times of one shape, and between them one as on the careful way. Returns those that
 * failed. */
static uint64_t fill_times(struct filler *f, size_t field)
{
    struct column *c = &f->b->columns[field];
    struct time_shape *shape = &f->d->times[field];
    int64_t values[JSON_BLOCK];
    uint64_t failed = 0;
    for (size_t k = 0, from = 0;; from = ++k) {
        k = f->kernels->times(values, &f->values, from, shape);
        if (c->type.kind == TYPE_DATETIME64)
            memcpy(COLUMN(c, int64_t) + f->row + from, values + from, (k - from) * sizeof(*values));
        for (size_t i = from; c->type.kind == TYPE_DATETIME && i < k; i++)
            COLUMN(c, uint32_t)[f->row + i] = (uint32_t)values[i];
        if (k == f->values.n)
            return failed;
        struct str text = value_at(&f->values, k);
        if (json_store_text(f->d, f->b, field, f->row + k, text))
            time_shape_learn(shape, c->type, text);
        else
            failed |= 1ULL << k;
    }
}

static uint64_t fill_ipv4s(struct filler *f, struct column *c)
{
    uint32_t values[JSON_BLOCK];
    uint64_t bad = f->kernels->ipv4s(&f->values, values);
    memcpy(COLUMN(c, uint32_t) + f->row, values, f->values.n * sizeof(*values));
    return bad;
}

static uint64_t fill_text_column(struct filler *f, size_t field)
{
    struct column *c = &f->b->columns[field];
    uint64_t bad = all_of(f->values.n);
    clear_marks(f, c);
    if (c->type.kind == TYPE_STRING)
        return fill_strings(f, c);
    if (c->type.kind == TYPE_DATETIME || c->type.kind == TYPE_DATETIME64)
        return fill_times(f, field);
    if (c->type.kind == TYPE_IPV4)
        bad = fill_ipv4s(f, c);
    return fill_texts(f, field, bad);
}

static uint64_t check_tokens(struct filler *f)
{
    uint64_t failed = 0;
    for (uint64_t bad = f->kernels->numbers(&f->values); bad; bad &= bad - 1) {
        size_t k = (size_t)__builtin_ctzll(bad);
        struct str token = value_at(&f->values, k);
        if (!json_is_token(token))
            failed |= 1ULL << k;
    }
    return failed;
}

static uint64_t check_nested(struct filler *f, uint32_t depth)
{
    uint64_t failed = 0;
    for (size_t k = 0; k < f->values.n; k++) {
        struct str text = value_at(&f->values, k);
        if (json_skip(text.p, text.p + text.n, depth) != text.p + text.n)
            failed |= 1ULL << k;
    }
    return failed;
}

static uint64_t fill_value(struct filler *f, const struct json_value *v)
{
    uint64_t bad = 0;
    for (int32_t field = v->field; field >= 0; field = f->d->next_same[field])
        bad |= v->kind == JSON_TEXT ? fill_text_column(f, (size_t)field)
                                    : fill_token_column(f, (size_t)field);
    if (v->field >= 0)
        return bad;
    if (v->kind == JSON_TOKEN)
        return check_tokens(f);
    return v->kind == JSON_NESTED ? check_nested(f, v->depth) : 0;
}

static void fill_missing(struct filler *f, size_t field)
{
    struct column *c = &f->b->columns[field];
    size_t width = type_width(c->type), n = f->values.n;
    memset((char *)c->values + f->row * width, 0, n * width);
    for (size_t k = 0; type_is_enum(c->type) && k < n; k++)
        value_default(c->type, (char *)c->values + (f->row + k) * width);
    if (c->nulls)
        memset(c->nulls + f->row, 1, n);
    if (c->missing)
        memset(c->missing + f->row, 1, n);
}

uint64_t json_shape_fill(struct json_decoder *d, const struct json_shape *s, struct batch *b,
                         size_t row, const struct json_block *block)
{
    /* one by one is quicker than eight at a time when there are not eight */
    const struct json_kernels *kernels = block->n < FEW_RECORDS ? &json_kernels_plain : d->kernels;
    struct filler f = {d, b, row, {block->base, NULL, NULL, 0, block->n}, kernels};
    uint64_t bad = 0;
    for (size_t i = 0; i < s->n_values; i++) {
        f.values.begin = d->at[i];
        f.values.end = d->at[i + 1];
        f.values.skip = s->literals[i].n;
        bad |= fill_value(&f, &s->values[i]);
    }
    for (size_t i = 0; i < d->base.spec.n_fields; i++)
        if (!s->has_field[i])
            fill_missing(&f, i);
    return bad;
}
