/* SPDX-License-Identifier: Apache-2.0
 *
 * Chunks of a source with DEDUPLICATE. Which rows are duplicates can be decided only when all
 * before the chunk in its partition are; decoding, expressions and faults need not wait for that:
 *
 *   decode, compute, judge ─▶ held batches ─turn─▶ decide in order ─pass the turn on─▶ spread
 *
 * So several workers share one partition, and only the decisions are made one after another. A
 * chunk of more batches than may be held keeps its turn to its end. owner: worker thread. */
#include <xxhash.h>

#include "engine/gather_priv.h"

enum { MOST_HELD = 16, HELD_BYTES = 32 << 20 };

/* A batch with all that was computed of it; lies in the gatherer while it is worked on. */
struct held_batch {
    struct batch batch;
    struct frame *frame;
    struct gather_scratch *scratch;
};

struct held {
    struct held_batch batches[MOST_HELD];
    size_t n_made, n, most;
    struct buf bytes; /* of one row's keys */
    struct u128 keys[BATCH_ROWS];
    uint8_t is_duplicate[BATCH_ROWS];
};

static struct held *held_new(const struct plan_source *plan)
{
    struct held *h = xcalloc(1, sizeof(*h));
    size_t columns = plan->n_slots + program_n_outputs(plan->program);
    h->most = HELD_BYTES / (columns * BATCH_ROWS * 16 + 1);
    h->most = h->most < 1 ? 1 : h->most > MOST_HELD ? MOST_HELD : h->most;
    return h;
}

void held_free(struct held *h)
{
    if (h == NULL)
        return;
    for (size_t i = 0; i < h->n_made; i++) {
        batch_done(&h->batches[i].batch);
        frame_free(h->batches[i].frame);
        scratch_free(h->batches[i].scratch);
    }
    buf_done(&h->bytes);
    free(h);
}

/* The gatherer's batch and the held one change places. */
static void swap(struct gatherer *w, struct held_batch *b)
{
    struct held_batch own = {w->batch, w->frame, w->scratch};
    w->batch = b->batch;
    w->frame = b->frame;
    w->scratch = b->scratch;
    *b = own;
}

/* Keeps the gatherer's batch and gives it another. */
static void hold(struct gatherer *w)
{
    struct held *h = w->held;
    struct held_batch *b = &h->batches[h->n];
    if (h->n == h->n_made) {
        batch_init(&b->batch, w->plan->types, w->plan->has_default, w->plan->n_slots);
        b->frame = frame_new(w->plan->program);
        b->scratch = scratch_new(w->plan);
        h->n_made++;
    }
    swap(w, b);
    h->n++;
}

/* ---- keys ---- */

/* Values that GROUP BY holds for one have the same bytes; no two rows of different keys do. */
static void put_key(struct buf *b, const struct column *c, size_t row)
{
    bool is_null = c->nulls != NULL && c->nulls[row];
    buf_byte(b, is_null);
    if (is_null)
        return;
    if (type_is_text(c->type)) {
        struct str text = ((const struct str *)c->values)[row];
        buf_put(b, &text.n, sizeof(text.n));
        buf_str(b, text);
    } else {
        size_t width = type_width(c->type);
        buf_put(b, (const char *)c->values + row * width, width);
    }
}

static void hash_keys(struct gatherer *w, const struct held_batch *b)
{
    const struct plan_deduplicate *d = w->plan->deduplicate;
    struct held *h = w->held;
    for (size_t i = 0; i < b->batch.n_rows; i++) {
        if (b->scratch->bad[i])
            continue;
        buf_reset(&h->bytes);
        for (size_t k = 0; k < d->n_keys; k++)
            put_key(&h->bytes, frame_output(b->frame, (size_t)d->keys[k]), i);
        XXH128_hash_t x = XXH3_128bits(h->bytes.p, h->bytes.n);
        h->keys[i] = (struct u128){.lo = x.low64, .hi = x.high64};
    }
}

