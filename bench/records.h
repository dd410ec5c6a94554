/* SPDX-License-Identifier: Apache-2.0
 *
 * The ten-field record of the benches, from a fixed seed: the same bytes on every run and machine.
 *
 *     timestamp      one a millisecond, "2024-09-05T09:15:00.123Z"
 *     user_id        "user00042", evenly among n_users
 *     client_ip, server_ip
 *     download_bytes, upload_bytes          lognormal
 *     internal_rtt, external_rtt, internal_loss, external_loss    up to three decimals */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include <stdint.h>

#include "base/buf.h"

enum { RECORDS_USERS = 1000 }; /* the usual number */

struct record {
    int64_t time_ms;
    uint32_t user;
    uint8_t client[2], server;
    uint64_t download, upload;
    uint32_t rtt[2], loss[2]; /* thousandths; internal, external */
};

struct record_source {
    uint64_t state;
    int64_t time_ms;
    uint32_t n_users;
};

struct record_source record_source(uint32_t n_users);
struct record record_next(struct record_source *s);

/* Append one record as a line, or the first n of the usual source. */
void record_put_csv(struct buf *out, const struct record *r);
void record_put_json(struct buf *out, const struct record *r);
void records_csv(struct buf *out, size_t n, uint32_t n_users);
void records_json(struct buf *out, size_t n, uint32_t n_users);

/* The columns' names, in order, and their types by name. */
extern const char *const record_names[10];
extern const char *const record_types[10];

#endif
