/* SPDX-License-Identifier: Apache-2.0
 *
 * Networks to rows: the longest prefix that an address lies in wins. Prefixes within one another are
 * flattened into runs of addresses that do not overlap, so that a search is one step into a table
 * by the first bits and a short binary search. IPv4 is ::ffff:0:0/96, as in ClickHouse: an IPv6
 * prefix may hold IPv4 addresses. Does not change once made. */
#ifndef LOOKUP_IP_TRIE_H
#define LOOKUP_IP_TRIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct ip_prefix {
    unsigned __int128 address; /* IPv4: ::ffff:a.b.c.d; bits behind the prefix are zero */
    uint8_t bits;              /* 0..128; IPv4: 96 more than written */
    uint32_t row;
};

/* '10.0.0.0/8', '2001:db8::/32', '192.168.1.1': NULL, or what is wrong. Bits behind the prefix are
 * dropped, as in ClickHouse. */
const char *ip_prefix_parse(struct ip_prefix *ret, struct str text);

struct ip_trie;
/* Of equal prefixes the first one stays; *n_dropped counts the others. Sorts `prefixes`. */
struct ip_trie *ip_trie_new(struct ip_prefix *prefixes, size_t n, uint64_t *n_dropped);
void ip_trie_free(struct ip_trie *t);
size_t ip_trie_bytes(const struct ip_trie *t);

/* UINT32_MAX where an address lies in none. IPv4 as numbers, IPv6 as 16 bytes in network order. */
void ip_trie_find_ipv4(const struct ip_trie *t, const uint32_t *addresses, size_t n,
                       uint32_t *rows);
void ip_trie_find_ipv6(const struct ip_trie *t, const uint8_t (*addresses)[16], size_t n,
                       uint32_t *rows);

#endif
