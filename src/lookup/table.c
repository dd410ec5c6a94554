/* SPDX-License-Identifier: Apache-2.0
 *
 * A version of a lookup, by layout. Keys become numbers (one column of at most 8 bytes) or bytes:
 * a text as it is, 16 bytes as they are, several columns one after the other with the lengths of texts
 * before them. */
#include "lookup/table.h"

#include "codec/inflate.h"
#include "column/compound.h"
#include "lookup/files.h"
#include "lookup/mmdb_priv.h"
#include "lookup/table_priv.h"

/* ---- keys ---- */

static struct type key_type(const struct lookup_spec *s, size_t k)
{
    return lookup_column_type(s, s->keys[k]);
}

static bool has_number_key(const struct lookup_spec *s)
{
    return s->n_keys == 1 && !type_is_text(key_type(s, 0)) && type_width(key_type(s, 0)) <= 8;
}

/* Values narrower than 8 bytes as numbers: only equality counts, so no sign is extended. */
static void widen(uint64_t *out, const void *values, size_t width, size_t n)
{
    switch (width) {
    case 1:
        for (size_t i = 0; i < n; i++)
            out[i] = ((const uint8_t *)values)[i];
        break;
    case 2:
        for (size_t i = 0; i < n; i++)
            out[i] = ((const uint16_t *)values)[i];
        break;
    case 4:
        for (size_t i = 0; i < n; i++)
            out[i] = ((const uint32_t *)values)[i];
        break;
    default: memcpy(out, values, n * 8);
    }
}

static struct str text_of(struct type t, struct str s)
{
    return t.kind == TYPE_FIXED_STRING ? fixed_string(t, s) : s;
}

static size_t part_bytes(struct type t, const void *value)
{
    return type_is_text(t) ? 4 + text_of(t, *(const struct str *)value).n : type_width(t);
}

static char *put_part(char *to, struct type t, const void *value)
{
    if (!type_is_text(t)) {
        memcpy(to, value, type_width(t));
        return to + type_width(t);
    }
    struct str s = text_of(t, *(const struct str *)value);
    uint32_t n = (uint32_t)s.n;
    memcpy(to, &n, 4);
    if (s.n)
        memcpy(to + 4, s.p, s.n);
    return to + 4 + s.n;
}

/* Row i of the key's columns as bytes. */
static struct str key_bytes(const struct lookup_spec *s, const char *const *values, size_t i,
                            struct arena *scratch)
{
    struct type first = key_type(s, 0);
    if (s->n_keys == 1 && type_is_text(first))
        return text_of(first, ((const struct str *)values[0])[i]);
    if (s->n_keys == 1)
        return (struct str){values[0] + i * type_width(first), type_width(first)};
    size_t n = 0;
    for (size_t k = 0; k < s->n_keys; k++)
        n += part_bytes(key_type(s, k), values[k] + i * type_width(key_type(s, k)));
    char *start = arena_bytes(scratch, n), *to = start;
    for (size_t k = 0; k < s->n_keys; k++)
        to = put_part(to, key_type(s, k), values[k] + i * type_width(key_type(s, k)));
    return (struct str){start, n};
}

/* ---- making ---- */

static void index_numbers(struct lookup_table *t)
{
    const struct lookup_values *key = &t->columns[t->spec->keys[0]];
    t->index = key_index_new(KEY_NUMBERS, t->n_rows);
    for (size_t i = 0; i < t->n_rows; i++) {
        uint64_t number;
        widen(&number, key->values + i * key->width, key->width, 1);
        t->n_duplicates += !key_index_add_number(t->index, number, (uint32_t)i);
    }
}

static enum err_code index_bytes(struct lookup_table *t, struct err *e)
{
    AUTO_DONE(arena) scratch = {0};
    const char *values[LOOKUP_MAX_KEYS];
    for (size_t k = 0; k < t->spec->n_keys; k++)
        values[k] = t->columns[t->spec->keys[k]].values;
    t->index = key_index_new(KEY_BYTES, t->n_rows);
    for (size_t i = 0; i < t->n_rows; i++) {
        struct str key = key_bytes(t->spec, values, i, &scratch);
        if (key.n > UINT32_MAX / 2)
            return err_set(e, ERR_LIMIT, "row %zu: its key is longer than 2 GiB", i + 1);
        t->n_duplicates += !key_index_add_bytes(t->index, key, (uint32_t)i);
        arena_reset(&scratch);
    }
    return ERR_OK;
}

static enum err_code make_trie(struct lookup_table *t, struct err *e)
{
    const struct lookup_values *key = &t->columns[t->spec->keys[0]];
    AUTO_MEM struct ip_prefix *prefixes = xcalloc(t->n_rows + 1, sizeof(*prefixes));
    for (size_t i = 0; i < t->n_rows; i++) {
        struct str text = ((const struct str *)key->values)[i];
        const char *why = ip_prefix_parse(&prefixes[i], text);
        if (why != NULL)
            return err_set(e, ERR_INVALID, "row %zu, '%.*s': %s", i + 1,
                           (int)(text.n < 60 ? text.n : 60), text.p, why);
        prefixes[i].row = (uint32_t)i;
    }
    t->trie = ip_trie_new(prefixes, t->n_rows, &t->n_duplicates);
    return ERR_OK;
}

