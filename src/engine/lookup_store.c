/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of weir_lookups: pieces of a version's bytes, and now and then a row without bytes that says it
 * is in use (piece = IN_USE). */
#include "engine/lookup_store.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "codec/native.h"
#include "lang/parse.h"
#include "lookup/files.h"

enum { PIECE_BYTES = 32 << 20 };
#define IN_USE UINT32_MAX

static void put_condition(struct buf *sql, struct lookup_name name)
{
    buf_text(sql, " WHERE lookup = ");
    print_string_literal(sql, name.lookup);
    buf_printf(sql, " AND hash = '%s'", name.hash);
}

static void put_text_column(struct buf *body, const char *name, struct str value)
{
    native_column_head(body, name, "String");
    buf_varuint(body, value.n);
    buf_str(body, value);
}

static enum err_code put_piece(struct store *s, const char *database, struct lookup_name name,
                               uint32_t piece, uint32_t n_pieces, struct str data, struct err *e)
{
    AUTO_DONE(buf) body = {0};
    AUTO_MEM char *sql =
        xasprintf("INSERT INTO %s.weir_lookups (lookup, hash, piece, pieces, data) SETTINGS "
                  "async_insert = 0, insert_deduplicate = 0, deduplicate_insert = 'disable', "
                  "max_insert_block_size = 4000000 FORMAT Native",
                  database);
    native_block(&body, 5, 1);
    put_text_column(&body, "lookup", name.lookup);
    put_text_column(&body, "hash", str_of(name.hash));
    native_column_head(&body, "piece", "UInt32");
    buf_u32(&body, piece);
    native_column_head(&body, "pieces", "UInt32");
    buf_u32(&body, n_pieces);
    put_text_column(&body, "data", data);
    return store_call(s, &(struct store_call){.sql = sql, .body = buf_view(&body)}, e);
}

static enum err_code is_whole(struct store *s, const char *database, struct lookup_name name,
                              bool *ret, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    buf_printf(&sql, "SELECT count() > 0 AND uniqExact(piece) = max(pieces) FROM %s.weir_lookups",
               database);
    put_condition(&sql, name);
    buf_printf(&sql, " AND piece != %u", IN_USE);
    TRY(store_text(s, buf_cstr(&sql), &answer, e));
    *ret = strtol(buf_cstr(&answer), NULL, 10) != 0;
    return ERR_OK;
}

enum err_code lookup_store_put(struct store *s, const char *database, struct lookup_name name,
                               struct str bytes, struct err *e)
{
    bool is_there = false;
    TRY(is_whole(s, database, name, &is_there, e));
    if (is_there) {
        /* First the sign, then the look: who drops old versions looks for the sign. */
        TRY(put_piece(s, database, name, IN_USE, 0, STR(""), e));
        TRY(is_whole(s, database, name, &is_there, e));
    }
    if (is_there)
        return ERR_OK;
    uint32_t n = (uint32_t)((bytes.n + PIECE_BYTES - 1) / PIECE_BYTES);
    for (uint32_t i = 0; i < n; i++) {
        size_t at = (size_t)i * PIECE_BYTES;
        size_t length = bytes.n - at < PIECE_BYTES ? bytes.n - at : PIECE_BYTES;
        TRY(put_piece(s, database, name, i, n, (struct str){bytes.p + at, length}, e));
    }
    log_info("lookup", "stored", "lookup=%.*s hash=%s bytes=%zu", STR_FMT(name.lookup), name.hash,
             bytes.n);
    return ERR_OK;
}

