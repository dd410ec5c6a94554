/* SPDX-License-Identifier: Apache-2.0
 *
 * DEDUPLICATE BY (k) WITHIN d: what a source remembers of kept events, and who is a duplicate.
 * Definition and table: docs/formats/window.md.
 *
 *   partition: its clock, and (hash of k, event time, until) of kept events
 *   chunk ─enter (its turn: all before it in its partition are decided)─▶ judge … judge ─leave─▶ next chunk
 *
 * An event is a duplicate where a kept event of the same partition with the same k lies within d of
 * it. Times are cut into cells of d + 1 ms: a cell holds at most one kept event of a key, so three
 * cells are looked at. A kept event is remembered until the clock passes its `until`; the clock is
 * the greatest time that two neighbouring events reached, so no single wrong time moves it.
 *
 * All of it depends on nothing but the partition's records in their order, however they are cut
 * into chunks and epochs; only a partition without input for WINDOW_IDLE_S (by the epochs' times)
 * begins anew. What is remembered lies in weir_window, written by the epoch that decided; a
 * partition is read from there when its first chunk comes.
 *
 * Any thread; a partition belongs to who entered it until it is left. */
#ifndef ENGINE_WINDOW_H
#define ENGINE_WINDOW_H

#include "base/hash.h"
#include "plan/plan.h"
#include "store/client.h"

enum { WINDOW_IDLE_S = 7 * 86400 };
/* For `after`: who reads alone need not wait for a turn. */
#define WINDOW_NO_TURN UINT64_MAX

/* A kept event; with is_clock the state of a partition's clock (time_ms: of the event before,
 * until_ms: the clock). */
struct window_row {
    uint64_t partition;
    struct u128 key;
    int64_t time_ms, until_ms;
    bool is_clock;
};

struct window_rows {
    struct window_row *items;
    size_t n, cap;
};
void window_rows_add(struct window_rows *rows, struct window_row row);

struct window_clock {
    int64_t now_ms, previous_ms; /* 0: no event came yet */
};

struct window;
struct window_part;

/* store: a connection to read by, used under the window's lock; must outlive the window; NULL: it
 * begins empty and stays by itself (a retry). before_n:
 * only epochs before this one count (recovery), 0: all. first_new: partitions from this number on
 * are in no epoch yet. stop: ends waiting for a store that is down; may be NULL. */
struct window_options {
    struct store *store;
    uint64_t before_n, first_new;
    const _Atomic bool *stop;
};
struct window *window_new(const struct plan_source *source, const struct plan_settings *settings,
                          const struct window_options *options);
void window_free(struct window *w); /* NULL is fine */
/* A new epoch gathers; the last but one is stored, so what neither used may leave the memory. */
void window_next_epoch(struct window *w);
size_t window_bytes(const struct window *w); /* any thread */

/* Waits until all records before `after` are decided, and has the partition in memory. On failure
 * the partition is not entered, and its turn has not passed. */
MUST_CHECK enum err_code window_enter(struct window *w, uint64_t partition, uint64_t after,
                                      int64_t now, struct window_part **ret, struct err *e);
/* All records up to `to` are decided: the next chunk's turn. */
void window_leave(struct window *w, struct window_part *p, uint64_t to);
/* The same for a chunk that was not entered because it failed: nobody waits for it. */
void window_give_up(struct window *w, uint64_t partition, uint64_t after, uint64_t to);

/* Judges rows 0..n in order; those with is_out[i] != 0 are passed over. is_duplicate[i] is written
 * for the others; kept ones are added to `kept`. ERR_LIMIT: more than may be remembered. */
struct window_input {
    const struct u128 *keys;
    const int64_t *times_ms;
    const uint8_t *is_out;
    size_t n;
};
MUST_CHECK enum err_code window_judge(struct window *w, struct window_part *p,
                                      const struct window_input *in, uint8_t *is_duplicate,
                                      struct window_rows *kept, struct err *e);
struct window_clock window_clock(const struct window_part *p);

/* Takes from weir_window what no epoch can need after the done ones: chain rows up to done_n are
 * done, the last of them at done_now. Cheap when little was written since. owner: the storing
 * thread, with its own connection. */
MUST_CHECK enum err_code window_prune(struct window *w, struct store *s, uint64_t done_n,
                                      int64_t done_now, size_t n_written, struct err *e);

#endif
