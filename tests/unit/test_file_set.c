/* SPDX-License-Identifier: Apache-2.0
 *
 * source/: following files through rotation, copying, packing, truncation, change, and through restarts of
 * the follower. Each test works in a folder of its own; the clock of the set is moved, never waited for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "source/file_priv.h"
#include "source/quotes.h"

/* ---- a folder with files ---- */

static char folder[64];

static const char *path_of(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_to(const char *name, const char *mode, const char *p, size_t n)
{
    FILE *f = fopen(path_of(name), mode);
    assert_non_null(f);
    assert_int_equal(fwrite(p, 1, n, f), n);
    fclose(f);
}

static void put(const char *name, const char *text)
{
    write_to(name, "wb", text, strlen(text));
}

static void append(const char *name, const char *text)
{
    write_to(name, "ab", text, strlen(text));
}

static char *slurp(const char *name, size_t *n)
{
    FILE *f = fopen(path_of(name), "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *p = xmalloc(*n + 1);
    assert_int_equal(fread(p, 1, *n, f), *n);
    fclose(f);
    return p;
}

static void copy(const char *from, const char *to)
{
    size_t n;
    AUTO_MEM char *p = slurp(from, &n);
    write_to(to, "wb", p, n);
}

static void move(const char *from, const char *to)
{
    assert_int_equal(rename(path_of(from), path_of(to)), 0);
}

static void gzip_as(const char *from, const char *to)
{
    size_t n;
    AUTO_MEM char *p = slurp(from, &n);
    gzFile z = gzopen(path_of(to), "wb1");
    for (size_t done = 0; done < n;) {
        unsigned part = n - done > 1000000 ? 1000000 : (unsigned)(n - done);
        assert_int_equal(gzwrite(z, p + done, part), part);
        done += part;
    }
    gzclose(z);
}

static void truncate_to(const char *name, size_t n)
{
    assert_int_equal(truncate(path_of(name), (off_t)n), 0);
}

/* As an editor does: a new file is renamed over the old one. */
static void save_over(const char *name, const char *p, size_t n)
{
    write_to(".new", "wb", p, n);
    move(".new", name);
}

/* ---- a follower ---- */

static struct follower {
    struct file_set *s;
    struct file_source_spec spec;
    const char *globs[4];
    char *glob_text[4];
    struct buf got;    /* everything handed out, in order */
    struct buf events; /* "new name\n" */
} t;

static const char *const kinds[] = {"new", "changed", "lost", "same", "unreadable", "header", "moved", "corrupt"};

static void open_set(const struct file_mark *marks, size_t n, uint64_t next_partition)
{
    struct err err;
    assert_int_equal(file_set_open(&t.s, &t.spec, marks, n, next_partition, &err), ERR_OK);
}

/* As a restart does: names are looked at before the marks are known. */
static void open_set_ahead(const struct file_mark *marks, size_t n, uint64_t next_partition)
{
    struct err err;
    assert_int_equal(file_set_new(&t.s, &t.spec, &err), ERR_OK);
    file_set_look_ahead(t.s);
    assert_int_equal(file_set_know(t.s, marks, n, next_partition, &err), ERR_OK);
}

static void follow(const char *pattern)
{
    t.glob_text[0] = xasprintf("%s/%s", folder, pattern);
    t.globs[0] = t.glob_text[0];
    t.spec = (struct file_source_spec){.name = "test", .globs = t.globs, .n_globs = 1, .format = FORMAT_CSV,
                                       .unended_line_s = 60};
}

static int begin(void **state)
{
    memset(&t, 0, sizeof(t));
    snprintf(folder, sizeof(folder), "/tmp/weir-files-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    follow("log*");
    return 0;
}

static int end(void **state)
{
    file_set_close(t.s);
    buf_done(&t.got);
    buf_done(&t.events);
    free(t.glob_text[0]);
    AUTO_MEM char *command = xasprintf("rm -rf '%s'", folder);
    return system(command);
}

static void take_events(void)
{
    struct file_event e;
    while (file_set_event(t.s, &e)) {
        const char *name = strrchr(e.path, '/');
        buf_printf(&t.events, "%s %s\n", kinds[e.kind], name ? name + 1 : e.path);
        assert_true(strlen(e.text) > 0);
        free(e.path);
        free(e.text);
    }
}

static void scan(int ahead_s)
{
    struct err err;
    t.s->ahead_ns += (int64_t)ahead_s * 1000000000;
    assert_int_equal(file_set_scan(t.s, &err), ERR_OK);
    take_events();
}

/* Takes at most n chunks. */
static void take(size_t n)
{
    struct file_chunk c;
    struct err err;
    while (n-- > 0 && file_next_chunk(t.s, &c, &err) == ERR_OK) {
        assert_true(c.is_too_long || c.data_bytes == c.to - c.from);
        assert_true(c.data_bytes > 0);
        buf_put(&t.got, c.data, c.data_bytes);
        file_release(t.s, &c);
    }
    take_events();
}

static void look_and_take(int ahead_s)
{
    if (t.s == NULL)
        open_set(NULL, 0, 0);
    scan(ahead_s);
    take(SIZE_MAX);
}

static void reopen(void)
{
    struct file_mark *marks;
    size_t n = file_set_marks(t.s, &marks);
    uint64_t next = t.s->next_partition;
    file_set_close(t.s);
    open_set(marks, n, next);
    file_marks_free(marks, n);
}

/* What was handed out and said since the last check. */
#define CHECK_GOT(text)                                                                            \
    do {                                                                                           \
        assert_string_equal(buf_cstr(&t.got), (text));                                             \
        buf_reset(&t.got);                                                                         \
    } while (0)
#define CHECK_EVENTS(text)                                                                         \
    do {                                                                                           \
        assert_string_equal(buf_cstr(&t.events), (text));                                          \
        buf_reset(&t.events);                                                                      \
    } while (0)

/* ---- situations ---- */

static void a_growing_file_is_read_as_it_grows(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    CHECK_GOT("1\n");
    CHECK_EVENTS("new log\n");
    append("log", "2\n3");
    look_and_take(1);
    CHECK_GOT("2\n");
    append("log", "3\n");
    look_and_take(3);
    CHECK_GOT("33\n");
    reopen();
    append("log", "4\n");
    look_and_take(0);
    CHECK_GOT("4\n");
    CHECK_EVENTS("");
}

static void a_renamed_file_goes_on(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    append("log", "2\n");
    move("log", "log.1");
    put("log", "3\n4\n5\n");
    look_and_take(1);
    assert_non_null(strstr(buf_cstr(&t.got), "2\n"));
    assert_int_equal(t.got.n, 10);
    assert_non_null(strstr(buf_cstr(&t.events), "moved log.1\nnew log\n"));
    buf_reset(&t.got);
    append("log.1", "6\n"); /* its writer has not noticed yet */
    look_and_take(1);
    CHECK_GOT("6\n");
    reopen();
    look_and_take(1);
    CHECK_GOT("");
}

static void rotation_while_nobody_looked(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    reopen();
    append("log", "2\n");
    move("log", "log.1");
    put("log", "3\n4\n5\n");
    gzip_as("log.1", "log.1.gz");
    unlink(path_of("log.1"));
    buf_reset(&t.got);
    buf_reset(&t.events);
    look_and_take(0);
    CHECK_GOT("3\n4\n5\n2\n");
    CHECK_EVENTS("moved log.1.gz\nnew log\n");
}

static void copy_and_truncate(void **state)
{
    put("log", "1\n2\n");
    look_and_take(0);
    append("log", "3\n");
    copy("log", "log.1");
    truncate_to("log", 0);
    look_and_take(1);
    CHECK_GOT("1\n2\n3\n");
    append("log", "4\n5\n6\n7\n8\n");
    look_and_take(1);
    CHECK_GOT("4\n5\n6\n7\n8\n");
    CHECK_EVENTS("new log\nmoved log.1\nnew log\n");
    reopen();
    look_and_take(1);
    CHECK_GOT("");
}

static void truncation_without_a_copy_loses_the_unread_rest_and_says_so(void **state)
{
    put("log", "1\n2\n");
    look_and_take(0);
    append("log", "33\n44");
    scan(1); /* known, not read */
    truncate_to("log", 0);
    scan(1);
    scan(2);
    CHECK_EVENTS("new log\nlost log\n");
    append("log", "5\n");
    look_and_take(1);
    CHECK_GOT("1\n2\n5\n");
    CHECK_EVENTS("new log\n");
}

static void gzip_after_rotation_is_not_read_again(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    move("log", "log.1");
    put("log", "2\n");
    look_and_take(1);
    gzip_as("log.1", "log.1.gz");
    look_and_take(1);
    unlink(path_of("log.1"));
    look_and_take(1);
    look_and_take(3);
    CHECK_GOT("1\n2\n");
    CHECK_EVENTS("new log\nmoved log.1\nnew log\nsame log.1.gz\nmoved log.1.gz\n");
    reopen();
    look_and_take(0);
    CHECK_GOT("");
}

static void a_packed_copy_under_way_is_not_a_new_file(void **state)
{
    AUTO_DONE(buf) big = {0};
    for (int i = 0; i < 100000; i++)
        buf_printf(&big, "%llx,%d\n", (unsigned long long)ih64((uint64_t)i + 1), i);
    write_to("log", "wb", big.p, big.n);
    look_and_take(0);
    assert_int_equal(t.got.n, big.n);
    buf_reset(&t.got);
    move("log", "log.1");
    gzip_as("log.1", "whole.gz");
    size_t n;
    AUTO_MEM char *packed = slurp("whole.gz", &n);
    for (size_t part = 20000; part < n; part += n / 3) {
        write_to("log.1.gz", "wb", packed, part);
        look_and_take(3);
        CHECK_GOT("");
    }
    write_to("log.1.gz", "wb", packed, n);
    look_and_take(3);
    unlink(path_of("log.1"));
    look_and_take(3);
    look_and_take(3);
    CHECK_GOT("");
    CHECK_EVENTS("new log\nmoved log.1\nsame log.1.gz\nmoved log.1.gz\n");
}

static void equal_content_is_read_once(void **state)
{
    put("log.a", "1\n2\n");
    put("log.b", "1\n2\n");
    look_and_take(0);
    look_and_take(1);
    CHECK_GOT("1\n2\n");
    CHECK_EVENTS("new log.a\nsame log.b\n");
    append("log.b", "b\n"); /* from here on they differ */
    append("log.a", "a\n");
    look_and_take(1);
    look_and_take(1);
    look_and_take(10);
    CHECK_GOT("a\n1\n2\nb\n");
}

static void distinct_path_reads_both(void **state)
{
    t.spec.is_distinct_path = true;
    put("log.a", "1\n2\n");
    put("log.b", "1\n2\n");
    look_and_take(0);
    CHECK_GOT("1\n2\n1\n2\n");
    reopen();
    append("log.b", "3\n");
    move("log.a", "log.c");
    look_and_take(1);
    look_and_take(1);
    CHECK_GOT("3\n");
}

static void a_longer_copy_goes_on_where_the_file_was(void **state)
{
    put("log.a", "1\n2\n");
    look_and_take(0);
    put("log.b", "1\n2\n3\n");
    look_and_take(1);
    look_and_take(10);
    CHECK_GOT("1\n2\n3\n");
    reopen();
    look_and_take(1);
    CHECK_GOT("");
}

static void saving_over_as_an_editor_does(void **state)
{
    put("log", "1\n2\n");
    look_and_take(0);
    save_over("log", "1\n2\n3\n", 6);
    look_and_take(1);
    CHECK_GOT("1\n2\n3\n");
    CHECK_EVENTS("new log\n");
    save_over("log", "1\nx\n3\n4\n", 8); /* an early line was edited */
    look_and_take(1);
    look_and_take(1);
    look_and_take(10);
    CHECK_GOT("");
    CHECK_EVENTS("changed log\n");
    save_over("log", "1\n2\n3\n4\n", 8); /* put right */
    look_and_take(1);
    CHECK_GOT("4\n");
    save_over("log", "1\nx\n", 4); /* shorter: a new file */
    look_and_take(1);
    CHECK_GOT("1\nx\n");
    CHECK_EVENTS("new log\n");
}

static void a_change_in_place_is_seen(void **state)
{
    put("log", "1\n2\n3\n");
    look_and_take(0);
    put("log", "x\n2\n3\n4\n");
    look_and_take(3);
    look_and_take(3);
    CHECK_GOT("1\n2\n3\n");
    CHECK_EVENTS("new log\nchanged log\n");
    reopen();
    look_and_take(0);
    look_and_take(3);
    CHECK_GOT("");
    CHECK_EVENTS("changed log\n");
}

static void writing_over_in_place_is_waited_for(void **state)
{
    AUTO_DONE(buf) big = {0};
    for (int i = 0; i < 20000; i++)
        buf_printf(&big, "%d,%llx\n", i, (unsigned long long)ih64((uint64_t)i + 7));
    write_to("log", "wb", big.p, big.n);
    look_and_take(0);
    assert_int_equal(t.got.n, big.n);
    buf_reset(&t.got);
    write_to("log", "wb", big.p, big.n / 2); /* a copy writes over it … */
    look_and_take(1);
    look_and_take(1);
    buf_text(&big, "more\n");
    write_to("log", "wb", big.p, big.n); /* … and is done */
    look_and_take(1);
    CHECK_GOT("more\n");
    CHECK_EVENTS("new log\n");
}

static void a_file_that_vanished_is_read_to_its_end_while_open(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    append("log", "2\n");
    unlink(path_of("log"));
    scan(1);
    take(SIZE_MAX);
    scan(1);
    take(SIZE_MAX);
    scan(3);
    CHECK_GOT("1\n2\n");
    CHECK_EVENTS("new log\n");
}

static void a_file_renamed_out_of_the_pattern_is_followed_while_open(void **state)
{
    put("log", "1\n");
    look_and_take(0);
    move("log", "old");
    put("log", "a\nb\nc\n");
    look_and_take(1);
    append("old", "2\n");
    look_and_take(1);
    CHECK_GOT("1\na\nb\nc\n2\n");
    CHECK_EVENTS("new log\nnew log\n");
}

/* As between two epochs: the ranges are taken. Returns where the first one ends. */
static uint64_t end_epoch(void)
{
    struct file_mark *marks;
    size_t n = file_set_changed_marks(t.s, &marks);
    uint64_t position = n > 0 ? marks[0].position : 0;
    file_marks_free(marks, n);
    return position;
}

static void a_last_line_without_end_waits(void **state)
{
    put("log", "1\n2");
    look_and_take(0);
    look_and_take(30);
    CHECK_GOT("1\n");
    look_and_take(40);
    CHECK_GOT("2");
    append("log", "3\n4");
    look_and_take(1);
    CHECK_GOT(""); /* its rest, perhaps: not in the same range */
    assert_int_equal(end_epoch(), 3);
    look_and_take(1);
    CHECK_GOT("3\n");
    look_and_take(2);
    put("log.2", "5\n"); /* a newer file: nothing more will come */
    look_and_take(1);
    look_and_take(2);
    look_and_take(1);
    CHECK_GOT("45\n");
}

static void once_takes_the_last_line(void **state)
{
    t.spec.is_once = true;
    put("log", "1\n2");
    look_and_take(0);
    CHECK_GOT("1\n2");
    assert_true(file_set_is_drained(t.s));
    put("log.2", "late\n");
    look_and_take(1);
    CHECK_GOT("");
    assert_true(file_set_is_drained(t.s));
}

static void headers_are_kept_apart(void **state)
{
    t.spec.format = FORMAT_CSV_WITH_NAMES;
    put("log", "\xef\xbb\xbf" "a,b");
    look_and_take(0);
    CHECK_EVENTS("");
    append("log", "\r\n1,2\n");
    scan(1);
    struct file_chunk c;
    struct err err;
    assert_int_equal(file_next_chunk(t.s, &c, &err), ERR_OK);
    assert_true(str_is(c.header, "a,b"));
    assert_int_equal(c.from, 8);
    assert_memory_equal(c.data, "1,2\n", 4);
    assert_string_equal(c.path, path_of("log"));
    file_release(t.s, &c);
    reopen();
    append("log", "3,4\n");
    scan(1);
    assert_int_equal(file_next_chunk(t.s, &c, &err), ERR_OK);
    assert_true(str_is(c.header, "a,b"));
    assert_int_equal(c.from, 12);
    file_release(t.s, &c);
}

static enum err_code refuse_header(void *context, struct str header, struct err *e)
{
    return str_is(header, "good") ? ERR_OK : err_set(e, ERR_INVALID, "no column 'good'");
}

static void a_bad_header_stops_its_file_until_it_changes(void **state)
{
    t.spec.format = FORMAT_CSV_WITH_NAMES;
    t.spec.check_header = refuse_header;
    put("log", "bad\n1\n");
    put("log.2", "good\n2\n");
    look_and_take(0);
    look_and_take(1);
    CHECK_GOT("2\n");
    CHECK_EVENTS("header log\nnew log.2\n");
    put("log", "good\n1\n");
    look_and_take(1);
    CHECK_GOT("1\n");
}

static void a_corrupt_file_keeps_what_came_before(void **state)
{
    AUTO_DONE(buf) big = {0};
    for (int i = 0; i < 50000; i++)
        buf_printf(&big, "%d,%llx\n", i, (unsigned long long)ih64((uint64_t)i + 3));
    write_to("plain", "wb", big.p, big.n);
    gzip_as("plain", "good.gz");
    size_t n;
    AUTO_MEM char *packed = slurp("good.gz", &n);
    packed[n / 2] ^= 0x55;
    write_to("log.gz", "wb", packed, n);
    put("log.other", "x\n");
    look_and_take(0);
    CHECK_EVENTS("new log.gz\nnew log.other\ncorrupt log.gz\n");
    look_and_take(1);
    CHECK_EVENTS("");
    packed[n / 2] ^= 0x55;
    write_to("log.gz", "wb", packed, n);
    look_and_take(1);
    look_and_take(3);
    assert_int_equal(t.got.n, big.n + 2);
}

static void a_record_above_the_limit_comes_alone(void **state)
{
    enum { LONG = 9 << 20 };
    t.spec.max_record_bytes = 5 << 20;
    t.spec.format = FORMAT_JSON_EACH_ROW;
    AUTO_DONE(buf) big = {0};
    buf_text(&big, "1\n");
    memset(buf_reserve(&big, LONG), 'x', LONG);
    big.n += LONG;
    buf_text(&big, "\n2\n");
    write_to("log", "wb", big.p, big.n);
    gzip_as("log", "log.gz");
    t.spec.is_distinct_path = true;
    open_set(NULL, 0, 0);
    scan(0);
    struct file_chunk c;
    struct err err;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(file_next_chunk(t.s, &c, &err), ERR_OK);
        assert_int_equal(c.to, 2);
        file_release(t.s, &c);
        assert_int_equal(file_next_chunk(t.s, &c, &err), ERR_OK);
        assert_true(c.is_too_long);
        assert_int_equal(c.from, 2);
        assert_int_equal(c.to, LONG + 3);
        assert_int_equal(c.data_bytes, 65536);
        file_release(t.s, &c);
        assert_int_equal(file_next_chunk(t.s, &c, &err), ERR_OK);
        assert_memory_equal(c.data, "2\n", 2);
        assert_int_equal(c.data_bytes, 2);
        file_release(t.s, &c);
    }
    struct file_mark *marks;
    size_t n = file_set_marks(t.s, &marks);
    assert_int_equal(n, 2);
    for (size_t i = 0; i < n; i++) {
        uint64_t at = 0;
        int n_long = 0;
        do {
            assert_int_equal(file_read_range(t.s, &marks[i], at, marks[i].position, &c, &err), ERR_OK);
            n_long += c.is_too_long;
            at = c.to;
            file_release(t.s, &c);
        } while (c.from != c.to);
        assert_int_equal(n_long, 1);
    }
    file_marks_free(marks, n);
}

static void open_files_and_chunks_are_bounded(void **state)
{
    t.spec.max_open_files = 4;
    t.spec.max_chunks = 3;
    for (int i = 0; i < 50; i++) {
        char name[16], text[16];
        snprintf(name, sizeof(name), "log.%02d", i);
        snprintf(text, sizeof(text), "%d\n", i);
        put(name, text);
    }
    open_set(NULL, 0, 0);
    scan(0);
    struct file_chunk c[4];
    struct err err;
    for (int i = 0; i < 3; i++)
        assert_int_equal(file_next_chunk(t.s, &c[i], &err), ERR_OK);
    assert_int_equal(file_next_chunk(t.s, &c[3], &err), ERR_UNAVAILABLE);
    for (int i = 0; i < 3; i++)
        file_release(t.s, &c[i]);
    take(SIZE_MAX);
    assert_true(t.s->n_open <= 4);
    for (int i = 0; i < 50; i += 7) {
        char name[16];
        snprintf(name, sizeof(name), "log.%02d", i);
        append(name, "more\n");
    }
    buf_reset(&t.got);
    look_and_take(1);
    assert_int_equal(t.got.n, 8 * 5);
}

static void a_stored_mark_that_is_damaged_is_refused(void **state)
{
    struct err err;
    struct file_mark m = {.path = "/x", .position = 3, .head_bytes = 4};
    assert_int_equal(file_set_open(&t.s, &t.spec, &m, 1, 1, &err), ERR_INVALID);
    t.s = NULL;
}

/* ---- many threads ---- */

struct adder {
    pthread_t thread;
    const struct buf *big; /* what log.0 and log.1 hold */
    uint64_t bytes, lines, wrong;
};

/* Every chunk holds what its file has there, and ends with a record: quotes are in pairs. */
static bool is_chunk_right(const struct adder *a, const struct file_chunk *c)
{
    const char *name = strrchr(c->path, '.') + 1;
    size_t n_quotes = 0;
    for (size_t i = 0; i < c->data_bytes; i++)
        n_quotes += c->data[i] == '"';
    if (n_quotes % 2 != 0 || c->data[c->data_bytes - 1] != '\n')
        return false;
    const struct buf *big = strcmp(name, "0") == 0 ? &a->big[0] : strcmp(name, "1") == 0 ? &a->big[1] : NULL;
    return big == NULL || memcmp(big->p + c->from, c->data, c->data_bytes) == 0;
}

static void *add_up(void *context)
{
    struct adder *a = context;
    struct file_chunk c;
    struct err err;
    while (!file_set_is_drained(t.s)) {
        if (file_next_chunk(t.s, &c, &err) != ERR_OK) {
            usleep(1000);
            continue;
        }
        a->bytes += c.data_bytes;
        a->wrong += !is_chunk_right(a, &c);
        for (size_t i = 0; i < c.data_bytes; i++)
            a->lines += c.data[i] == '\n';
        file_release(t.s, &c);
    }
    return NULL;
}

/* 12 MiB; from the middle on some records are longer, up to more than a chunk. */
static void put_records(struct buf *b, bool has_quotes)
{
    enum { BYTES = 12 << 20 };
    const char *quote = has_quotes ? "\"" : "";
    for (uint64_t i = 0; b->n < BYTES; i++) {
        size_t longest = b->n < BYTES / 2 ? 0 : i % 20011 == 0 ? 600000 : i % 1009 == 0 ? 70000 : i % 101 == 0 ? 12000 : 0;
        buf_printf(b, "%llx,%s", (unsigned long long)ih64(i + 1), quote);
        memset(buf_reserve(b, longest), 'x', longest);
        b->n += longest;
        buf_printf(b, "%s%zu%s\n", has_quotes && i % 3 == 0 ? "\n\"\"" : "", b->n, quote);
    }
}

static void workers_share_files(void **state)
{
    enum { THREADS = 4 };
    t.spec.is_once = true;
    uint64_t expected = 0, lines = 0;
    struct buf big[2] = {0};
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof(name), "log.%d", i);
        put_records(&big[i], i == 1);
        write_to(name, "wb", big[i].p, big[i].n);
        expected += big[i].n;
        for (size_t k = 0; k < big[i].n; k++)
            lines += big[i].p[k] == '\n';
    }
    for (int i = 2; i < 22; i++) {
        char name[16];
        snprintf(name, sizeof(name), "log.%d", i);
        put(name, "a,");
        append(name, name);
        append(name, "\n");
        expected += strlen(name) + 3;
        lines++;
    }
    open_set(NULL, 0, 0);
    struct adder adders[THREADS] = {0};
    for (int i = 0; i < THREADS; i++) {
        adders[i].big = big;
        pthread_create(&adders[i].thread, NULL, add_up, &adders[i]);
    }
    struct err err;
    do {
        assert_int_equal(file_set_scan(t.s, &err), ERR_OK);
        struct file_mark *marks;
        size_t n = file_set_marks(t.s, &marks);
        file_marks_free(marks, n);
        usleep(2000);
    } while (!file_set_is_drained(t.s));
    uint64_t bytes = 0, n_lines = 0, wrong = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(adders[i].thread, NULL);
        bytes += adders[i].bytes;
        n_lines += adders[i].lines;
        wrong += adders[i].wrong;
    }
    buf_done(&big[0]);
    buf_done(&big[1]);
    assert_int_equal(wrong, 0);
    assert_int_equal(bytes, expected);
    assert_int_equal(n_lines, lines);
}

