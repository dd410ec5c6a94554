/* SPDX-License-Identifier: Apache-2.0
 *
 * What one worker gathered in one epoch: panes, raw rows, rejected records, counts. gather_chunk is
 * the way of an event from its bytes to all of these:
 *
 *   bytes ─decoder─▶ batch ─program─▶ columns, conditions ─▶ is the event good as a whole?
 *                      │ no: rejects                            │ no: rejects    │ yes: cubes, raw rows, counts
 *
 * owner: worker thread; after the seal the storing thread. */
#ifndef ENGINE_GATHER_H
#define ENGINE_GATHER_H

#include "engine/cube.h"
#include "engine/raws.h"
#include "engine/window.h"

struct partition_counts {
    uint64_t partition;
    uint64_t from, to; /* the least and largest offset seen: for progress only */
    uint64_t read, kept, filtered, rejected, duplicate, bytes;
    int64_t min_ms, max_ms; /* event time of good events; INT64_MAX / INT64_MIN: none */
    /* DEDUPLICATE: the partition's clock when all before decided_to were decided; previous_ms 0:
     * nothing to say */
    struct window_clock clock;
    uint64_t decided_to;
};

struct object_counts {
    uint64_t in, out;
};

struct kept_reject {
    uint64_t partition, offset;
    struct str bytes;
    struct str header; /* the file's header line: a retry needs it */
    const char *reason;
};

struct gather {
    const struct plan_source *plan;
    struct cube **cubes; /* one per plan pane */
    struct raws *raws;   /* one per plan raw */
    struct kept_reject *rejects;
    size_t n_rejects, cap_rejects;
    size_t reject_bytes;
    _Atomic size_t bytes; /* memory in use after the last chunk, for other threads */
    struct arena reject_arena;
    struct partition_counts *partitions;
    size_t n_partitions, cap_partitions;
    uint32_t *
        /* open addressing: index + 1 into partitions, 0 = empty; twice cap_partitions long */
        partition_slots;
    struct partition_counts total; /* over all partitions; partition, from and to mean nothing */
    struct object_counts *objects; /* one per plan stream */
    uint64_t *expired;             /* per tier of each cube (cube-major), then per raw */
    struct window_rows window;     /* DEDUPLICATE: what is to be remembered */
};

struct gather *gather_new(const struct plan_source *plan);
void gather_free(struct gather *g);
void gather_reset(struct gather *g);
size_t gather_bytes(const struct gather *g); /* any thread; memory in use after the last chunk */
/* NULL: nothing of it came */
const struct partition_counts *gather_counts(const struct gather *g, uint64_t partition);
bool gather_is_empty(const struct gather *g);

/* What a worker needs to turn bytes into rows. One thread. */
struct gatherer {
    const struct plan_source *plan;
    const struct plan_settings *settings;
    struct decoder *decoder;
    struct batch batch;
    struct frame *frame;
    struct reject_list rejects;
    /* Versions of the lookups that the plan's source reads, set before each chunk by whoever pinned
     * them for the epoch. */
    const struct lookup_table *const *tables;
    char *header;   /* the header line the decoder was given */
    char delimiter; /* between fields; 0 for JSON */
    struct gather_scratch *scratch;
    struct unfolded *levels; /* one per plan unfold */
    uint64_t serial;         /* of the batch judged last */
    /* Sources with DEDUPLICATE: the caller's; all that is gathered goes by it (held.c). */
    struct window *window;
    struct held *held;
};
MUST_CHECK enum err_code gatherer_init(struct gatherer *w, const struct plan_source *plan,
                                       const struct plan_settings *settings, struct err *e);
void gatherer_done(struct gatherer *w);

struct gather_chunk {
    uint64_t partition;
    uint64_t offset;
    struct str bytes;
    struct str header; /* of formats with names */
    bool is_too_long;  /* one record above max_record, given only by its first bytes */
    const char *path;
    /* For DEDUPLICATE: where the partition's chunk before this one ended (0: this is the first of
     * this window; WINDOW_NO_TURN: chunks come in order anyway), and where this one ends. */
    uint64_t after, to;
};
/* Fails only if the header does not fit the definition; with DEDUPLICATE also if the store fails or
 * the window is full. `now`: of the epoch. */
MUST_CHECK enum err_code gather_chunk(struct gather *g, struct gatherer *w,
                                      const struct gather_chunk *chunk, int64_t now, struct err *e);

#endif
