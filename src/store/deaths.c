/* SPDX-License-Identifier: Apache-2.0
 *
 * A weir-store notes the death of the one before it when it starts, so the last death may stand
 * in no file yet: then the lock names a process that is gone and did not say that it was
 * closing. */
#include "store/deaths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { MOST_BYTES = 1 << 20, MOST_TEXT = 300 };

static void read_file(const char *folder, const char *name, struct buf *ret)
{
    AUTO_MEM char *path = xasprintf("%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && ret->n < MOST_BYTES) {
        ssize_t n = read(fd, buf_reserve(ret, 4096), 4096);
        if (n <= 0)
            break;
        ret->n += (size_t)n;
    }
    if (fd >= 0)
        close(fd);
}

/* Did the holder of the lock end without a word, and no other came since? */
static bool is_unseen(const char *folder)
{
    AUTO_DONE(buf) lock = {0};
    read_file(folder, "lock", &lock);
    long pid = 0;
    char what[16] = "";
    if (sscanf(buf_cstr(&lock), "pid %ld %15s", &pid, what) != 2 || strcmp(what, "running") != 0)
        return false;
    /* A dead child that nobody waited for still has its number, but no program. */
    char exe[64], program[8];
    snprintf(exe, sizeof(exe), "/proc/%ld/exe", pid);
    return readlink(exe, program, sizeof(program)) < 0 && errno == ENOENT;
}

/* The statements of `text`, "id TAB statement" each, ended by zeroes or line ends: the first one
 * and how many more. */
static void name_statements(const struct buf *text, struct buf *ret)
{
    size_t n = 0;
    for (size_t at = 0; at < text->n;) {
        const char *from = (const char *)text->p + at;
        size_t length = 0;
        while (at + length < text->n && from[length] != '\0' && from[length] != '\n')
            length++;
        at += length + 1;
        const char *tab = memchr(from, '\t', length);
        if (length == 0 || tab == NULL)
            continue;
        length -= (size_t)(tab + 1 - from);
        if (n++ == 0)
            buf_put(ret, tab + 1, length < MOST_TEXT ? length : MOST_TEXT);
    }
    if (n > 1)
        buf_printf(ret, " (and %zu more)", n - 1);
    for (size_t i = 0; i < ret->n; i++)
        if ((unsigned char)ret->p[i] < ' ')
            ret->p[i] = ' ';
}

unsigned deaths_count(const char *folder, struct buf *last)
{
    AUTO_DONE(buf) deaths = {0};
    AUTO_DONE(buf) statements = {0};
    int64_t now = clock_wall_s();
    unsigned n = 0;
    read_file(folder, "deaths", &deaths);
    char *end;
    for (const char *p = buf_cstr(&deaths); *p; p = end + 1) {
        int64_t at = strtoll(p, &end, 10);
        if (end == p || *end != '\n')
            break;
        n += at <= now + DEATH_WINDOW_S && now - at < DEATH_WINDOW_S;
    }
    bool has_unseen = is_unseen(folder);
    read_file(folder, has_unseen ? "running" : "crashed", &statements);
    name_statements(&statements, last);
    return n + has_unseen;
}