static enum err_code open_database(struct lookup_table *t, const struct lookup_files *files,
                                   struct err *e)
{
    struct str left = files->bytes, bytes = {0};
    if (!lookup_files_next(&left, &bytes))
        return err_set(e, ERR_INVALID, "there is no database");
    /* A tree may begin like compressed bytes, but those have no mark at their end. */
    enum err_code code = ERR_OK;
    if (compression_of(bytes.p, bytes.n) != COMPRESSION_NONE && !mmdb_has_mark(bytes)) {
        code = lookup_decompress(&t->database, bytes, files->max_bytes, e);
        bytes = buf_view(&t->database);
    }
    if (code == ERR_OK)
        code = mmdb_new(&t->db, bytes, e);
    for (int f = 0; f < GEO_N_FIELDS && code == ERR_OK; f++)
        if (t->spec->fields[f] && !geo_has_field(t->db, (enum geo_field)f))
            code = err_set(e, ERR_INVALID, "no record of this database (%.*s) has a %s",
                           STR_FMT(mmdb_facts(t->db)->database_type),
                           geo_field_name((enum geo_field)f));
    return code == ERR_OK || files->paths == NULL ? code : err_prefix(e, "%s", files->paths[0]);
}

/* Large columns to pages of their own, of which the machine needs fewer entries. */
static void settle_columns(struct lookup_table *t)
{
    enum { LARGE = 1 << 20 };
    for (size_t i = 0; i < t->spec->format.n_fields; i++) {
        struct lookup_values *v = &t->columns[i];
        v->mapped_bytes = t->n_rows * v->width;
        if (v->mapped_bytes < LARGE) {
            v->mapped_bytes = 0;
            continue;
        }
        char *values = xmap(v->mapped_bytes);
        memcpy(values, v->values, v->mapped_bytes);
        free(v->values);
        v->values = values;
    }
}

static enum err_code fill(struct lookup_table *t, const struct lookup_files *files, struct err *e)
{
    if (t->spec->layout == LOOKUP_GEOIP)
        return open_database(t, files, e);
    TRY(lookup_load(t, files, e));
    settle_columns(t);
    if (t->spec->layout == LOOKUP_IP_TRIE)
        return make_trie(t, e);
    if (!has_number_key(t->spec))
        return index_bytes(t, e);
    index_numbers(t);
    return ERR_OK;
}

enum err_code lookup_table_new(struct lookup_table **ret, const struct lookup_spec *spec,
                               const struct lookup_files *files, struct err *e)
{
    AUTO(lookup_table) t = xcalloc(1, sizeof(*t));
    static _Atomic uint64_t last_serial;
    t->spec = spec;
    t->serial = ++last_serial;
    t->columns = xcalloc(spec->format.n_fields + 1, sizeof(*t->columns));
    TRY(fill(t, files, e));
    *ret = MOVE(t);
    return ERR_OK;
}

void lookup_table_free(struct lookup_table *t)
{
    if (t == NULL)
        return;
    for (size_t i = 0; i < t->spec->format.n_fields; i++) {
        if (t->columns[i].mapped_bytes)
            xunmap(t->columns[i].values, t->columns[i].mapped_bytes);
        else
            free(t->columns[i].values);
        free(t->columns[i].nulls);
    }
    free(t->columns);
    key_index_free(t->index);
    ip_trie_free(t->trie);
    mmdb_free(t->db);
    buf_done(&t->database);
    arena_done(&t->arena);
    free(t);
}

uint64_t lookup_table_serial(const struct lookup_table *t)
{
    return t->serial;
}

uint64_t lookup_table_rows(const struct lookup_table *t)
{
    return t->db ? mmdb_facts(t->db)->n_records : t->n_rows;
}

uint64_t lookup_table_duplicates(const struct lookup_table *t)
{
    return t->n_duplicates;
}

size_t lookup_table_bytes(const struct lookup_table *t)
{
    size_t bytes = sizeof(*t) + t->arena.used_bytes;
    for (size_t i = 0; i < t->spec->format.n_fields; i++)
        bytes += t->cap_rows * (t->columns[i].width + t->columns[i].type.is_nullable);
    if (t->index)
        bytes += key_index_bytes(t->index);
    if (t->trie)
        bytes += ip_trie_bytes(t->trie);
    if (t->db)
        bytes += (2 * sizeof(uint32_t) << MMDB_JUMP_BITS) + t->database.n;
    return bytes;
}

/* ---- finding ---- */