/* ---- deciding ---- */

static enum err_code decide(struct gather *g, struct gatherer *w, struct window_part *part,
                            struct held_batch *b, struct err *e)
{
    struct held *h = w->held;
    struct gather_scratch *s = b->scratch;
    hash_keys(w, b);
    struct window_input in = {h->keys, s->times_ms, s->bad, b->batch.n_rows};
    memset(h->is_duplicate, 0, in.n);
    TRY(window_judge(w->window, part, &in, h->is_duplicate, &g->window, e));
    for (size_t i = 0; i < in.n; i++) {
        if (!h->is_duplicate[i])
            continue;
        s->bad[i] = 1;
        s->fault[i] = WHY_DUPLICATE;
        s->n_bad++;
        s->n_duplicates++;
    }
    return ERR_OK;
}

/* The turn of a chunk, once it has it. */
struct turn {
    struct window_part *part;
};

static enum err_code decide_held(struct gather *g, struct gatherer *w,
                                 const struct gather_chunk *chunk, struct turn *t, int64_t now,
                                 struct err *e)
{
    if (t->part == NULL)
        TRY(window_enter(w->window, chunk->partition, chunk->after, now, &t->part, e));
    for (size_t i = 0; i < w->held->n; i++)
        TRY(decide(g, w, t->part, &w->held->batches[i], e));
    return ERR_OK;
}

static void end_turn(struct gatherer *w, const struct gather_chunk *chunk,
                     struct partition_counts *counts, struct turn *t)
{
    if (t->part == NULL) {
        window_give_up(w->window, chunk->partition, chunk->after, chunk->to);
        return;
    }
    struct window_clock clock = window_clock(t->part);
    if (clock.previous_ms != 0 &&
        (counts->clock.previous_ms == 0 || chunk->to >= counts->decided_to ||
         chunk->after == WINDOW_NO_TURN)) {
        counts->clock = clock;
        counts->decided_to = chunk->to;
    }
    window_leave(w->window, t->part, chunk->to);
    t->part = NULL;
}

static void spread_held(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                        struct partition_counts *counts, int64_t now)
{
    struct held *h = w->held;
    for (size_t i = 0; i < h->n; i++) {
        swap(w, &h->batches[i]);
        batch_spread(g, w, chunk, counts, now);
        swap(w, &h->batches[i]);
    }
    h->n = 0;
}

static enum err_code held_records(struct gather *g, struct gatherer *w,
                                  const struct gather_chunk *chunk, struct partition_counts *counts,
                                  struct turn *t, int64_t now, struct err *e)
{
    feed_chunk(w, chunk, now);
    for (;;) {
        batch_reset(&w->batch);
        reject_list_reset(&w->rejects);
        if (decoder_next(w->decoder, &w->batch, &w->rejects) == 0)
            return ERR_OK;
        keep_decoder_rejects(g, w, chunk, counts);
        if (w->batch.n_rows == 0)
            continue;
        if (w->held->n == w->held->most) {
            TRY(decide_held(g, w, chunk, t, now, e));
            spread_held(g, w, chunk, counts, now);
        }
        batch_judge(w, chunk, now);
        hold(w);
    }
}

enum err_code held_chunk(struct gather *g, struct gatherer *w, const struct gather_chunk *chunk,
                         struct partition_counts *counts, int64_t now, struct err *e)
{
    struct turn t = {0};
    enum err_code code = ERR_OK;
    if (w->held == NULL)
        w->held = held_new(w->plan);
    w->held->n = 0;
    if (chunk->is_too_long)
        keep_too_long(g, w, chunk, counts);
    else
        code = held_records(g, w, chunk, counts, &t, now, e);
    if (code == ERR_OK)
        code = decide_held(g, w, chunk, &t, now, e);
    end_turn(w, chunk, counts, &t);
    if (code == ERR_OK)
        spread_held(g, w, chunk, counts, now);
    return code;
}
