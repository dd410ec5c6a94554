/* SPDX-License-Identifier: Apache-2.0 */
#include "source/identity.h"

#include <stdio.h>

/* First bytes of what people take for text files, and the command that makes it one. */
static const struct {
    struct str magic;
    const char *text;
} foreign[] = {
    {{"\xff\xfe", 2},
     "is UTF-16 (little endian), not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 IN > OUT"},
    {{"\xfe\xff", 2},
     "is UTF-16 (big endian), not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 IN > OUT"},
    {{"PK\x03\x04", 4},
     "is a zip archive or an Excel workbook; unpack it: unzip -p IN > OUT; a workbook (.xlsx): "
     "libreoffice --headless --convert-to csv IN"},
    {{"PK\x05\x06", 4}, "is an empty zip archive"},
    {{"PAR1\x15", 5},
     "is Parquet; convert it: clickhouse-local -q \"SELECT * FROM file('IN', Parquet) INTO OUTFILE "
     "'OUT.csv' FORMAT CSVWithNames\""},
    {{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8},
     "is an old Excel workbook; convert it: libreoffice --headless "
     "--convert-to csv IN"},
    {{"\xfd"
      "7zXZ\x00",
      6},
     "is compressed by xz; convert it: xz -dc IN | zstd > OUT.zst"},
};

static const char *foreign_text(const char *p, size_t n)
{
    for (size_t i = 0; i < COUNT(foreign); i++)
        if (str_starts((struct str){p, n}, foreign[i].magic.p) && n >= foreign[i].magic.n &&
            memcmp(p, foreign[i].magic.p, foreign[i].magic.n) == 0)
            return foreign[i].text;
    return NULL;
}

/* Bytes before the first record; SIZE_MAX: the header line is not complete. */
static size_t header_length(const struct file_source_spec *spec, const char *p, size_t n,
                            struct str *line)
{
    if (format_has_names(spec->format) || spec->skip_lines > 0) {
        const struct header_rules rules = {spec->skip_lines, spec->delimiter, spec->division};
        size_t length = decoder_header_behind(spec->format, &rules, p, n, line);
        return length ? length : SIZE_MAX;
    }
    *line = (struct str){NULL, 0};
    return n >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

uint32_t first_hash_of(const char *head, size_t n)
{
    return n < FIRST_BYTES ? 0 : (uint32_t)city_hash64(head, FIRST_BYTES) | 1;
}

uint32_t small_hash_of(const char *head, size_t n)
{
    return n < SMALL_BYTES ? 0 : (uint32_t)city_hash64(head, SMALL_BYTES) | 1;
}

enum err_code content_look(struct reader *r, const struct file_source_spec *spec, char *scratch,
                           struct content *ret, struct err *e)
{
    *ret = (struct content){.kind = CONTENT_EMPTY};
    size_t n = 0, got, header = 0;
    TRY(reader_seek(r, 0, e));
    for (size_t want = FILE_HASH_BYTES + 4096;; want = SCRATCH_BYTES) {
        TRY(reader_read(r, scratch + n, want - n, &got, e));
        n += got;
        header = header_length(spec, scratch, n, &ret->header);
        bool is_end = n < want;
        if (is_end || want == SCRATCH_BYTES ||
            (header != SIZE_MAX && n - header >= FILE_HASH_BYTES))
            break;
    }
    const char *text = foreign_text(scratch, n);
    if (text == NULL && format_has_headers_inside(spec->format) && n > 3 && scratch[0] != '#' &&
        scratch[0] != '\xef')
        text = "does not begin with a header of Zeek (#separator, #fields, ...)";
    if (text == NULL && header == SIZE_MAX && n == SCRATCH_BYTES)
        text = "has a header line above 1 MiB";
    if (text != NULL) {
        ret->kind = CONTENT_REFUSED;
        snprintf(ret->text, sizeof(ret->text), "%s", text);
        return ERR_OK;
    }
    /* A packed file whose first bytes are still being written looks like a plain one. */
    bool is_bzip2 = n < 8 && n > 0 && memcmp(scratch, "BZh", n < 3 ? n : 3) == 0 &&
                    (n < 4 || (scratch[3] >= '1' && scratch[3] <= '9')) &&
                    (n < 5 || scratch[4] == '1' || scratch[4] == '\x17');
    bool is_unclear = r->compression == COMPRESSION_NONE && (n < 4 || is_bzip2) && n > 0 &&
                      (is_bzip2 || scratch[0] == '\x04' || scratch[0] == '\x1f' ||
                       scratch[0] == '\x28' || scratch[0] == '\xef' || (uint8_t)scratch[0] >= 0xfe);
    if (header == SIZE_MAX || n <= header || is_unclear)
        return ERR_OK;