static void find_addresses(const struct lookup_table *t, enum type_kind kind, const void *values,
                           size_t n, struct arena *scratch, uint32_t *rows)
{
    bool is_ipv4 = kind != TYPE_IPV6 && kind != TYPE_FIXED_STRING;
    if (kind == TYPE_FIXED_STRING) {
        uint8_t(*bytes)[16] = arena_alloc(scratch, n * 16 + 16);
        memset(bytes, 0, n * 16); /* one of no bytes stands for zeroes */
        for (size_t i = 0; i < n; i++) {
            struct str s = ((const struct str *)values)[i];
            if (s.n == 16)
                memcpy(bytes[i], s.p, 16);
        }
        values = bytes;
    }
    if (t->db && is_ipv4)
        mmdb_find_ipv4(t->db, values, n, rows);
    else if (t->db)
        mmdb_find_ipv6(t->db, values, n, rows);
    else if (is_ipv4)
        ip_trie_find_ipv4(t->trie, values, n, rows);
    else
        ip_trie_find_ipv6(t->trie, values, n, rows);
}

static void find_bytes(const struct lookup_table *t, const struct column *const *keys, size_t n,
                       struct arena *scratch, uint32_t *rows)
{
    const char *values[LOOKUP_MAX_KEYS];
    for (size_t k = 0; k < t->spec->n_keys; k++)
        values[k] = keys[k]->values;
    if (t->spec->n_keys == 1 && key_type(t->spec, 0).kind == TYPE_STRING) {
        key_index_find_bytes(t->index, (const struct str *)values[0], n, rows);
        return;
    }
    struct str *texts = arena_alloc(scratch, (n + 1) * sizeof(*texts));
    for (size_t i = 0; i < n; i++)
        texts[i] = key_bytes(t->spec, values, i, scratch);
    key_index_find_bytes(t->index, texts, n, rows);
}

void lookup_find(const struct lookup_table *t, enum type_kind address,
                 const struct column *const *keys, size_t n, struct arena *scratch, uint32_t *rows)
{
    if (t->spec->layout != LOOKUP_HASHED) {
        find_addresses(t, address, keys[0]->values, n, scratch, rows);
    } else if (!has_number_key(t->spec)) {
        find_bytes(t, keys, n, scratch, rows);
    } else if (type_width(key_type(t->spec, 0)) == 8) {
        key_index_find_numbers(t->index, keys[0]->values, n, rows);
    } else {
        uint64_t *numbers = arena_alloc(scratch, (n + 1) * sizeof(*numbers));
        widen(numbers, keys[0]->values, type_width(key_type(t->spec, 0)), n);
        key_index_find_numbers(t->index, numbers, n, rows);
    }
}

/* ---- values ---- */

enum { AHEAD = 24 };
struct bytes16 {
    uint64_t a, b;
};

static inline uint32_t row_or_first(uint32_t row)
{
    return row == LOOKUP_NONE ? 0 : row;
}

/* Row 0 is read where there is none and masked away, so that no step depends on what was found. */
#define GATHER(T, MASKED)                                                                          \
    do {                                                                                           \
        const T *from = (const T *)v->values;                                                      \
        T *to = values;                                                                            \
        for (size_t i = 0; i < n; i++) {                                                           \
            __builtin_prefetch(&from[row_or_first(rows[i + AHEAD < n ? i + AHEAD : i])]);          \
            uint64_t mask = rows[i] == LOOKUP_NONE ? 0 : ~(uint64_t)0;                             \
            T x = from[row_or_first(rows[i])];                                                     \
            to[i] = MASKED;                                                                        \
        }                                                                                          \
    } while (0)

void lookup_values(const struct lookup_table *t, size_t column, const uint32_t *rows, size_t n,
                   void *values, uint8_t *nulls)
{
    const struct lookup_values *v = &t->columns[column];
    if (t->n_rows == 0) {
        memset(values, 0, n * v->width);
        memset(nulls, 1, n);
        return;
    }
    switch (v->width) {
    case 1: GATHER(uint8_t, (uint8_t)(x & mask)); break;
    case 2: GATHER(uint16_t, (uint16_t)(x & mask)); break;
    case 4: GATHER(uint32_t, (uint32_t)(x & mask)); break;
    case 8: GATHER(uint64_t, x & mask); break;
    default: GATHER(struct bytes16, ((struct bytes16){x.a & mask, x.b & mask})); break;
    }
    for (size_t i = 0; i < n; i++)
        nulls[i] = rows[i] == LOOKUP_NONE;
    for (size_t i = 0; v->nulls && i < n; i++)
        nulls[i] |= rows[i] != LOOKUP_NONE && v->nulls[rows[i]];
    /* The filler of an enum is its lowest value, not 0, which may have no name. */
    for (size_t i = 0; type_is_enum(v->type) && i < n; i++)
        if (nulls[i])
            value_default(v->type, (char *)values + i * v->width);
}
