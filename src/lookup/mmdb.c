/* SPDX-License-Identifier: Apache-2.0
 *
 * Databases in MaxMind's form: metadata, tables for the first bits, the ways down the tree.
 *
 *   | tree: n_nodes × 2 × record_bits | 16 zeros | data … | marker | metadata |
 *
 * A number in the tree is a node if below n_nodes, nothing if equal, else 16 + n_nodes + the
 * record's place in the data. */
#include "lookup/mmdb_priv.h"

enum {
    METADATA_WITHIN = 128 << 10, /* of the file's end: the format says so */
    GROUP = 16,                  /* addresses that go down the tree together */
};

#define MAX_TIME_S 4294967295u /* the last second that DateTime holds */

static const char marker[] = "\xab\xcd\xefMaxMind.com";

/* ---- metadata ---- */

static enum err_code metadata_uint(struct mmdb_section meta, const char *key, uint64_t max,
                                   uint64_t *ret, struct err *e)
{
    struct mmdb_value map, v;
    if (!mmdb_value_at(meta, 0, &map, NULL) || !mmdb_map_get(meta, map, str_of(key), &v))
        return err_set(e, ERR_INVALID, "metadata has no %s", key);
    if (v.type == MMDB_BOOL || !mmdb_section_uint(meta, v, ret) || *ret > max)
        return err_set(e, ERR_INVALID, "%s is not a number up to %llu", key,
                       (unsigned long long)max);
    return ERR_OK;
}

/* Last one wins: data may hold the marker's bytes too. */
static const uint8_t *find_marker(struct str bytes)
{
    size_t n = sizeof(marker) - 1, from = bytes.n > METADATA_WITHIN ? bytes.n - METADATA_WITHIN : 0;
    const char *last = NULL, *end = bytes.p + bytes.n;
    for (const char *p = bytes.p + from; p && (p = memmem(p, (size_t)(end - p), marker, n)); p++)
        last = p;
    return (const uint8_t *)last;
}

static enum err_code read_metadata(struct mmdb *db, struct mmdb_section meta, struct err *e)
{
    struct mmdb_value map, v;
    uint64_t major, n_nodes, bits, version;

    if (mmdb_check_section(meta, e) != ERR_OK)
        return err_prefix(e, "metadata");
    if (!mmdb_value_at(meta, 0, &map, NULL) || map.type != MMDB_MAP)
        return err_set(e, ERR_INVALID, "metadata is no map");
    TRY(metadata_uint(meta, "binary_format_major_version", UINT16_MAX, &major, e));
    TRY(metadata_uint(meta, "node_count", UINT32_MAX, &n_nodes, e));
    TRY(metadata_uint(meta, "record_size", UINT16_MAX, &bits, e));
    TRY(metadata_uint(meta, "ip_version", UINT16_MAX, &version, e));
    if (major != 2)
        return err_set(e, ERR_INVALID, "version %u of the format; only 2 is known",
                       (unsigned)major);
    if (bits != 24 && bits != 28 && bits != 32)
        return err_set(e, ERR_INVALID, "record_size is %u, not 24, 28 or 32", (unsigned)bits);
    if (version != 4 && version != 6)
        return err_set(e, ERR_INVALID, "ip_version is %u, not 4 or 6", (unsigned)version);
    if (n_nodes == 0)
        return err_set(e, ERR_INVALID, "the tree has no nodes");
    db->facts.n_nodes = (uint32_t)n_nodes;
    db->facts.record_bits = (uint16_t)bits;
    db->facts.ip_version = (uint16_t)version;
    if (mmdb_map_get(meta, map, STR("build_epoch"), &v))
        TRY(metadata_uint(meta, "build_epoch", MAX_TIME_S, &db->facts.build_epoch_s, e));
    if (mmdb_map_get(meta, map, STR("database_type"), &v) && v.type == MMDB_STRING)
        db->facts.database_type = (struct str){(const char *)meta.p + v.at, v.size};
    return ERR_OK;
}

/* ---- tables ---- */

static void fill_jump(const struct mmdb *db, uint32_t *jump, uint32_t to, int depth,
                      uint32_t prefix)
{
    if (depth < MMDB_JUMP_BITS && to < db->facts.n_nodes) {
        fill_jump(db, jump, mmdb_child(db, to, 0), depth + 1, prefix << 1);
        fill_jump(db, jump, mmdb_child(db, to, 1), depth + 1, prefix << 1 | 1);
        return;
    }
    uint32_t n = 1u << (MMDB_JUMP_BITS - depth);
    for (uint32_t i = 0; i < n; i++)
        jump[prefix * n + i] = to;
}

static void make_jumps(struct mmdb *db)
{
    size_t bytes = sizeof(uint32_t) << MMDB_JUMP_BITS;
    uint32_t root = 0;
    db->jump_ipv4 = xmalloc(bytes);
    if (db->facts.ip_version == 6) {
        db->jump_ipv6 = xmalloc(bytes);
        fill_jump(db, db->jump_ipv6, 0, 0, 0);
        for (int i = 0; i < 96 && root < db->facts.n_nodes; i++)
            root = mmdb_child(db, root, 0);
    }
    fill_jump(db, db->jump_ipv4, root, 0, 0);
}

