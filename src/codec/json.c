/* SPDX-License-Identifier: Apache-2.0
 *
 * FORMAT JSONEachRow: a record is one line that holds one JSON object. The driver: takes runs of
 * records by shape where one fits, single records the careful way where none does (see
 * json_priv.h). */
#include "codec/json_priv.h"
#include "codec/spans_avx512.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    MAX_INDEXED_BYTES = 1 << 30, /* of one call: positions are 32 bits */
    BLOCK_BYTES = 32 << 10,      /* a block and its index stay in the first cache */
    INDEX_ENTRIES = JSON_BLOCK * JSON_MAX_STRIDE + 2 * 64,
    LEARN_WINDOW = 64, /* shapes learned ... */
    LEARN_PAYS = 4,    /* ... that must take this many records each, or learning ... */
    LEARN_REST = 4096, /* ... rests for this many */
};

/* ---- paths ---- */

static uint32_t hash_of(struct str path)
{
    return (uint32_t)XXH3_64bits(path.n ? path.p : "", path.n);
}

static struct json_path *find_slot(const struct json_decoder *d, struct str path, uint32_t hash)
{
    size_t at = hash & d->path_mask;
    while (d->paths[at].text.p && (d->paths[at].hash != hash || !str_eq(d->paths[at].text, path)))
        at = (at + 1) & d->path_mask;
    return &d->paths[at];
}

const struct json_path *json_find_path(const struct json_decoder *d, struct str path)
{
    const struct json_path *found = find_slot(d, path, hash_of(path));
    return found->text.p ? found : NULL;
}

static struct json_path *add_path(struct json_decoder *d, struct str path)
{
    struct json_path *slot = find_slot(d, path, hash_of(path));
    if (slot->text.p == NULL)
        *slot = (struct json_path){.text = path, .hash = hash_of(path), .field = -1};
    return slot;
}

static size_t count_paths(const struct decoder_spec *spec)
{
    size_t n = spec->n_fields;
    for (size_t i = 0; i < spec->n_fields; i++)
        for (size_t k = 0; k < spec->fields[i].path.n; k++)
            n += spec->fields[i].path.p[k] == '.';
    return n;
}

/* Every path and every beginning of one up to a dot. Fields of one path form a chain. */
void json_add_paths(struct json_decoder *d)
{
    const struct decoder_spec *spec = &d->base.spec;
    size_t n = count_paths(spec);
    for (d->path_mask = 7; d->path_mask < 2 * n;)
        d->path_mask = d->path_mask * 2 + 1;
    d->paths = xcalloc(d->path_mask + 1, sizeof(*d->paths));
    d->next_same = xcalloc(spec->n_fields + 1, sizeof(*d->next_same));
    d->tails = xcalloc(spec->n_fields + 1, sizeof(*d->tails));
    d->others = -1;
    for (size_t i = 0; i < spec->n_fields; i++) {
        struct str path;
        d->next_same[i] = -1;
        if (str_is(spec->fields[i].path, "*") && spec->fields[i].type.kind == TYPE_MAP) {
            d->others = (int32_t)i;
            element_list_init(&d->other_list, spec->fields[i].type);
            d->kernels = NULL; /* a shape knows only the keys it has seen */
            continue;
        }
        json_split_path(spec->fields[i].path, &d->names, &path, &d->tails[i]);
        for (size_t k = 0; k < path.n; k++)
            if (path.p[k] == '.')
                add_path(d, (struct str){path.p, k})->is_prefix = true;
        struct json_path *slot = add_path(d, path);
        d->next_same[i] = slot->field;
        slot->field = (int32_t)i;
        slot->is_indexed |= d->tails[i].n > 0;
    }
}

/* ---- opening ---- */

static const struct json_kernels *best_kernels(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (avx512_is_usable())
        return &json_kernels_avx512;
    if (__builtin_cpu_supports("avx2"))
        return &json_kernels_avx2;
#endif
    return &json_kernels_plain;
}

struct decoder *json_open_any(const struct decoder_spec *spec)
{
    struct json_decoder *d = xcalloc(1, sizeof(*d));
    d->base.spec = *spec;
    d->seen = xcalloc(spec->n_fields + 1, sizeof(*d->seen));
    d->times = xcalloc(spec->n_fields + 1, sizeof(*d->times));
    d->index = xmalloc((INDEX_ENTRIES + 1) * sizeof(*d->index));
    d->at = xmalloc((JSON_MAX_STRIDE + 2) * sizeof(*d->at));
    d->kernels = best_kernels();
    d->run = 1;
    return &d->base;
}

static struct decoder *json_open(const struct decoder_spec *spec)
{
    struct decoder *d = json_open_any(spec);
    json_add_paths((struct json_decoder *)d);
    return d;
}

