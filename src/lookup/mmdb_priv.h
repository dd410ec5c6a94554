/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside a database: its sections and how a value's head is read. Every read is within its
 * section's bounds. */
#ifndef LOOKUP_MMDB_PRIV_H
#define LOOKUP_MMDB_PRIV_H

#include "lookup/mmdb.h"

enum {
    MMDB_POINTER = 1,
    MMDB_SEPARATOR_BYTES = 16, /* between tree and data: zeros */
    MMDB_MAX_DEPTH = 64,       /* maps and arrays within one another, pointers followed */
    MMDB_JUMP_BITS = 16,
};

/* Pointers count from the section's start. */
struct mmdb_section {
    const uint8_t *p;
    uint32_t n;
};

/* `jump` holds what the tree says after the first 16 bits: a node, n_nodes for nothing, or a
 * record. The one of IPv4 starts where an IPv6 tree keeps these addresses, at ::/96. */
struct mmdb {
    struct mmdb_facts facts;
    const uint8_t *tree;
    uint32_t node_bytes;
    struct mmdb_section data;
    uint32_t *jump_ipv4, *jump_ipv6; /* ipv6: NULL in a database of IPv4 */
};

struct mmdb_head {
    uint8_t type;
    uint32_t size; /* a pointer's target */
    uint32_t body; /* where the payload starts; of a pointer: what follows it */
};

static inline uint32_t mmdb_u32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}

/* One side of a node. Reads four bytes, of which the last may lie in the separator. */
static inline uint32_t mmdb_child(const struct mmdb *db, uint32_t node, uint32_t right)
{
    const uint8_t *p = db->tree + (size_t)node * db->node_bytes;
    if (db->facts.record_bits == 24)
        return mmdb_u32(p + 3 * right) >> 8;
    if (db->facts.record_bits == 32)
        return mmdb_u32(p + 4 * right);
    return right ? mmdb_u32(p + 3) & 0xfffffff : mmdb_u32(p) >> 8 | (uint32_t)(p[3] >> 4) << 24;
}

/* False where the head is cut off or of a type that has no meaning. */
bool mmdb_head_at(struct mmdb_section s, uint32_t at, struct mmdb_head *head);

/* The value at `at`, a pointer there followed; `next` (may be NULL) is what follows in place, of
 * maps and arrays their first item. False where there is none. */
bool mmdb_value_at(struct mmdb_section s, uint32_t at, struct mmdb_value *v, uint32_t *next);

/* Steps over a value and all in it; pointers are not followed. */
bool mmdb_skip(struct mmdb_section s, uint32_t at, uint32_t *next);

/* The value of a key of a map. */
bool mmdb_map_get(struct mmdb_section s, struct mmdb_value map, struct str key,
                  struct mmdb_value *ret);
bool mmdb_section_uint(struct mmdb_section s, struct mmdb_value v, uint64_t *ret);

/* A whole section that is one value (metadata). */
MUST_CHECK enum err_code mmdb_check_section(struct mmdb_section s, struct err *e);

/* The tree from its root and every record it names; fills facts.n_records. */
MUST_CHECK enum err_code mmdb_check(struct mmdb *db, struct err *e);

#endif