static enum err_code open_sections(struct mmdb *db, struct str bytes, struct err *e)
{
    static const uint8_t zeros[MMDB_SEPARATOR_BYTES];
    const uint8_t *start = (const uint8_t *)bytes.p, *mark = find_marker(bytes);
    if (bytes.n >= UINT32_MAX)
        return err_set(e, ERR_LIMIT, "a database of %zu bytes; below 4 GiB is read", bytes.n);
    if (!mark)
        return err_set(e, ERR_INVALID, "no MaxMind database: its mark is not in the last 128 KiB");
    const uint8_t *meta = mark + sizeof(marker) - 1;
    TRY(read_metadata(db, (struct mmdb_section){meta, (uint32_t)(start + bytes.n - meta)}, e));

    uint64_t tree_bytes = (uint64_t)db->facts.n_nodes * db->facts.record_bits / 4,
             before = (uint64_t)(mark - start);
    if (tree_bytes + MMDB_SEPARATOR_BYTES > before)
        return err_set(e, ERR_INVALID,
                       "a tree of %u nodes cannot be in the %llu bytes before metadata",
                       db->facts.n_nodes, (unsigned long long)before);
    if (memcmp(start + tree_bytes, zeros, sizeof(zeros)) != 0)
        return err_set(e, ERR_INVALID, "no 16 zeros after the tree of %u nodes", db->facts.n_nodes);
    db->tree = start;
    db->node_bytes = db->facts.record_bits / 4;
    db->data.p = start + tree_bytes + MMDB_SEPARATOR_BYTES;
    db->data.n = (uint32_t)(before - tree_bytes - MMDB_SEPARATOR_BYTES);
    return ERR_OK;
}

bool mmdb_has_mark(struct str bytes)
{
    return find_marker(bytes) != NULL;
}

enum err_code mmdb_new(struct mmdb **ret, struct str bytes, struct err *e)
{
    AUTO(mmdb) db = xcalloc(1, sizeof(*db));
    TRY(open_sections(db, bytes, e));
    TRY(mmdb_check(db, e));
    make_jumps(db);
    *ret = MOVE(db);
    return ERR_OK;
}

void mmdb_free(struct mmdb *db)
{
    if (db) {
        free(db->jump_ipv4);
        free(db->jump_ipv6);
    }
    free(db);
}

const struct mmdb_facts *mmdb_facts(const struct mmdb *db)
{
    return &db->facts;
}

/* ---- finding ---- */

static void to_records(const struct mmdb *db, const uint32_t *to, size_t n, uint32_t *records)
{
    uint32_t first = db->facts.n_nodes + MMDB_SEPARATOR_BYTES;
    for (size_t k = 0; k < n; k++)
        records[k] = to[k] > db->facts.n_nodes ? to[k] - first : MMDB_NONE;
}

static void find_ipv4_group(const struct mmdb *db, const uint32_t *addresses, size_t n,
                            uint32_t *records)
{
    uint32_t to[GROUP], n_nodes = db->facts.n_nodes;
    for (size_t k = 0; k < n; k++)
        to[k] = db->jump_ipv4[addresses[k] >> (32 - MMDB_JUMP_BITS)];
    for (int bit = 31 - MMDB_JUMP_BITS; bit >= 0; bit--) {
        bool any = false;
        for (size_t k = 0; k < n; k++) {
            if (to[k] < n_nodes) {
                to[k] = mmdb_child(db, to[k], addresses[k] >> bit & 1);
                any = true;
            }
        }
        if (!any)
            break;
    }
    to_records(db, to, n, records);
}

void mmdb_find_ipv4(const struct mmdb *db, const uint32_t *addresses, size_t n, uint32_t *records)
{
    for (size_t i = 0; i < n; i += GROUP)
        find_ipv4_group(db, addresses + i, n - i < GROUP ? n - i : GROUP, records + i);
}

static void find_ipv6_group(const struct mmdb *db, const uint8_t (*addresses)[16], size_t n,
                            uint32_t *records)
{
    uint32_t to[GROUP], n_nodes = db->facts.n_nodes;
    for (size_t k = 0; k < n; k++)
        to[k] = db->jump_ipv6[addresses[k][0] << 8 | addresses[k][1]];
    for (int bit = MMDB_JUMP_BITS; bit < 128; bit++) {
        bool any = false;
        for (size_t k = 0; k < n; k++) {
            if (to[k] < n_nodes) {
                to[k] = mmdb_child(db, to[k], addresses[k][bit / 8] >> (7 - bit % 8) & 1);
                any = true;
            }
        }
        if (!any)
            break;
    }
    to_records(db, to, n, records);
}

void mmdb_find_ipv6(const struct mmdb *db, const uint8_t (*addresses)[16], size_t n,
                    uint32_t *records)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    for (size_t i = 0; i < n; i += GROUP) {
        size_t n_group = n - i < GROUP ? n - i : GROUP;
        if (db->jump_ipv6)
            find_ipv6_group(db, addresses + i, n_group, records + i);
        for (size_t k = i; k < i + n_group; k++) {
            uint32_t ipv4 = mmdb_u32(addresses[k] + 12);
            if (memcmp(addresses[k], mapped, sizeof(mapped)) == 0)
                find_ipv4_group(db, &ipv4, 1, records + k);
            else if (!db->jump_ipv6)
                records[k] = MMDB_NONE;
        }
    }
}