/* ---- anything, in any order, with restarts: each line exactly once ---- */

enum { MAX_LINES = 200000, MAX_RANGES = 400 };

static struct {
    uint64_t random;
    uint32_t n_lines;           /* written */
    uint8_t seen[MAX_LINES];    /* stored */
    bool has_open_line;         /* "log" ends without a line end */
    int n_rotated;
    /* what an intent says: marks, and the ranges since the one before, not known to be stored */
    struct file_mark *marks;
    size_t n_marks;
    uint64_t next_partition;
    struct range {
        uint64_t partition, from, to;
        struct buf bytes;
    } ranges[MAX_RANGES];
    size_t n_ranges;
} w;

static uint32_t dice(uint32_t n)
{
    w.random = w.random * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(w.random >> 33) % n;
}

static void add_line(struct buf *b)
{
    uint32_t id = w.n_lines++;
    assert_true(id < MAX_LINES);
    buf_printf(b, "%u,", id);
    for (uint32_t n = dice(30); n > 0; n--)
        buf_printf(b, "%x", dice(0x7fffffff));
    buf_byte(b, '\n');
}

static void write_lines(void)
{
    AUTO_DONE(buf) b = {0};
    uint32_t n = dice(20) == 0 ? 1000 : 1 + dice(12);
    if (w.has_open_line)
        buf_text(&b, "rest\n");
    while (n-- > 0)
        add_line(&b);
    w.has_open_line = dice(4) == 0;
    if (w.has_open_line)
        b.n--;
    write_to("log", "ab", b.p, b.n);
}