void json_free(struct decoder *base)
{
    struct json_decoder *d = (struct json_decoder *)base;
    for (size_t i = 0; i < JSON_SHAPES; i++)
        json_shape_done(&d->shapes[i]);
    free(d->paths);
    free(d->seen);
    free(d->next_same);
    free(d->times);
    free(d->tails);
    free(d->elements);
    element_list_done(&d->other_list);
    arena_done(&d->names);
    free(d->index);
    free(d->at);
    buf_done(&d->path);
    buf_done(&d->key);
    free(d);
}

/* ---- a call of next ---- */

struct run {
    struct json_decoder *d;
    struct batch *b;
    struct reject_list *rejects;
    const char *base;
    size_t n;       /* bytes that may be indexed */
    size_t total;   /* bytes there are */
    size_t start;   /* of the next record */
    size_t indexed; /* bytes of base that are in the index */
    uint32_t *idx;  /* entries from `start` on; idx[-1] = start - 1 */
    size_t n_idx;
};

/* At least `wanted` entries, as far as there are any; some more, so that few are moved per
 * record. */
static void want_index(struct run *r, size_t wanted)
{
    struct json_decoder *d = r->d;
    if (r->n_idx >= wanted || r->indexed >= r->n)
        return;
    if (wanted < JSON_MAX_STRIDE)
        wanted = JSON_MAX_STRIDE;
    memmove(d->index + 1, r->idx, r->n_idx * sizeof(*r->idx));
    r->idx = d->index + 1;
    r->idx[-1] = (uint32_t)r->start - 1;
    r->n_idx += d->kernels->index(r->base, &r->indexed, r->n, r->idx + r->n_idx, wanted - r->n_idx);
}

static void drop_entries(struct run *r, size_t n)
{
    r->idx += n;
    r->n_idx -= n;
    r->idx[-1] = (uint32_t)r->start - 1;
}

static uint32_t line_length(const char *base, size_t begin, size_t end)
{
    return (uint32_t)(end - begin - (end > begin && base[end - 1] == '\r'));
}

static void reject_line(struct run *r, size_t begin, size_t n)
{
    reject_add(r->rejects, r->d->base.offset + begin, (struct str){r->base + begin, n}, "%s",
               r->d->reason);
}

/* Records up to the first in which literal i + 1 begins before literal i has ended. */
static size_t count_ordered(const struct json_decoder *d, const struct json_shape *s, size_t i,
                            size_t n)
{
    const uint32_t *begin = d->at[i], *end = d->at[i + 1];
    uint32_t skip = s->literals[i].n, signs = 0;
    for (size_t k = 0; k < n; k++)
        signs |= end[k] - begin[k] - skip; /* positions have 30 bits */
    if (signs >> 31 == 0)
        return n;
    for (size_t k = 0; k < n; k++)
        if ((end[k] - begin[k] - skip) >> 31)
            return k;
    return n;
}

/* How many of the next `n` records have this shape; d->at then holds their literals' places. */
static size_t count_fitting(struct run *r, const struct json_shape *s, size_t n)
{
    struct json_decoder *d = r->d;
    struct json_block block = {r->base, r->idx, s->stride, 0};
    size_t room = s->longest + 64; /* what comparing may look at behind a record */
    while (block.n < n) {
        size_t last = r->idx[block.n * s->stride + s->stride - 1];
        if (r->base[last] != '\n' || r->n - last <= room)
            break;
        block.n++;
    }
    if (block.n == 0)
        return 0;
    bool is_early = r->start < s->longest; /* once per call: then the records before give room */
    block.n = is_early ? 1 : block.n;
    uint64_t bad =
        is_early ? json_compare_anywhere(&block, s, d->at) : d->kernels->compare(&block, s, d->at);
    if (bad)
        block.n = (size_t)__builtin_ctzll(bad);
    for (size_t i = 0; i < s->n_values && block.n; i++)
        if (s->values[i].kind != JSON_TEXT)
            block.n = count_ordered(d, s, i, block.n);
    return block.n;
}

static void move_row(struct batch *b, size_t to, size_t from)
{
    for (size_t i = 0; i < b->n_columns; i++) {
        struct column *c = &b->columns[i];
        size_t width = type_width(c->type);
        memcpy((char *)c->values + to * width, (char *)c->values + from * width, width);
        if (c->nulls)
            c->nulls[to] = c->nulls[from];
        if (c->missing)
            c->missing[to] = c->missing[from];
    }
    b->offsets[to] = b->offsets[from];
    b->lengths[to] = b->lengths[from];
}

/* The records of `bad` again, the careful way; those that fail leave the batch. Returns rows
 * kept. */
