/* SPDX-License-Identifier: Apache-2.0
 *
 * Recovery: reading again exactly what an intent names. The file is looked for by content
 * wherever it may be now; an open cursor is kept from piece to piece, so a compressed file is
 * decompressed once. */
#include "source/file_priv.h"

static bool try_path(struct file_set *s, const struct file_mark *mark, const char *path,
                     struct err *e)
{
    struct reader *r = &s->range.reader;
    struct match_result result;
    if (path == NULL || reader_open(r, path, e) != ERR_OK)
        return false;
    if (identity_match(r, mark, s->scratch, &result, e) == ERR_OK && result.match == MATCH_FULL)
        return true;
    reader_close(r);
    return false;
}

/* The names are tried from the likeliest to all. */
static enum err_code find_file(struct file_set *s, const struct file_mark *mark, struct err *e)
{
    for (size_t i = 0; i < s->n_files; i++) {
        struct file *f = s->files[i];
        if (atomic_load(&f->partition) != mark->partition)
            continue;
        if ((f->name != NULL && try_path(s, mark, f->name->path, e)) ||
            (f->home != NULL && f->home != f->name && try_path(s, mark, f->home->path, e)))
            return ERR_OK;
    }
    if (try_path(s, mark, mark->path, e))
        return ERR_OK;
    for (size_t i = 0; i < s->n_entries; i++)
        if (s->entries[i]->role != ROLE_GONE && try_path(s, mark, s->entries[i]->path, e))
            return ERR_OK;
    return err_set(e, ERR_NOT_FOUND,
                   "the content of %s, read up to byte %llu, is in no file of source %s",
                   mark->path, (unsigned long long)mark->position, s->spec.name);
}

static enum err_code range_open(struct file_set *s, const struct file_mark *mark, uint64_t from,
                                struct err *e)
{
    cursor_done(&s->range);
    TRY(find_file(s, mark, e));
    struct content content;
    TRY(content_look(&s->range.reader, &s->spec, s->scratch, &content, e));
    free(s->range_header);
    s->range_header = content.header.p ? xstrndup(content.header.p, content.header.n) : NULL;
    s->range_partition = mark->partition;
    s->range.is_header_known = false;
    return cursor_seek(&s->range, &s->spec, from, e);
}

enum err_code file_read_range(struct file_set *s, const struct file_mark *mark, uint64_t from,
                              uint64_t to, struct file_chunk *ret, struct err *e)
{
    struct cursor *c = &s->range;
    if (from < mark->header_bytes)
        from = mark->header_bytes; /* a range from 0 is one from the first record */
    *ret = (struct file_chunk){.partition = mark->partition, .from = from, .to = from};
    if (from >= to) {
        cursor_done(c);
        return ERR_OK;
    }
    bool goes_on =
        reader_is_open(&c->reader) && s->range_partition == mark->partition && c->position == from;
    if (!goes_on)
        TRY(range_open(s, mark, from, e));
    struct chunk_memory *m = pool_take(s);
    if (m == NULL)
        return err_set(e, ERR_UNAVAILABLE, "all chunks of source %s are in use", s->spec.name);
    struct piece p;
    enum err_code code = cursor_next(c, &s->spec, m, to, false, &p, e);
    if (code == ERR_OK && p.n == 0)
        code = err_set(e, ERR_NOT_FOUND, "%s ends before byte %llu", mark->path,
                       (unsigned long long)to);
    if (code != ERR_OK) {
        pool_give(s, m);
        cursor_done(c);
        return code;
    }
    buf_reset(&m->path);
    buf_text(&m->path, mark->path);
    *ret = (struct file_chunk){
        .partition = mark->partition,
        .from = p.from,
        .to = p.to,
        .data = p.data,
        .data_bytes = p.n,
        .is_too_long = p.is_too_long,
        .path = buf_cstr(&m->path),
        .header = format_has_state(s->spec.format) ? (struct str){buf_cstr(&m->header), m->header.n}
                                                   : str_of(s->range_header),
        .memory = m,
    };
    return ERR_OK;
}