static void end_line(void)
{
    if (w.has_open_line)
        append("log", "\n");
    w.has_open_line = false;
}

static bool exists(const char *name)
{
    return access(path_of(name), F_OK) == 0;
}

static const char *rotated(int i)
{
    static char names[4][32];
    static int next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof(names[0]), "log.%d", i);
    return name;
}

static const char *packed(int i)
{
    static char names[4][32];
    static int next;
    char *name = names[next++ % 4];
    snprintf(name, sizeof(names[0]), "log.%d.gz", i);
    return name;
}

static void store(const struct buf *b)
{
    const char *p = b->p, *stop = b->p + b->n;
    while (p < stop) {
        unsigned id;
        assert_int_equal(sscanf(p, "%u,", &id), 1);
        assert_true(id < w.n_lines);
        if (w.seen[id]++ > 0)
            fail_msg("line %u was handed out twice", id);
        p = memchr(p, '\n', (size_t)(stop - p));
        p = p ? p + 1 : stop;
    }
}

static void collect(size_t n)
{
    struct file_chunk c;
    struct err err;
    while (n-- > 0 && w.n_ranges < MAX_RANGES && file_next_chunk(t.s, &c, &err) == ERR_OK) {
        struct range *r = &w.ranges[w.n_ranges++];
        *r = (struct range){.partition = c.partition, .from = c.from, .to = c.to};
        buf_put(&r->bytes, c.data, c.data_bytes);
        file_release(t.s, &c);
    }
    take_events();
}

