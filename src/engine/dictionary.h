/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings to small numbers. Number 0 is NULL; the others count up from 1 in order of arrival and
 * stay until the dictionary is reset.
 *
 * slots    hash -> number, 4 bytes, open addressing at low load: the first place is right nearly
 * always
 *   entries  number -> 16 bytes: a string of up to 15 bytes itself and its length in the last byte;
 *            or, for longer ones, XXH3 of it, its length, 0xff; those have their bytes in `longs`
 *
 * owner: one thread while it interns; then read by any number. */
#ifndef ENGINE_DICTIONARY_H
#define ENGINE_DICTIONARY_H

#include "base/arena.h"
#include "column/batch.h"

enum { DICTIONARY_BATCH = 256, DICTIONARY_SHORT = 15 };

struct dictionary_entry {
    uint64_t low, high;
};

struct dictionary {
    uint32_t n; /* entries in use, with that of NULL */
    uint32_t entries_cap;
    struct dictionary_entry *entries; /* huge pages; moved when it grows */
    uint32_t *slots;
    uint64_t n_slots;
    unsigned shift;     /* hash >> shift = slot */
    uint64_t seed;      /* of slot hashes: nobody can aim strings at one slot */
    const char **longs; /* by number; NULL while there is none */
    uint32_t longs_cap;
    struct arena arena;
    size_t arena_bytes;
};

void dictionary_init(struct dictionary *d);
void dictionary_done(struct dictionary *d);
void dictionary_reset(struct dictionary *d);
size_t dictionary_bytes(const struct dictionary *d);

/* ids[i] = number of c's value in row rows[i] (NULL = first + i). n at most DICTIONARY_BATCH. */
void dictionary_intern(struct dictionary *d, const struct column *c, const uint32_t *rows,
                       size_t first, size_t n, uint32_t *ids);

/* Text of number id > 0; lives until the dictionary changes. */
struct str dictionary_text(const struct dictionary *d, uint32_t id);
/* The same text has the same hash in every dictionary and process. */
uint64_t dictionary_hash(const struct dictionary *d, uint32_t id);
bool dictionary_same_text(const struct dictionary *x, uint32_t x_id, const struct dictionary *y,
                          uint32_t y_id);

/* For tests: keys as on a machine without AVX-512. */
void dictionary_use_plain(bool plain);

#endif