enum err_code lookup_store_get(struct store *s, const char *database, struct lookup_name name,
                               struct buf *bytes, struct err *e)
{
    char hash[LOOKUP_HASH_TEXT];
    uint64_t n_pieces = 1;
    for (uint64_t i = 0; i < n_pieces; i++) {
        AUTO_DONE(buf) sql = {0};
        struct native_result r = {0};
        buf_printf(&sql, "SELECT toUInt64(pieces), data FROM %s.weir_lookups", database);
        put_condition(&sql, name);
        buf_printf(&sql, " AND piece = %" PRIu64 " LIMIT 1", i);
        TRY(store_native(s, buf_cstr(&sql), &r, e));
        if (r.n_rows == 1) {
            n_pieces = ((uint64_t *)r.columns[0].column.values)[0];
            buf_str(bytes, ((struct str *)r.columns[1].column.values)[0]);
        } else {
            n_pieces = 0;
        }
        native_result_done(&r);
    }
    if (n_pieces > 0) {
        lookup_files_hash(buf_view(bytes), hash);
        if (strcmp(hash, name.hash) == 0)
            return ERR_OK;
    }
    return err_set(e, ERR_NOT_FOUND, "version %s of lookup '%.*s' is not in weir_lookups%s",
                   name.hash, STR_FMT(name.lookup), n_pieces ? " as it was written" : "");
}

enum err_code lookup_store_last(struct store *s, const char *database, struct str lookup,
                                char *hash, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    struct native_result r = {0};
    *hash = '\0';
    buf_printf(&sql, "SELECT lookups FROM %s.weir_epochs WHERE startsWith(lookups, concat(",
               database);
    print_string_literal(&sql, lookup);
    buf_text(&sql, ", '\\t')) OR position(lookups, concat('\\n', ");
    print_string_literal(&sql, lookup);
    buf_text(&sql, ", '\\t')) > 0 ORDER BY now DESC, n DESC LIMIT 1");
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    struct str text = r.n_rows ? ((struct str *)r.columns[0].column.values)[0] : STR("");
    struct str name, found;
    while (lookup_name_next(&text, &name, &found))
        if (str_eq(name, lookup) && found.n < LOOKUP_HASH_TEXT)
            snprintf(hash, LOOKUP_HASH_TEXT, "%.*s", STR_FMT(found));
    native_result_done(&r);
    return ERR_OK;
}

static enum err_code drop(struct store *s, const char *database, struct str lookup, struct str hash,
                          struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    buf_printf(&sql, "ALTER TABLE %s.weir_lookups DROP PARTITION (", database);
    print_string_literal(&sql, lookup);
    buf_text(&sql, ", ");
    print_string_literal(&sql, hash);
    buf_text(&sql, ")");
    return store_exec(s, buf_cstr(&sql), e);
}

enum err_code lookup_store_clean(struct store *s, const char *database,
                                 const struct lookup_name *held, size_t n_held, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    struct native_result r = {0};
    buf_printf(&sql,
               "SELECT lookup, hash FROM %s.weir_lookups WHERE (lookup, hash) NOT IN (('', '')",
               database);
    for (size_t i = 0; i < n_held; i++) {
        buf_text(&sql, ", (");
        print_string_literal(&sql, held[i].lookup);
        buf_printf(&sql, ", '%s')", held[i].hash);
    }
    buf_printf(&sql,
               ") AND concat(lookup, '\\t', hash) NOT IN (SELECT arrayJoin(splitByChar('\\n', "
               "lookups)) FROM %s.weir_epochs AS c WHERE lookups != '' AND kind != 'checkpoint' "
               "AND (c.now > now() - %d OR (source, n) NOT IN (SELECT source, n FROM "
               "%s.weir_ledger))) GROUP BY lookup, hash HAVING max(written) < now() - %d",
               database, LOOKUP_STAYS_S, database, LOOKUP_STAYS_S);
    TRY(store_native(s, buf_cstr(&sql), &r, e));
    enum err_code code = ERR_OK;
    for (size_t i = 0; i < r.n_rows && code == ERR_OK; i++)
        code = drop(s, database, ((struct str *)r.columns[0].column.values)[i],
                    ((struct str *)r.columns[1].column.values)[i], e);
    native_result_done(&r);
    return code;
}

bool lookup_name_next(struct str *text, struct str *lookup, struct str *hash)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    const char *tab = text->n ? memchr(text->p, '\t', text->n) : NULL;
    if (end == NULL || tab == NULL || tab > end)
        return false;
    *lookup = (struct str){text->p, (size_t)(tab - text->p)};
    *hash = (struct str){tab + 1, (size_t)(end - tab - 1)};
    *text = (struct str){end + 1, text->n - (size_t)(end + 1 - text->p)};
    return true;
}
