/* SPDX-License-Identifier: Apache-2.0
 *
 * source/: what a name means, as a table; content marks; patterns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/glob.h"
#include "source/identity.h"

#define N MATCH_NONE
#define P MATCH_PREFIX
#define F MATCH_FULL

static const struct {
    const char *what;
    struct identity_facts facts;
    enum identity expected;
} cases[] = {
    /* ---- names that held nothing before ---- */
    {"a new name without content waits", {.is_empty = true}, IDENTITY_WAIT},
    {"an unknown content is a new file", {.is_settled = true}, IDENTITY_NEW},
    {"a known content without a name has moved here", {.other = F}, IDENTITY_MOVED},
    {"a known content under its own name is a copy", {.other = F, .is_other_there = true}, IDENTITY_SAME},
    {"DISTINCT PATH reads the copy",
     {.other = F, .is_other_there = true, .is_distinct_path = true, .is_settled = true}, IDENTITY_NEW},
    {"DISTINCT PATH still follows a renamed file", {.other = F, .is_distinct_path = true}, IDENTITY_MOVED},
    {"the beginning of a known file is a copy under way", {.other = P, .is_other_there = true}, IDENTITY_PREFIX},
    {"and stays unread when it never gets longer",
     {.other = P, .is_other_there = true, .is_settled = true}, IDENTITY_PREFIX},
    {"DISTINCT PATH waits for a copy to be complete",
     {.other = P, .is_other_there = true, .is_distinct_path = true}, IDENTITY_PREFIX},
    {"DISTINCT PATH reads a short copy once it rests",
     {.other = P, .is_other_there = true, .is_distinct_path = true, .is_settled = true}, IDENTITY_NEW},
    /* ---- names that held a file ---- */
    {"the same content, maybe longer, goes on", {.is_known_path = true, .own = F}, IDENTITY_GO_ON},
    {"also if a copy exists", {.is_known_path = true, .own = F, .other = F, .is_other_there = true}, IDENTITY_GO_ON},
    {"truncated to nothing: wait for what comes", {.is_known_path = true, .is_empty = true, .is_shorter = true},
     IDENTITY_WAIT},
    {"other content, shorter: a new file", {.is_known_path = true, .is_shorter = true}, IDENTITY_NEW},
    {"other content, longer, old renamed within the glob: a new file",
     {.is_known_path = true, .is_old_elsewhere = true}, IDENTITY_NEW},
    {"other content, longer, old nowhere: changed", {.is_known_path = true}, IDENTITY_CHANGED},
    {"however long it rests", {.is_known_path = true, .is_settled = true}, IDENTITY_CHANGED},
    {"the beginning of what it held: being written over", {.is_known_path = true, .own = P, .is_shorter = true},
     IDENTITY_WAIT},
    {"and when it stays so, shorter is new",
     {.is_known_path = true, .own = P, .is_shorter = true, .is_settled = true}, IDENTITY_NEW},
    {"a name that now holds another file's content, whose name is gone",
     {.is_known_path = true, .other = F}, IDENTITY_MOVED},
    {"a name that now holds a copy of another file",
     {.is_known_path = true, .other = F, .is_other_there = true}, IDENTITY_SAME},
    {"DISTINCT PATH: other content longer than what was read is changed also if another name has it",
     {.is_known_path = true, .other = F, .is_other_there = true, .is_distinct_path = true}, IDENTITY_CHANGED},
};

static void each_situation_is_decided_as_documented(void **state)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        enum identity got = identity_decide(&cases[i].facts);
        if (got != cases[i].expected)
            fail_msg("%s: %d instead of %d", cases[i].what, got, cases[i].expected);
    }
}

/* ---- contents ---- */

static char folder[64];
static char scratch[SCRATCH_BYTES];