static size_t mend(struct run *r, const struct json_block *block, uint64_t bad)
{
    size_t row = r->b->n_rows, kept = row;
    for (size_t k = 0; k < block->n; k++) {
        size_t from = row + k;
        if (bad >> k & 1) {
            size_t begin = (size_t)(r->b->offsets[from] - r->d->base.offset),
                   n = r->b->lengths[from];
            if (!json_parse_record(r->d, r->b, from, (struct str){r->base + begin, n})) {
                reject_line(r, begin, n);
                continue;
            }
        }
        if (kept != from)
            move_row(r->b, kept, from);
        kept++;
    }
    return kept - row;
}

/* Where the records of the block are: those that are too long. */
static uint64_t put_places(struct run *r, const struct json_block *block)
{
    const char *base = r->base;
    const uint32_t *end_at = block->idx + block->stride - 1;
    uint64_t *restrict offsets = r->b->offsets + r->b->n_rows, offset = r->d->base.offset, bad = 0;
    uint32_t *restrict lengths = r->b->lengths + r->b->n_rows;
    size_t begin = r->start, n = block->n, stride = block->stride,
           longest = r->d->base.spec.max_record_bytes;

    for (size_t k = 0; k < n; k++, end_at += stride) {
        size_t end = *end_at;
        uint32_t length = line_length(base, begin, end);
        offsets[k] = offset + begin;
        lengths[k] = length;
        bad |= (uint64_t)(length > longest) << k;
        begin = end + 1;
    }
    r->start = begin;
    return bad;
}

static size_t take_block(struct run *r, const struct json_shape *s, size_t n)
{
    struct json_block block = {r->base, r->idx, s->stride, n};
    uint64_t bad = json_shape_fill(r->d, s, r->b, r->b->n_rows, &block);

    bad |= put_places(r, &block);
    size_t kept = bad ? mend(r, &block, bad) : n;
    drop_entries(r, n * s->stride);
    return kept;
}

/* Records of shape i from here on: true if there was one. */
static bool take_shape(struct run *r, size_t i)
{
    struct json_decoder *d = r->d;
    struct json_shape *s = &d->shapes[i];
    size_t room = BATCH_ROWS - r->b->n_rows;
    size_t n = d->run < s->block ? d->run : s->block;
    if (n > room)
        n = room;
    want_index(r, n * s->stride);
    if (n > r->n_idx / s->stride)
        n = r->n_idx / s->stride;
    size_t fitting = count_fitting(r, s, n);
    if (fitting == 0)
        return false;
    d->run = fitting == n ? 2 * n : fitting;
    d->shapes[d->shape].follower = i;
    d->shape = i;
    d->n_used += (uint32_t)fitting;
    r->b->n_rows += take_block(r, s, fitting);
    return true;
}

/* Entries of the next record, with its line end; 0 if it has more than any shape. */
static size_t record_entries(struct run *r)
{
    for (size_t i = 0; i < JSON_MAX_STRIDE; i++) {
        want_index(r, i + 1);
        if (i >= r->n_idx)
            return 0;
        if (r->base[r->idx[i]] == '\n')
            return i + 1;
    }
    return 0;
}

static bool take_some(struct run *r)
{
    struct json_decoder *d = r->d;
    if (d->kernels == NULL || d->rest)
        return false;
    if (d->shapes[d->shape].is_known && take_shape(r, d->shape))
        return true;
    size_t stride = record_entries(r), before = d->shape, first = d->shapes[before].follower;
    d->run = 1;
    for (size_t k = 0; k < JSON_SHAPES && stride; k++) {
        size_t i = (first + k) % JSON_SHAPES; /* first the one that came next the last time */
        if (i != before && d->shapes[i].is_known && d->shapes[i].stride == stride &&
            take_shape(r, i))
            return true;
    }
    return false;
}

/* The shape of a line that the careful way took, unless lately shapes were not used after all. */
static void learn(struct run *r, size_t begin, size_t end)
{
    struct json_decoder *d = r->d;
    if (d->rest) {
        d->rest--;
        return;
    }
    if (d->kernels == NULL || end >= r->n || r->n - end < JSON_MAX_LITERALS + 64)
        return;
    struct json_shape *s = &d->shapes[d->next_shape];
    json_shape_learn(d, s, (struct str){r->base + begin, end + 1 - begin});
    size_t block = BLOCK_BYTES / (end + 1 - begin);
    s->block = block > JSON_BLOCK ? JSON_BLOCK : block < 4 ? 4 : block;
    if (s->is_known) {
        d->shape = d->next_shape;
        d->next_shape = (d->next_shape + 1) % JSON_SHAPES;
    }
    d->run = 1;
    if (++d->n_learned == LEARN_WINDOW) {
        d->rest = d->n_used < LEARN_WINDOW * LEARN_PAYS ? LEARN_REST : 0;
        d->n_learned = d->n_used = 0;
    }
}