/* The epoch's intent stands in the chain: from here on its ranges are stored, whatever happens. */
static void intend(void)
{
    file_marks_free(w.marks, w.n_marks);
    w.n_marks = file_set_marks(t.s, &w.marks);
    w.next_partition = t.s->next_partition;
}

static void done(void)
{
    for (size_t i = 0; i < w.n_ranges; i++) {
        store(&w.ranges[i].bytes);
        buf_done(&w.ranges[i].bytes);
    }
    w.n_ranges = 0;
}

static const struct file_mark *mark_of(uint64_t partition)
{
    for (size_t i = 0; i < w.n_marks; i++)
        if (w.marks[i].partition == partition)
            return &w.marks[i];
    fail_msg("no mark for partition %llu", (unsigned long long)partition);
    return NULL;
}

/* Dies after the intent: its ranges are read again from wherever they are, and must be the same bytes. */
static void recover(void)
{
    struct err err = {0};
    for (size_t i = 0; i < w.n_ranges; i++) {
        struct range *r = &w.ranges[i];
        AUTO_DONE(buf) again = {0};
        struct file_chunk c;
        uint64_t at = r->from;
        for (;;) {
            if (file_read_range(t.s, mark_of(r->partition), at, r->to, &c, &err) != ERR_OK)
                fail_msg("recovery: %s", err.text);
            if (c.from == c.to)
                break;
            buf_put(&again, c.data, c.data_bytes);
            at = c.to;
            file_release(t.s, &c);
        }
        assert_int_equal(again.n, r->bytes.n);
        assert_memory_equal(again.p, r->bytes.p, again.n);
    }
    done();
}

