/* SPDX-License-Identifier: Apache-2.0
 *
 * Pieces from all over a file. A plain file is read at evenly spaced places. A packed one has to be
 * read through; of the pieces that come by every k-th is kept, and k doubles when there are too
 * many, so that those kept are spread evenly however long the file turns out to be. */
#include "cli/infer/infer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

enum { PIECE_BYTES = 256 << 10, MAX_PIECES = 48, READ_BYTES = 1 << 20, PACKED_SECONDS = 3 };

static const struct {
    struct str magic;
    const char *text; /* %1$s = the file */
} foreign[] = {
    {{"\xff\xfe", 2},
     "%1$s is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 '%1$s' > '%1$s.utf8.csv'"},
    {{"\xfe\xff", 2},
     "%1$s is UTF-16, not UTF-8; convert it: iconv -f UTF-16 -t UTF-8 '%1$s' > '%1$s.utf8.csv'"},
    {{"PAR1", 4},
     "%1$s is Parquet; convert it: clickhouse-local -q \"SELECT * FROM file('%1$s', Parquet) INTO "
     "OUTFILE '%1$s.csv' FORMAT CSVWithNames\""},
    {{"ORC", 3},
     "%1$s is ORC; convert it: clickhouse-local -q \"SELECT * FROM file('%1$s', ORC) INTO OUTFILE "
     "'%1$s.csv' FORMAT CSVWithNames\""},
    {{"Obj\x01", 4},
     "%1$s is Avro; convert it: clickhouse-local -q \"SELECT * FROM file('%1$s', Avro) INTO "
     "OUTFILE '%1$s.csv' FORMAT CSVWithNames\""},
    {{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8},
     "%1$s is an old Excel workbook; convert it: libreoffice --headless --convert-to csv '%1$s'"},
    {{"\xfd"
      "7zXZ",
      5},
     "%1$s is compressed by xz; convert it: xz -dc '%1$s' | zstd > '%1$s.zst'"},
    {{"7z\xbc\xaf", 4}, "%1$s is a 7z archive; unpack it: 7z x '%1$s'"},
    {{"SQLite format 3", 15},
     "%1$s is a SQLite database; write a table of it: sqlite3 -csv -header '%1$s' 'SELECT * FROM "
     "TABLE' > TABLE.csv"},
    {{"%PDF-", 5}, "%1$s is a PDF; weir reads text: pdftotext -layout '%1$s'"},
};

static bool contains(const char *data, size_t n, const char *what)
{
    return memmem(data, n, what, strlen(what)) != NULL;
}

/* UTF-16 without a mark: every second byte is NUL. */
static bool looks_utf16(const char *data, size_t n)
{
    size_t even = 0, odd = 0;
    n = n > 512 ? 512 : n & ~(size_t)1;
    for (size_t i = 0; i < n; i++)
        *(i % 2 ? &odd : &even) += data[i] == '\0';
    return n >= 8 && ((odd * 4 > n && even == 0) || (even * 4 > n && odd == 0));
}

bool foreign_file(char *out, size_t size, const char *path, const char *data, size_t n)
{
    if (data == NULL)
        return false;
    if (n >= 4 && memcmp(data, "PK\x03\x04", 4) == 0) {
        bool is_workbook = contains(data, n, "[Content_Types].xml") || contains(data, n, "xl/") ||
                           str_ends(str_of(path), ".xlsx");
        snprintf(out, size,
                 is_workbook ? "%1$s is an Excel workbook (xlsx); convert it: libreoffice "
                               "--headless --convert-to csv '%1$s'"
                             : "%1$s is a zip archive; unpack it: unzip '%1$s'",
                 path);
        return true;
    }
    for (size_t i = 0; i < COUNT(foreign); i++) {
        if (n >= foreign[i].magic.n && memcmp(data, foreign[i].magic.p, foreign[i].magic.n) == 0) {
            snprintf(out, size, foreign[i].text, path);
            return true;
        }
    }
    if (looks_utf16(data, n)) {
        snprintf(out, size,
                 "%1$s is UTF-16 without a byte order mark, not UTF-8; convert it: iconv -f "
                 "UTF-16%2$s -t UTF-8 '%1$s' > '%1$s.utf8.csv'",
                 path, data[0] == '\0' ? "BE" : "LE");
        return true;
    }
    return false;
}