    ret->kind = CONTENT_OK;
    ret->header_bytes = (uint32_t)header;
    ret->head = scratch + header;
    ret->head_bytes = n - header < FILE_HASH_BYTES ? (uint32_t)(n - header) : FILE_HASH_BYTES;
    ret->head_hash = sip_hash128(ret->head, ret->head_bytes);
    ret->first_hash = first_hash_of(ret->head, ret->head_bytes);
    ret->small_hash = small_hash_of(ret->head, ret->head_bytes);
    return ERR_OK;
}

/* Reads n bytes at `at`; fewer only at the end. A file that is corrupt from there on ends there. */
static enum err_code read_piece(struct reader *r, uint64_t at, char *p, size_t n, size_t *got,
                                struct err *e)
{
    *got = 0;
    enum err_code code = reader_seek(r, at, e);
    if (code == ERR_OK && r->at < at)
        return ERR_OK;
    if (code == ERR_OK)
        code = reader_read(r, p, n, got, e);
    return code == ERR_INVALID ? ERR_OK : code;
}

enum err_code identity_match(struct reader *r, const struct file_mark *m, char *scratch,
                             struct match_result *ret, struct err *e)
{
    *ret = (struct match_result){.match = MATCH_NONE};
    bool is_plain = r->compression == COMPRESSION_NONE;
    uint64_t size = r->key.size < r->limit ? r->key.size : r->limit;
    ret->is_shorter = is_plain && size < m->position;

    size_t got;
    TRY(read_piece(r, m->header_bytes, scratch, m->head_bytes, &got, e));
    if (got < m->head_bytes) {
        ret->is_shorter = true;
        return ERR_OK;
    }
    sip128_init(&ret->head_state);
    sip128_add(&ret->head_state, scratch, got);
    struct sip128 state = ret->head_state;
    struct u128 hash = sip128_end(&state);
    bool is_head_equal = hash.lo == m->head_hash.lo && hash.hi == m->head_hash.hi;
    if (!is_head_equal && is_plain)
        return ERR_OK;

    /* A packed file is read on even so: whether it is shorter is needed for the decision. */
    TRY(read_piece(r, m->position - m->tail_bytes, scratch, m->tail_bytes, &got, e));
    ret->is_shorter = got < m->tail_bytes;
    if (!is_head_equal)
        return ERR_OK;
    if (ret->is_shorter) {
        ret->match = MATCH_PREFIX;
        return ERR_OK;
    }
    hash = sip_hash128(scratch, got);
    if (hash.lo == m->tail_hash.lo && hash.hi == m->tail_hash.hi)
        ret->match = MATCH_FULL;
    return ERR_OK;
}

enum identity identity_decide(const struct identity_facts *f)
{
    if (f->is_empty)
        return IDENTITY_WAIT;
    if (f->own == MATCH_FULL)
        return IDENTITY_GO_ON;
    if (f->other == MATCH_FULL && !f->is_other_there)
        return IDENTITY_MOVED;
    if (f->other == MATCH_FULL && !f->is_distinct_path)
        return IDENTITY_SAME;
    /* While a file is being written over (or restored), it is for a while the beginning of what
     * it was. */
    if (f->own == MATCH_PREFIX && !f->is_old_elsewhere && !f->is_settled)
        return IDENTITY_WAIT;
    /* With DISTINCT PATH a copy is wanted, but not before it is complete. */
    if (f->other == MATCH_PREFIX && !(f->is_distinct_path && f->is_settled))
        return IDENTITY_PREFIX;
    if (!f->is_known_path || f->is_shorter || f->is_old_elsewhere)
        return IDENTITY_NEW;
    return IDENTITY_CHANGED;
}