static void crash(bool is_after_intent)
{
    if (is_after_intent)
        intend();
    file_set_close(t.s);
    for (size_t i = 0; dice(3) == 0 && i < w.n_marks; i++)
        w.marks[i].first_hash = w.marks[i].small_hash = 0; /* as in marks of older versions */
    if (dice(2))
        open_set_ahead(w.marks, w.n_marks, w.next_partition);
    else
        open_set(w.marks, w.n_marks, w.next_partition);
    if (is_after_intent) {
        scan(1);
        recover();
        return;
    }
    for (size_t i = 0; i < w.n_ranges; i++)
        buf_done(&w.ranges[i].bytes);
    w.n_ranges = 0; /* nothing happened; they are handed out again */
}

static void disturb(void)
{
    int i = w.n_rotated ? 1 + (int)dice((uint32_t)w.n_rotated) : 0;
    switch (dice(12)) {
    case 0: /* rotation by renaming */
        if (exists("log")) {
            end_line();
            move("log", rotated(++w.n_rotated));
        }
        break;
    case 1: /* by copying and truncating */
        if (exists("log")) {
            end_line();
            copy("log", rotated(++w.n_rotated));
            truncate_to("log", 0);
        }
        break;
    case 2: /* packing, at once */
        if (i && exists(rotated(i))) {
            gzip_as(rotated(i), packed(i));
            unlink(path_of(rotated(i)));
        }
        break;
    case 3: /* packing, with both there for a while */
        if (i && exists(rotated(i)))
            gzip_as(rotated(i), packed(i));
        break;
    case 4:
        if (i && exists(rotated(i)) && exists(packed(i)))
            unlink(path_of(rotated(i)));
        break;
    case 5: /* a backup within the pattern; only of whole files, a copy of a growing one may outlive it */
        if (i && exists(rotated(i)))
            copy(rotated(i), "log.backup");
        break;
    case 6:
        unlink(path_of("log.backup"));
        break;
    case 7: /* save-over: new inode, same content and more */
        if (exists("log")) {
            size_t n;
            AUTO_MEM char *p = slurp("log", &n);
            save_over("log", p, n);
            write_lines();
        }
        break;
    case 8: /* restored: same content under a new inode */
        if (i && exists(packed(i))) {
            size_t n;
            AUTO_MEM char *p = slurp(packed(i), &n);
            save_over(packed(i), p, n);
        }
        break;
    default:
        write_lines();
    }
}