static void piece_end(struct sample *s)
{
    s->ends = xrealloc(s->ends, (s->n_pieces + 1) * sizeof(*s->ends));
    s->ends[s->n_pieces++] = s->text.n;
}

void sample_of_text(struct sample *ret, const char *path, struct str text)
{
    *ret = (struct sample){.path = xstrdup(path), .total_bytes = text.n, .is_whole = true};
    buf_str(&ret->text, text);
    piece_end(ret);
}

void sample_done(struct sample *s)
{
    free(s->path);
    buf_done(&s->text);
    free(s->ends);
    *s = (struct sample){0};
}

static enum err_code read_at(int fd, char *out, size_t n, off_t at, size_t *got, const char *path,
                             struct err *e)
{
    *got = 0;
    while (*got < n) {
        ssize_t r = pread(fd, out + *got, n - *got, at + (off_t)*got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return err_errno(e, "read %s", path);
        if (r == 0)
            break;
        *got += (size_t)r;
    }
    return ERR_OK;
}

/* The whole lines within the piece. */
static void keep_lines(struct sample *s, const char *p, size_t n, bool is_first, bool is_last)
{
    const char *end = p + n;
    if (!is_first) {
        const char *line = memchr(p, '\n', n);
        if (line == NULL)
            return;
        p = line + 1;
    }
    if (!is_last) {
        const char *line = memrchr(p, '\n', (size_t)(end - p));
        if (line == NULL && !is_first)
            return;
        if (line)
            end = line + 1;
    }
    buf_put(&s->text, p, (size_t)(end - p));
    piece_end(s);
}

static enum err_code read_plain(struct sample *s, int fd, uint64_t size, struct err *e)
{
    size_t got, n_pieces = MAX_PIECES;
    s->total_bytes = size;
    s->is_whole = size <= (uint64_t)MAX_PIECES * PIECE_BYTES;
    uint64_t piece = s->is_whole ? size : PIECE_BYTES;
    if (s->is_whole)
        n_pieces = 1;
    AUTO_MEM char *p = xmalloc(piece + 1);
    for (size_t i = 0; i < n_pieces; i++) {
        uint64_t at = n_pieces == 1 ? 0 : (size - piece) / (n_pieces - 1) * i;
        TRY(read_at(fd, p, piece, (off_t)at, &got, s->path, e));
        keep_lines(s, p, got, i == 0, at + got >= size);
    }
    return ERR_OK;
}

struct thinning {
    struct buf *kept; /* MAX_PIECES * 2 buffers */
    size_t n_kept, every;
    uint64_t seen;
};

static void thin(struct thinning *t, const char *p, size_t n)
{
    if (t->seen++ % t->every != 0)
        return;
    if (t->n_kept == 2 * MAX_PIECES) {
        for (size_t i = 0; i < t->n_kept; i++) {
            struct buf b = t->kept[i];
            if (i % 2 == 0) {
                t->kept[i] = t->kept[i / 2];
                t->kept[i / 2] = b;
            }
        }
        t->n_kept /= 2;
        t->every *= 2;
        if ((t->seen - 1) % t->every != 0)
            return;
    }
    struct buf *b = &t->kept[t->n_kept++];
    buf_reset(b);
    buf_put(b, p, n);
}

struct packed {
    int fd;
    struct inflate *z;
    char *in, *out;
    struct str rest;
    off_t at;
    bool is_end;
};

/* Up to READ_BYTES of text behind the n that are there. */
static enum err_code unpack_more(struct packed *k, size_t *n, const char *path, struct err *e)
{
    size_t want = READ_BYTES;
    while (*n < want && !k->is_end) {
        if (k->rest.n == 0) {
            size_t got;
            TRY(read_at(k->fd, k->in, READ_BYTES, k->at, &got, path, e));
            k->at += (off_t)got;
            k->rest = (struct str){k->in, got};
        }
        size_t written, before = k->rest.n;
        enum err_code code = inflate_run(k->z, &k->rest, k->out + *n, want - *n, &written, e);
        if (code != ERR_OK)
            return *n > 0 || k->at > READ_BYTES ? (k->is_end = true, ERR_OK)
                                                : err_prefix(e, "%s", path);
        *n += written;
        if (written == 0 && before == k->rest.n && before == 0)
            k->is_end = true;
    }
    return ERR_OK;
}

static enum err_code unpack_pieces(struct sample *s, struct packed *k, struct thinning *t,
                                   struct err *e)
{
    int64_t start = clock_mono_ns();
    size_t n = 0;
    while (!k->is_end || n > 0) {
        TRY(unpack_more(k, &n, s->path, e));
        const char *line = k->is_end ? k->out + n : memrchr(k->out, '\n', n);
        size_t whole = line == NULL ? n : k->is_end ? n : (size_t)(line + 1 - k->out);
        for (size_t from = 0; from < whole;) {
            size_t to = from + PIECE_BYTES < whole ? from + PIECE_BYTES : whole;
            const char *stop = to < whole ? memchr(k->out + to, '\n', whole - to) : NULL;
            to = stop ? (size_t)(stop + 1 - k->out) : whole;
            thin(t, k->out + from, to - from);
            from = to;
        }
        s->total_bytes += whole;
        n -= whole;
        memmove(k->out, k->out + whole, n);
        if (!k->is_end && clock_mono_ns() - start > PACKED_SECONDS * 1000000000LL) {
            s->is_cut = true;
            break;
        }
    }
    return ERR_OK;
}

static enum err_code read_packed(struct sample *s, int fd, struct err *e)
{
    AUTO(inflate) z = inflate_new(s->compression);
    AUTO_MEM char *in = xmalloc(READ_BYTES);
    AUTO_MEM char *out = xmalloc(READ_BYTES);
    struct packed k = {.fd = fd, .z = z, .in = in, .out = out};
    struct thinning t = {.kept = xcalloc(2 * MAX_PIECES, sizeof(struct buf)), .every = 1};
    enum err_code code = unpack_pieces(s, &k, &t, e);
    for (size_t i = 0; i < t.n_kept && code == ERR_OK; i++) {
        buf_str(&s->text, buf_view(&t.kept[i]));
        piece_end(s);
    }
    s->is_whole = t.every == 1 && !s->is_cut;
    for (size_t i = 0; i < 2 * MAX_PIECES; i++)
        buf_done(&t.kept[i]);
    free(t.kept);
    return code;
}

enum err_code sample_read(struct sample *ret, const char *path, struct err *e)
{
    AUTO_DONE(sample) s = {.path = xstrdup(path)};
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(e, "%s", path);
    enum err_code code = ERR_OK;
    size_t got = 0;
    char head[4096];
    if (fstat(fd, &st) != 0)
        code = err_errno(e, "%s", path);
    else if (!S_ISREG(st.st_mode))
        code = err_set(e, ERR_INVALID, "%s is %s, not a file", path,
                       S_ISDIR(st.st_mode) ? "a folder" : "no plain file");
    if (code == ERR_OK)
        code = read_at(fd, head, sizeof(head), 0, &got, path, e);
    if (code == ERR_OK && got == 0)
        code = err_set(e, ERR_INVALID, "%s is empty", path);
    s.compression = compression_of(head, got);
    if (code == ERR_OK && s.compression == COMPRESSION_NONE) {
        char text[1000];
        if (foreign_file(text, sizeof(text), path, head, got))
            code = err_set(e, ERR_INVALID, "%s", text);
    }
    if (code == ERR_OK)
        code = s.compression == COMPRESSION_NONE ? read_plain(&s, fd, (uint64_t)st.st_size, e)
                                                 : read_packed(&s, fd, e);
    close(fd);
    if (code == ERR_OK && s.compression != COMPRESSION_NONE) {
        char text[1000];
        if (foreign_file(text, sizeof(text), path, s.text.p, s.text.n))
            code = err_set(e, ERR_INVALID, "inside %s", text);
        else if (s.text.n == 0)
            code = err_set(e, ERR_INVALID, "%s holds nothing", path);
    }
    if (code == ERR_OK) {
        *ret = s;
        s = (struct sample){0};
    }
    return code;
}
