/* SPDX-License-Identifier: Apache-2.0
 *
 * A writer of small MaxMind databases for tests: a tree that grows by one network after another, data as the caller
 * writes it, metadata. */
#ifndef TESTS_MMDB_MAKE_H
#define TESTS_MMDB_MAKE_H

#include "base/buf.h"

enum { MAKE_MAX_NODES = 20000 };

/* A side of a node: 0 nothing, 1 + place in the data, or -1 - node. */
struct mmdb_make {
    int version, bits;
    int32_t nodes[MAKE_MAX_NODES][2];
    int n_nodes;
    struct buf data;
};

/* The network of the first `length` bits; what it held before is gone. */
static inline void make_network(struct mmdb_make *m, const uint8_t *address, int length, uint32_t record)
{
    int node = 0;
    m->n_nodes += m->n_nodes == 0;
    for (int i = 0; i < length; i++) {
        int32_t *side = &m->nodes[node][address[i / 8] >> (7 - i % 8) & 1];
        if (i == length - 1) {
            *side = (int32_t)record + 1;
        } else {
            if (*side >= 0) {
                m->nodes[m->n_nodes][0] = m->nodes[m->n_nodes][1] = *side;
                *side = -1 - m->n_nodes++;
            }
            node = -1 - *side;
        }
    }
}

static inline void make_key(struct buf *b, const char *key)
{
    buf_byte(b, (uint8_t)(2 << 5 | strlen(key)));
    buf_text(b, key);
}

static inline void make_uint(struct buf *b, int type, uint64_t v)
{
    int n = type == 5 ? 2 : type == 6 ? 4 : 8;
    if (type == 9) {
        buf_byte(b, (uint8_t)n);
        buf_byte(b, 2);
    } else {
        buf_byte(b, (uint8_t)(type << 5 | n));
    }
    while (n-- > 0)
        buf_byte(b, (uint8_t)(v >> 8 * n));
}

static inline void make_double(struct buf *b, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, 8);
    buf_byte(b, 3 << 5 | 8);
    for (int i = 7; i >= 0; i--)
        buf_byte(b, (uint8_t)(bits >> 8 * i));
}

/* Appends the file. */
static inline void make_file(struct buf *out, const struct mmdb_make *m)
{
    for (int i = 0; i < m->n_nodes; i++) {
        uint32_t v[2];
        for (int k = 0; k < 2; k++) {
            int32_t side = m->nodes[i][k];
            v[k] = side < 0 ? (uint32_t)(-1 - side) : (uint32_t)m->n_nodes + (side ? 15 + (uint32_t)side : 0);
        }
        uint64_t node = m->bits == 28 ? ((uint64_t)(v[0] & 0xffffff) << 8 | v[0] >> 24 << 4 | v[1] >> 24) << 24 |
                                            (v[1] & 0xffffff)
                                      : (uint64_t)v[0] << m->bits | v[1];
        for (int k = m->bits / 4 - 1; k >= 0; k--)
            buf_byte(out, (uint8_t)(node >> 8 * k));
    }
    buf_put(out, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    buf_str(out, buf_view(&m->data));
    buf_text(out, "\xab\xcd\xefMaxMind.com\xe5");
    make_key(out, "node_count");
    make_uint(out, 6, (uint64_t)m->n_nodes);
    make_key(out, "record_size");
    make_uint(out, 5, (uint64_t)m->bits);
    make_key(out, "ip_version");
    make_uint(out, 5, (uint64_t)m->version);
    make_key(out, "build_epoch");
    make_uint(out, 9, 1700000000);
    make_key(out, "binary_format_major_version");
    make_uint(out, 5, 2);
}

#endif