static void live_through(uint64_t seed)
{
    w.random = seed * 7919 + 1;
    open_set(NULL, 0, 0);
    for (int step = 0; step < 150; step++) {
        disturb();
        if (dice(3) != 0)
            scan(dice(3) == 0 ? 3 : 1);
        if (dice(3) != 0)
            collect(dice(4) == 0 ? SIZE_MAX : dice(4));
        switch (dice(12)) {
        case 0:
        case 1:
        case 2:
            intend();
            done();
            break;
        case 3:
            crash(false);
            break;
        case 4:
            crash(true);
            break;
        }
    }
    end_line();
    for (int i = 0; i < 12; i++) {
        scan(6);
        collect(SIZE_MAX);
        intend();
        done();
    }
    for (uint32_t id = 0; id < w.n_lines; id++)
        if (w.seen[id] != 1)
            fail_msg("seed %llu: line %u was handed out %u times", (unsigned long long)seed, id, w.seen[id]);
    if (strstr(buf_cstr(&t.events), "lost") || strstr(buf_cstr(&t.events), "changed"))
        fail_msg("seed %llu: %s", (unsigned long long)seed, buf_cstr(&t.events));
}

static void each_line_once_whatever_happens(void **state)
{
    const char *text = getenv("WEIR_TEST_SEED");
    uint64_t first = text ? strtoull(text, NULL, 10) : 1;
    for (uint64_t seed = first; seed < first + (text ? 1 : 15); seed++) {
        memset(&w, 0, sizeof(w));
        live_through(seed);
        file_marks_free(w.marks, w.n_marks);
        end(state);
        begin(state);
    }
}