static bool is_blank(struct str line)
{
    for (size_t i = 0; i < line.n; i++)
        if (!json_is_space(line.p[i]))
            return false;
    return true;
}

/* One record the careful way. */
static void take_line(struct run *r)
{
    struct batch *b = r->b;
    size_t begin = r->start;
    const char *found = memchr(r->base + begin, '\n', r->total - begin);
    size_t end = found ? (size_t)(found - r->base) : r->total, n = line_length(r->base, begin, end);
    struct str text = {r->base + begin, n};
    bool is_taken = false;
    if (!is_blank(text)) {
        is_taken = json_parse_record(r->d, b, b->n_rows, text);
        if (is_taken) {
            b->offsets[b->n_rows] = r->d->base.offset + begin;
            b->lengths[b->n_rows] = (uint32_t)n;
            b->n_rows++;
        } else {
            reject_line(r, begin, n);
        }
    }
    bool has_next = is_taken && r->d->next_object != NULL;
    if (has_next) { /* several on one line */
        size_t stop = (size_t)(r->d->next_object - r->base);
        size_t length = stop;
        while (length > begin && (json_is_space(r->base[length - 1]) || r->base[length - 1] == ','))
            length--;
        b->lengths[b->n_rows - 1] = (uint32_t)(length - begin);
        r->start = stop;
    } else {
        r->start = found ? end + 1 : end;
    }
    size_t passed = 0;
    while (passed < r->n_idx && r->idx[passed] < r->start)
        passed++;
    if (r->indexed < r->start)
        r->indexed = r->start;
    drop_entries(r, passed);
    if (is_taken && found && !has_next)
        learn(r, begin, end);
}

/* Up to 1 GB of the run: positions are 32 bits. Returns the bytes passed. */
static size_t take_part(struct json_decoder *d, struct batch *b, struct reject_list *rejects)
{
    struct run r = {.d = d, .b = b, .rejects = rejects, .base = d->base.data, .idx = d->index + 1};
    size_t max_rejects = rejects->n + BATCH_ROWS;
    r.total = (size_t)(d->base.end - d->base.data);
    r.n = r.total < MAX_INDEXED_BYTES ? r.total : MAX_INDEXED_BYTES;
    r.idx[-1] = (uint32_t)-1;
    while (r.start < r.n && b->n_rows < BATCH_ROWS && rejects->n < max_rejects)
        if (!take_some(&r))
            take_line(&r);
    d->base.data += r.start;
    d->base.offset += r.start;
    return r.start;
}

/* Records wherever their brackets end. */
static size_t next_of_stream(struct json_decoder *d, struct batch *b, struct reject_list *rejects)
{
    struct decoder *base = &d->base;
    size_t n_before = b->n_rows + rejects->n, max_rejects = rejects->n + BATCH_ROWS;

    while (base->data < base->end && b->n_rows < BATCH_ROWS && rejects->n < max_rejects) {
        const char *p = base->data, *end = base->end;
        if (!json_is_separator(*p)) {
            const char *stop = json_stream_end(p, end);
            end = stop ? stop : end;
            struct str text = {p, (size_t)(end - p)};
            if (json_parse_record(d, b, b->n_rows, text)) {
                b->offsets[b->n_rows] = base->offset;
                b->lengths[b->n_rows++] = (uint32_t)text.n;
            } else {
                reject_add(rejects, base->offset, text, "%s", d->reason);
            }
        } else {
            end = p + 1;
        }
        base->offset += (uint64_t)(end - p);
        base->data = end;
    }
    return b->n_rows + rejects->n - n_before;
}

static size_t json_next(struct decoder *base, struct batch *b, struct reject_list *rejects)
{
    if (((struct json_decoder *)base)->is_stream)
        return next_of_stream((struct json_decoder *)base, b, rejects);
    size_t n_before = b->n_rows + rejects->n;
    /* again only after a part that was all blank lines */
    while (take_part((struct json_decoder *)base, b, rejects) && b->n_rows + rejects->n == n_before)
        ;
    return b->n_rows + rejects->n - n_before;
}

/* What the file is like: lines, or a stream. */
static enum err_code json_header(struct decoder *base, struct str header, struct err *e)
{
    ((struct json_decoder *)base)->is_stream = str_is(header, JSON_STREAM);
    return ERR_OK;
}

size_t json_cut_lines(char delimiter, const char *data, size_t n, bool is_end)
{
    if (is_end)
        return n;
    const char *last = n ? memrchr(data, '\n', n) : NULL;
    return last ? (size_t)(last - data) + 1 : 0;
}

const struct decoder_driver decoder_json = {
    .format = FORMAT_JSON_EACH_ROW,
    .open = json_open,
    .header = json_header,
    .next = json_next,
    .cut = json_cut_lines,
    .free = json_free,
};
