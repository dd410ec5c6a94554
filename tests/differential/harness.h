/* SPDX-License-Identifier: Apache-2.0
 *
 * What the comparisons with ClickHouse share: libchdb in this process, and a random number generator whose
 * seed repeats a run. One thread. */
#ifndef DIFFERENTIAL_HARNESS_H
#define DIFFERENTIAL_HARNESS_H

#include "base/buf.h"

enum { SKIPPED = 77 }; /* exit code: libchdb is not here */

/* Looked for in WEIR_LIBCHDB, then in the cache. `folder` NULL: nothing is kept. False: it is not here. */
bool chdb_open(const char *folder);
void chdb_close(void);
/* True and the answer, or false and the exception's first line. */
bool chdb_ask(struct buf *answer, struct str sql, const char *format);
/* Ends the program, with statement and exception, where it fails. */
void chdb_must(const char *sql);
/* Queries so far. */
uint64_t chdb_queries(void);

void random_seed(uint64_t seed);
uint64_t random_u64(void);
unsigned below(unsigned n);
bool chance(unsigned percent);

#endif