static const char *path_of(const char *name)
{
    static char paths[4][256];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *bytes, size_t n)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static int make_folder(void **state)
{
    snprintf(folder, sizeof(folder), "/tmp/weir-identity-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    AUTO_MEM char *command = xasprintf("rm -rf '%s'", folder);
    return system(command);
}

static struct content look_at(const char *bytes, size_t n)
{
    struct reader r;
    struct content c;
    struct err err;
    put("x", bytes, n);
    assert_int_equal(reader_open(&r, path_of("x"), &err), ERR_OK);
    assert_int_equal(content_look(&r, &(struct file_source_spec){.format = FORMAT_CSV}, scratch, &c, &err), ERR_OK);
    reader_close(&r);
    return c;
}

static void foreign_files_are_refused_with_the_command_that_converts(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *text;
    } files[] = {
        {"\xff\xfe" "a\0", 4, "iconv"}, {"\xfe\xff\0a", 4, "iconv"}, {"PK\x03\x04....", 8, "unzip"},
        {"PAR1\x15\x04", 6, "clickhouse-local"}, {"\xfd" "7zXZ\0\0", 7, "xz -dc"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        struct content c = look_at(files[i].bytes, files[i].n);
        assert_int_equal(c.kind, CONTENT_REFUSED);
        assert_non_null(strstr(c.text, files[i].text));
    }
    assert_int_equal(look_at("PAR1,x\n", 7).kind, CONTENT_OK);
    assert_int_equal(look_at("BZh,x\n", 6).kind, CONTENT_OK);
}

static void identity_begins_with_the_first_byte_of_a_record(void **state)
{
    assert_int_equal(look_at("", 0).kind, CONTENT_EMPTY);
    assert_int_equal(look_at("\xef\xbb\xbf", 3).kind, CONTENT_EMPTY);
    struct content c = look_at("\xef\xbb\xbf" "a\n", 5);
    assert_int_equal(c.kind, CONTENT_OK);
    assert_int_equal(c.header_bytes, 3);
    assert_int_equal(c.head_bytes, 2);
}

static struct file_mark mark_of(const char *bytes, size_t n)
{
    size_t covered = n < FILE_HASH_BYTES ? n : FILE_HASH_BYTES;
    return (struct file_mark){
        .position = n, .head_bytes = (uint32_t)covered, .head_hash = sip_hash128(bytes, covered),
        .tail_bytes = (uint32_t)covered, .tail_hash = sip_hash128(bytes + n - covered, covered),
    };
}

static struct match_result match(const char *bytes, size_t n, const struct file_mark *m)
{
    struct reader r;
    struct match_result result;
    struct err err;
    put("x", bytes, n);
    assert_int_equal(reader_open(&r, path_of("x"), &err), ERR_OK);
    assert_int_equal(identity_match(&r, m, scratch, &result, &err), ERR_OK);
    reader_close(&r);
    return result;
}

static void content_is_compared_at_its_head_and_before_the_position(void **state)
{
    enum { LONG = 300000 };
    char *a = xmalloc(LONG);
    for (size_t i = 0; i < LONG; i++)
        a[i] = (char)('a' + ih64(i) % 26);
    struct file_mark m = mark_of(a, 200000);
    assert_int_equal(match(a, 200000, &m).match, MATCH_FULL);
    assert_int_equal(match(a, LONG, &m).match, MATCH_FULL);
    assert_int_equal(match(a, 199999, &m).match, MATCH_PREFIX);
    assert_true(match(a, 199999, &m).is_shorter);
    a[199999] ^= 1; /* the last byte before the position */
    assert_int_equal(match(a, LONG, &m).match, MATCH_NONE);
    assert_false(match(a, LONG, &m).is_shorter);
    a[199999] ^= 1;
    a[0] ^= 1;
    assert_int_equal(match(a, LONG, &m).match, MATCH_NONE);
    a[0] ^= 1;
    a[100000] ^= 1; /* neither head nor tail: not seen */
    assert_int_equal(match(a, LONG, &m).match, MATCH_FULL);
    struct file_mark small = mark_of("ab\n", 3);
    assert_int_equal(match("ab\ncd\n", 6, &small).match, MATCH_FULL);
    assert_int_equal(match("ab", 2, &small).match, MATCH_NONE); /* too short to be compared */
    assert_int_equal(match("ax\ncd\n", 6, &small).match, MATCH_NONE);
    free(a);
}

/* ---- patterns ---- */

struct names {
    char text[2048];
};

static void see(void *context, const char *path, uint32_t pattern)
{
    struct names *names = context;
    size_t n = strlen(names->text);
    snprintf(names->text + n, sizeof(names->text) - n, "+%s ", path + strlen(folder) + 1);
}

static void miss(void *context, const char *path)
{
    struct names *names = context;
    size_t n = strlen(names->text);
    snprintf(names->text + n, sizeof(names->text) - n, "-%s ", path + strlen(folder) + 1);
}

static void ignore_failure(void *context, const char *path, int error)
{
}

static void walk(struct glob *g, const char *expected)
{
    struct names names = {""};
    struct glob_visitor v = {&names, see, miss, ignore_failure};
    glob_walk(g, &v);
    assert_string_equal(names.text, expected);
}

static struct glob *glob_of(const char *pattern)
{
    struct glob *g;
    struct err err;
    AUTO_MEM char *full = xasprintf("%s/%s", folder, pattern);
    const char *patterns[] = {full};
    assert_int_equal(glob_new(&g, patterns, 1, &err), ERR_OK);
    return g;
}

static void glob_tells_what_came_and_went(void **state)
{
    put("a1.log", "x", 1);
    put("a2.log", "x", 1);
    put(".hidden.log", "x", 1);
    put("b.txt", "x", 1);
    struct glob *g = glob_of("*.log");
    walk(g, "+a1.log +a2.log ");
    walk(g, "");
    put("a3.log", "x", 1);
    unlink(path_of("a1.log"));
    walk(g, "-a1.log +a3.log ");
    rename(path_of("a2.log"), path_of("a3.log"));
    walk(g, "-a2.log +a3.log "); /* another inode: look at it */
    glob_free(g);
}

static void glob_knows_folders_braces_ranges_and_depth(void **state)
{
    mkdir(path_of("d"), 0700);
    mkdir(path_of("d/e"), 0700);
    put("d/1.csv", "x", 1);
    put("d/e/2.csv", "x", 1);
    put("d/e/3.tsv", "x", 1);
    struct {
        const char *pattern, *expected;
    } globs[] = {
        {"d/1.csv", "+d/1.csv "},
        {"?/*.csv", "+d/1.csv "},
        {"d/**/*.csv", "+d/1.csv +d/e/2.csv "},
        {"d/e/{2,3}.*", "+d/e/2.csv +d/e/3.tsv "},
        {"d/e/{1..3}.{csv,tsv}", "+d/e/2.csv +d/e/3.tsv "},
        {"d/e/[3-9].tsv", "+d/e/3.tsv "},
        {"none/*", ""},
    };
    for (size_t i = 0; i < COUNT(globs); i++) {
        struct glob *g = glob_of(globs[i].pattern);
        walk(g, globs[i].expected);
        glob_free(g);
    }
    struct glob *g;
    struct err err;
    const char *bad[] = {"/x/{a,b"}, *many[] = {"/x/{1..9999}{1..9999}"};
    assert_int_equal(glob_new(&g, bad, 1, &err), ERR_INVALID);
    assert_int_equal(glob_new(&g, many, 1, &err), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_situation_is_decided_as_documented),
        cmocka_unit_test_setup_teardown(foreign_files_are_refused_with_the_command_that_converts, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(identity_begins_with_the_first_byte_of_a_record, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(content_is_compared_at_its_head_and_before_the_position, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(glob_tells_what_came_and_went, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(glob_knows_folders_braces_ranges_and_depth, make_folder, remove_folder),
    };
    return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