/* ---- a writer that rotates while workers read ---- */

static struct {
    _Atomic bool is_stopped;
    pthread_mutex_t lock;
    uint32_t burst, line_bytes; /* lines at a time up to, and their least length */
    uint32_t n_written;
    uint8_t seen[MAX_LINES];
    uint32_t n_twice;
} live;

static void live_write(uint32_t *n_rotated, uint32_t random)
{
    AUTO_DONE(buf) text = {0};
    for (uint32_t i = 0; i < 1 + random % live.burst && live.n_written < MAX_LINES; i++) {
        uint32_t id = live.n_written++;
        buf_printf(&text, "%u,%0*llx\n", id, (int)live.line_bytes, (unsigned long long)ih64(id));
    }
    size_t half = text.n / 2;
    write_to("log", "ab", text.p, half); /* a line in two writes */
    usleep(random % 300);
    write_to("log", "ab", text.p + half, text.n - half);
    switch (random / 32 % 40) {
    case 0:
        move("log", rotated((int)++*n_rotated));
        break;
    case 1:
        copy("log", rotated((int)++*n_rotated));
        truncate_to("log", 0);
        break;
    case 2:
        if (*n_rotated > 2 && exists(rotated((int)*n_rotated - 2))) {
            gzip_as(rotated((int)*n_rotated - 2), packed((int)*n_rotated - 2));
            unlink(path_of(rotated((int)*n_rotated - 2)));
        }
        break;
    case 3:
        copy("log", ".new");
        move(".new", "log");
        break;
    }
}

static void *live_writer(void *context)
{
    uint32_t n_rotated = 0;
    for (uint64_t i = 1; !atomic_load(&live.is_stopped); i++) {
        live_write(&n_rotated, (uint32_t)(ih64(i * 31) >> 20));
        usleep(200);
    }
    return NULL;
}

static void *live_worker(void *context)
{
    struct file_chunk c;
    struct err err;
    while (!atomic_load(&live.is_stopped)) {
        if (file_next_chunk(t.s, &c, &err) != ERR_OK) {
            usleep(500);
            continue;
        }
        pthread_mutex_lock(&live.lock);
        for (const char *p = c.data, *stop = c.data + c.data_bytes; p < stop;) {
            uint32_t id = (uint32_t)strtoul(p, NULL, 10);
            live.n_twice += live.seen[id]++ > 0;
            p = (const char *)memchr(p, '\n', (size_t)(stop - p)) + 1;
        }
        pthread_mutex_unlock(&live.lock);
        file_release(t.s, &c);
    }
    return NULL;
}

