/* SPDX-License-Identifier: Apache-2.0
 *
 * The lookups of a process: their current versions, and which versions an epoch reads.
 *
 *   files ─load─▶ version ─swap─▶ current ─lookups_pin─▶ pin of an epoch ─▶ frames of its workers
 *                                             └─ lookup_pin_store ─▶ weir_lookups, before the intent names it
 *   intent ─lookup_pin_recover─▶ the same versions out of weir_lookups, whatever the files are now
 *
 * A version is one reading of a lookup's files, named by the hash of their bytes; it does not change.
 * A file that changed becomes the next version once it rests and is whole and right; until then the
 * one before stays, and `problem` says why. docs/formats/tables.md: weir_lookups. */
#ifndef ENGINE_LOOKUPS_H
#define ENGINE_LOOKUPS_H

#include "plan/plan.h"
#include "store/client.h"

struct lookups;
struct lookup_version;

/* The versions that an epoch reads, by number of the lookup in the plan; NULL: not read. Zeroed:
 * none. */
struct lookup_pin {
    const struct lookup_table **tables; /* for frame_lookups */
    struct lookup_version **versions;
    size_t n;
};
void lookup_pin_done(struct lookup_pin *p);

/* Loads every lookup that a source of the plan reads (only_source: that source; NULL: any). One
 * whose files cannot be loaded takes the version that the last epoch read, if the store has it; else
 * that is the failure. The plan must outlive it. */
MUST_CHECK enum err_code lookups_open(struct lookups **ret, const struct plan *plan,
                                      const char *only_source, struct store *s, struct err *e);
/* Looks after the files and drops old versions from the store, in a thread of its own, until
 * lookups_close. */
MUST_CHECK enum err_code lookups_watch(struct lookups *l, const struct store_place *place,
                                       struct err *e);
/* Drops from the store what nobody needs any more, once. A failure is logged: the next time does. */
void lookups_clean(struct lookups *l, struct store *s);
void lookups_close(struct lookups *l); /* NULL is fine */

/* What an epoch that begins now reads. any thread */
void lookups_pin(struct lookups *l, const struct plan_source *source, struct lookup_pin *ret);

/* As the intent has them: a line each, name TAB hash. */
void lookup_pin_print(const struct lookup_pin *p, struct buf *out);

/* Afterwards the store has them all, and keeps them at least until an intent that is written next
 * names them. */
MUST_CHECK enum err_code lookup_pin_store(const struct lookup_pin *p, struct store *s,
                                          const char *database, struct err *e);

/* The versions of an intent, by the plan of its generation. `now`: of the process, may be NULL:
 * what it holds is not read from the store. */
MUST_CHECK enum err_code lookup_pin_recover(struct lookup_pin *ret, struct lookups *now,
                                            const struct plan *plan,
                                            const struct plan_source *source, struct store *s,
                                            struct str text, struct err *e);

/* For people and for `weir status`. Copied out. any thread */
struct lookup_status {
    struct str name;
    const char *layout;
    char hash[33];
    uint64_t rows, duplicates;
    size_t file_bytes, table_bytes;
    int64_t loaded_s;   /* UTC */
    char problem[1100]; /* why a newer version is not there; empty: well */
};
size_t lookups_count(const struct lookups *l); /* NULL: 0 */
void lookups_status(struct lookups *l, size_t i, struct lookup_status *ret);
/* A line for each: the files that are there now, without loading them. */
void lookups_print_files(const struct plan *plan, struct buf *out);
/* How many have not the version that their files should give. */
size_t lookups_count_bad(struct lookups *l);
/* A line for each: rows, memory. */
void lookups_print(struct lookups *l, struct buf *out);

#endif