static void rotate_under_readers(uint32_t burst, uint32_t line_bytes)
{
    pthread_t writer, workers[2];
    const char *text = getenv("WEIR_TEST_SECONDS");
    int rounds = text ? (int)strtol(text, NULL, 10) * 100 : 100;
    memset(&live, 0, sizeof(live));
    live.burst = burst;
    live.line_bytes = line_bytes;
    pthread_mutex_init(&live.lock, NULL);
    open_set(NULL, 0, 0);
    pthread_create(&writer, NULL, live_writer, NULL);
    for (int i = 0; i < 2; i++)
        pthread_create(&workers[i], NULL, live_worker, NULL);
    for (int i = 0; i < rounds; i++) {
        scan(0);
        usleep(10000);
    }
    atomic_store(&live.is_stopped, true);
    pthread_join(writer, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(workers[i], NULL);
    for (int i = 0; i < 8; i++) {
        scan(6);
        atomic_store(&live.is_stopped, false);
        pthread_create(&writer, NULL, live_worker, NULL);
        usleep(20000);
        atomic_store(&live.is_stopped, true);
        pthread_join(writer, NULL);
    }
    uint32_t n_missing = 0;
    for (uint32_t id = 0; id < live.n_written; id++)
        n_missing += live.seen[id] == 0;
    if (n_missing || live.n_twice)
        fail_msg("of %u lines %u are missing, %u came twice: %s", live.n_written, n_missing, live.n_twice,
                 buf_cstr(&t.events));
}

static void rotation_under_the_readers_hands(void **state)
{
    rotate_under_readers(20, 1);
}

/* Files of several chunks, which are read ahead of their turn while they are cut off or replaced. */
static void rotation_of_large_files(void **state)
{
    rotate_under_readers(8000, 300);
}

/* What happens between the look ahead and the first scan is seen by the next one. */
static void a_restart_looks_ahead(void **state)
{
    struct file_mark *marks;
    put("log.1", "one\n");
    put("log.2", "two\n");
    look_and_take(0);
    CHECK_GOT("one\ntwo\n");
    size_t n = file_set_marks(t.s, &marks);
    file_set_close(t.s);
    append("log.1", "more\n");
    open_set_ahead(marks, n, 2);
    append("log.1", "and more\n");
    move("log.2", "log.4");
    put("log.3", "three\n");
    buf_reset(&t.events);
    look_and_take(0);
    look_and_take(3);
    CHECK_GOT("more\nand more\nthree\n");
    CHECK_EVENTS("moved log.4\nnew log.3\n");

    file_set_close(t.s);
    open_set_ahead(marks, n, 2);
    t.s->seen_ns -= 60000000000; /* the store took its time */
    put("log.5", "five\n");
    look_and_take(0);
    assert_non_null(strstr(buf_cstr(&t.got), "five\n"));
    file_marks_free(marks, n);
}

/* A set that is closed while it looks ahead, and one whose marks are damaged. */
static void a_look_ahead_may_be_for_nothing(void **state)
{
    struct err err;
    struct file_mark bad = {.partition = 0, .path = NULL};
    put("log", "1\n");
    assert_int_equal(file_set_new(&t.s, &t.spec, &err), ERR_OK);
    file_set_look_ahead(t.s);
    file_set_close(t.s);
    assert_int_equal(file_set_new(&t.s, &t.spec, &err), ERR_OK);
    file_set_look_ahead(t.s);
    assert_int_equal(file_set_know(t.s, &bad, 1, 1, &err), ERR_INVALID);
}

static void check_beginning(const char *whole, size_t n, bool has_hashes)
{
    struct file_mark *marks;
    file_set_close(t.s);
    t.s = NULL;
    put("log", whole);
    look_and_take(0);
    size_t n_marks = file_set_marks(t.s, &marks);
    file_set_close(t.s);
    assert_int_equal(n_marks, 1);
    assert_true((marks[0].small_hash != 0) == (strlen(whole) >= SMALL_BYTES));
    assert_true((marks[0].first_hash != 0) == (strlen(whole) >= FIRST_BYTES));
    if (!has_hashes)
        marks[0].first_hash = marks[0].small_hash = 0;
    write_to("log.copy", "wb", whole, n);
    open_set(marks, n_marks, 1);
    buf_reset(&t.got);
    look_and_take(0);
    look_and_take(100);
    CHECK_GOT("");
    assert_int_equal(t.s->n_unhashed, 0);
    assert_true((t.s->files[0]->first_hash != 0) == (strlen(whole) >= FIRST_BYTES));
    file_marks_free(marks, n_marks);
    unlink(path_of("log.copy"));
}

static void the_beginning_of_a_known_file_is_seen_after_a_restart(void **state)
{
    char text[1001];
    for (size_t i = 0; i < 1000; i++)
        text[i] = i % 10 == 9 ? '\n' : (char)('a' + i * 7 % 26);
    text[1000] = '\0';
    check_beginning(text, 600, true);
    check_beginning(text, 600, false);
    check_beginning(text, 100, true);
    check_beginning(text, 100, false);
}

static void quotes_are_cut_as_the_decoder_does(void **state)
{
    static const char letters[] = "\"\",,\n a\"x\n";
    char text[300];
    w.random = 5;
    for (int i = 0; i < 100000; i++) {
        size_t n = dice(sizeof(text));
        uint32_t mix = dice(3);
        for (size_t k = 0; k < n; k++)
            text[k] = mix == 0 ? letters[dice(10)] : dice(mix == 1 ? 8 : 40) ? "abcd,\n"[dice(6)] : '"';
        struct quotes_cut plain = quotes_cut_plain(',', text, n), cut = quotes_cut(',', text, n);
        size_t whole = decoder_cut(FORMAT_CSV, ',', text, n, false);
        assert_int_equal(plain.is_complete, cut.is_complete);
        if (cut.is_complete)
            assert_int_equal(cut.length, whole);
        else
            assert_int_equal(cut.length + decoder_cut(FORMAT_CSV, ',', text + cut.length, n - cut.length, false),
                             whole);
    }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_growing_file_is_read_as_it_grows),
        CASE(a_renamed_file_goes_on),
        CASE(rotation_while_nobody_looked),
        CASE(copy_and_truncate),
        CASE(truncation_without_a_copy_loses_the_unread_rest_and_says_so),
        CASE(gzip_after_rotation_is_not_read_again),
        CASE(a_packed_copy_under_way_is_not_a_new_file),
        CASE(equal_content_is_read_once),
        CASE(distinct_path_reads_both),
        CASE(a_longer_copy_goes_on_where_the_file_was),
        CASE(saving_over_as_an_editor_does),
        CASE(a_change_in_place_is_seen),
        CASE(writing_over_in_place_is_waited_for),
        CASE(a_file_that_vanished_is_read_to_its_end_while_open),
        CASE(a_file_renamed_out_of_the_pattern_is_followed_while_open),
        CASE(a_last_line_without_end_waits),
        CASE(once_takes_the_last_line),
        CASE(headers_are_kept_apart),
        CASE(a_bad_header_stops_its_file_until_it_changes),
        CASE(a_corrupt_file_keeps_what_came_before),
        CASE(a_record_above_the_limit_comes_alone),
        CASE(open_files_and_chunks_are_bounded),
        CASE(a_stored_mark_that_is_damaged_is_refused),
        CASE(workers_share_files),
        CASE(each_line_once_whatever_happens),
        CASE(rotation_under_the_readers_hands),
        CASE(rotation_of_large_files),
        CASE(a_restart_looks_ahead),
        CASE(a_look_ahead_may_be_for_nothing),
        CASE(the_beginning_of_a_known_file_is_seen_after_a_restart),
        CASE(quotes_are_cut_as_the_decoder_does),
    };
    return cmocka_run_group_tests_name("file_set", tests, NULL, NULL);
}
