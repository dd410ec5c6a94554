/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

#define CLOSING_WAIT_MS 30000
#define DEATHS_KEPT 20

struct folder {
    char *dir;
    char *paths[16]; /* given out by folder_path */
    size_t n_paths;
    int lock_fd;
    bool is_holder, had_death;
    char engine[32];
};

const char *folder_path(struct folder *f, const char *name)
{
    char *path = xasprintf("%s/%s", f->dir, name);

    for (size_t i = 0; i < f->n_paths; i++) {
        if (strcmp(f->paths[i], path) == 0) {
            free(path);
            return f->paths[i];
        }
    }
    if (f->n_paths == COUNT(f->paths))
        abort();
    return f->paths[f->n_paths++] = path;
}

static enum err_code make_folder(const char *dir, struct err *e)
{
    struct stat st;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        return err_errno(e, "cannot create the folder %s", dir);
    if (stat(dir, &st) != 0)
        return err_errno(e, "cannot look at %s", dir);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "%s is not a folder", dir);
    if ((st.st_mode & 077) && chmod(dir, 0700) != 0)
        return err_errno(e, "%s can be read by others, and that cannot be changed", dir);
    return ERR_OK;
}

/* ---- the lock ------------------------------------------------------------------------------ */

static bool holder_says(int fd, const char *what)
{
    char text[64];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

    if (n <= 0)
        return false;
    text[n] = '\0';
    return strstr(text, what) != NULL;
}

static void say_in_lock(int fd, const char *what)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "pid %ld %s\n", (long)getpid(), what);

    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return; /* a courtesy to who waits; the lock itself is the flock */
}

/* A holder that says it is closing is waited for. */
static enum err_code take_lock(struct folder *f, struct err *e)
{
    const char *path = folder_path(f, "lock");
    char who[64] = "";

    f->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (f->lock_fd < 0)
        return err_errno(e, "cannot open %s", path);
    for (int waited = 0; flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0; waited += 20) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, "cannot lock %s", path);
        if (waited < CLOSING_WAIT_MS && holder_says(f->lock_fd, "closing")) {
            clock_sleep_ms(20);
            continue;
        }
        ssize_t n = pread(f->lock_fd, who, sizeof(who) - 1, 0);
        who[n > 0 ? strcspn(who, "\n") : 0] = '\0';
        return err_set(e, ERR_CONFLICT, "another weir-store (%s) runs on the folder %s",
                       who[0] ? who : "pid unknown", f->dir);
    }
    return ERR_OK;
}

/* ---- layout.json --------------------------------------------------------------------------- */

static bool read_small(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, room - 1) : -1;

    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* The value of "name" in the flat JSON that we write ourselves. */
static void json_value(const char *text, const char *name, char *ret, size_t room)
{
    AUTO_MEM char *quoted = xasprintf("\"%s\"", name);
    const char *at = strstr(text, quoted);

    ret[0] = '\0';
    if (at == NULL)
        return;
    at += strlen(quoted);
    at += strspn(at, " \t\n:\"");
    snprintf(ret, room, "%.*s", (int)strcspn(at, "\",}\n "), at);
}

static int compare_versions(const char *a, const char *b)
{
    for (int part = 0; part < 4; part++) {
        char *a_end, *b_end;
        long x = strtol(a, &a_end, 10), y = strtol(b, &b_end, 10);

        if (x != y)
            return x < y ? -1 : 1;
        a = *a_end == '.' ? a_end + 1 : a_end;
        b = *b_end == '.' ? b_end + 1 : b_end;
    }
    return 0;
}

static enum err_code check_layout(const struct folder *f, struct err *e)
{
    AUTO_MEM char *path = xasprintf("%s/layout.json", f->dir);
    char text[1024], layout[32], weir[32], engine[32];

    if (!read_small(path, text, sizeof(text)))
        return ERR_OK;
    json_value(text, "layout", layout, sizeof(layout));
    json_value(text, "weir", weir, sizeof(weir));
    json_value(text, "libchdb", engine, sizeof(engine));
    if (atol(layout) <= 0)
        return err_set(e, ERR_REFUSED, "%s does not say which layout the folder has", path);
    if (atol(layout) > LAYOUT_VERSION)
        return err_set(e, ERR_REFUSED,
                       "the folder %s has layout %s, written by weir %s; this weir %s knows up to "
                       "%d: use weir %s or newer. Nothing was changed",
                       f->dir, layout, weir, WEIR_VERSION, LAYOUT_VERSION, weir);
    if (compare_versions(engine, f->engine) > 0)
        return err_set(e, ERR_REFUSED,
                       "the folder %s was written by libchdb %s, here is %s, which is older: use "
                       "libchdb %s or newer. Nothing was changed",
                       f->dir, engine, f->engine, engine);
    return ERR_OK;
}

static enum err_code write_whole(const char *path, const struct buf *text, struct err *e)
{
    AUTO_MEM char *temporary = xasprintf("%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_errno(e, "cannot create %s", temporary);
    bool is_ok = write(fd, text->p, text->n) == (ssize_t)text->n && fsync(fd) == 0;
    if (!is_ok)
        err_errno(e, "cannot write %s", temporary);
    close(fd);
    if (!is_ok)
        return ERR_IO;
    return rename(temporary, path) == 0 ? ERR_OK : err_errno(e, "cannot rename %s", temporary);
}

enum err_code folder_write_layout(struct folder *f, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    char old[1024];
    const char *path = folder_path(f, "layout.json");

    buf_printf(&text, "{\"layout\": %d, \"weir\": \"%s\", \"libchdb\": \"%s\"}\n", LAYOUT_VERSION,
               WEIR_VERSION, f->engine);
    if (read_small(path, old, sizeof(old)) && strcmp(old, buf_cstr(&text)) == 0)
        return ERR_OK;
    return write_whole(path, &text, e);
}

/* ---- config.xml ---------------------------------------------------------------------------- */

/* Text of an XML element. */
static void put_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            buf_text(out, "&amp;");
        else if (*text == '<')
            buf_text(out, "&lt;");
        else
            buf_byte(out, (uint8_t)*text);
    }
}

static void put_number(struct buf *out, const char *name, uint64_t value)
{
    buf_printf(out, "  <%s>%llu</%s>\n", name, (unsigned long long)value, name);
}

/* Seconds between two looks for background work while there is none. */
static void put_pause(struct buf *out, const char *kind, unsigned seconds)
{
    char name[128];

    snprintf(name, sizeof(name),
             "background_%sprocessing_pool_thread_sleep_seconds_if_nothing_to_do", kind);
    put_number(out, name, seconds);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Caches are small shares of the cap, pools as few threads as work with two cores; the pauses
 * between looks for background work are long enough that twenty idle tables cost a quarter percent
 * of a core: an INSERT wakes the merges by itself. */
static void put_config(struct buf *out, struct folder *f, const struct folder_config *c)
{
    uint64_t m = c->memory_bytes;

    buf_text(out, "<!-- Made by weir-store at every start: changes are lost. -->\n<clickhouse>\n"
                  "  <log-level>error</log-level>\n  <logger>\n    <log>");
    put_escaped(out, folder_path(f, "engine.log"));
    buf_text(out, "</log>\n    <size>4M</size>\n    <count>2</count>\n"
                  "    <levels><ThreadStatus>none</ThreadStatus></levels>\n  </logger>\n"
                  "  <timezone>UTC</timezone>\n");
    put_number(out, "max_server_memory_usage_to_ram_ratio", 1);
    put_number(out, "max_server_memory_usage", m);
    put_number(out, "mark_cache_size", least(m / 16, 256u << 20));
    put_number(out, "primary_index_cache_size", least(m / 16, 256u << 20));
    put_number(out, "index_mark_cache_size", least(m / 32, 64u << 20));
    put_number(out, "uncompressed_cache_size", 0);
    put_number(out, "index_uncompressed_cache_size", 0);
    put_number(out, "mmap_cache_size", 64);
    put_number(out, "query_condition_cache_size", least(m / 64, 16u << 20));
    put_number(out, "compiled_expression_cache_size", least(m / 64, 32u << 20));
    put_number(out, "background_pool_size", c->cores < 4 ? 2 : c->cores < 16 ? c->cores / 2 : 8);
    put_number(out, "background_merges_mutations_concurrency_ratio", 2);
    put_number(out, "background_move_pool_size", 1);
    put_number(out, "background_fetches_pool_size", 1);
    put_number(out, "background_common_pool_size", 2);
    put_number(out, "background_schedule_pool_size", 2);
    put_number(out, "background_buffer_flush_schedule_pool_size", 1);
    put_number(out, "background_message_broker_schedule_pool_size", 1);
    put_number(out, "background_distributed_schedule_pool_size", 1);
    put_number(out, "background_streaming_schedule_pool_size", 1);
    put_pause(out, "", 5);
    put_pause(out, "move_", 60);
    put_pause(out, "streaming_", 60);
    put_number(out, "max_thread_pool_free_size", 48);
    put_number(out, "memory_worker_period_ms", 500);
    put_number(out, "async_insert_threads", 1);
    buf_text(out, "</clickhouse>\n");
}

enum err_code folder_write_config(struct folder *f, const struct folder_config *c, struct err *e)
{
    AUTO_DONE(buf) text = {0};

    put_config(&text, f, c);
    return write_whole(folder_path(f, "config.xml"), &text, e);
}

/* ---- life ---------------------------------------------------------------------------------- */

enum err_code folder_open(struct folder **ret, const char *dir, const char *engine_version,
                          struct err *e)
{
    char absolute[PATH_MAX];
    struct folder *f = xcalloc(1, sizeof(*f));

    f->lock_fd = -1;
    snprintf(f->engine, sizeof(f->engine), "%s", engine_version);
    enum err_code code = make_folder(dir, e);
    if (code == ERR_OK && realpath(dir, absolute) == NULL)
        code = err_errno(e, "cannot resolve %s", dir);
    if (code == ERR_OK) {
        f->dir = xstrdup(absolute);
        code = check_layout(f, e);
    }
    if (code == ERR_OK)
        code = take_lock(f, e);
    if (code == ERR_OK) {
        code = check_layout(f, e); /* the one we waited for may have been newer */
        f->had_death = holder_says(f->lock_fd, "running");
        f->is_holder = code == ERR_OK;
    }
    if (code == ERR_OK) {
        say_in_lock(f->lock_fd, "running");
    }
    if (code == ERR_OK && mkdir(folder_path(f, "files"), 0700) != 0 && errno != EEXIST)
        code = err_errno(e, "cannot write in %s", dir);
    if (code != ERR_OK) {
        folder_close(f);
        return code;
    }
    *ret = f;
    return ERR_OK;
}

enum err_code folder_write(struct folder *f, const char *name, const struct buf *text,
                           struct err *e)
{
    return write_whole(folder_path(f, name), text, e);
}

bool folder_had_death(const struct folder *f)
{
    return f->had_death;
}

enum err_code folder_add_death(struct folder *f, struct err *e)
{
    AUTO_DONE(buf) text = {0};
    char old[DEATHS_KEPT * 24 + 1];

    if (!read_small(folder_path(f, "deaths"), old, sizeof(old)))
        old[0] = '\0';
    const char *from = old;
    size_t n_lines = 0;
    for (const char *p = old; *p; p++)
        n_lines += *p == '\n';
    for (; n_lines >= DEATHS_KEPT; n_lines--)
        from = strchr(from, '\n') + 1;
    buf_printf(&text, "%s%" PRId64 "\n", from, clock_wall_s());
    return write_whole(folder_path(f, "deaths"), &text, e);
}

void folder_is_closing(struct folder *f)
{
    say_in_lock(f->lock_fd, "closing");
}

void folder_close(struct folder *f)
{
    if (f == NULL)
        return;
    if (f->is_holder)
        say_in_lock(f->lock_fd, "closing"); /* whatever it ends with: it did not die */
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    for (size_t i = 0; i < f->n_paths; i++)
        free(f->paths[i]);
    free(f->dir);
    free(f);
}

/* ---- memory -------------------------------------------------------------------------------- */

static uint64_t limit_in(const char *path, uint64_t most)
{
    char text[64];

    if (!read_small(path, text, sizeof(text)) || strncmp(text, "max", 3) == 0)
        return most;
    uint64_t n = strtoull(text, NULL, 10);
    return n && n < most ? n : most;
}

/* Every group from ours up to the root may set a limit. */
static uint64_t group_limit(uint64_t most)
{
    char text[4096];

    if (!read_small("/proc/self/cgroup", text, sizeof(text)))
        return most;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *kind = strchr(line, ':');
        char *path = kind ? strchr(kind + 1, ':') : NULL;
        if (path == NULL)
            continue;
        *path++ = '\0';
        bool is_v2 = kind[1] == '\0';
        if (!is_v2 && strstr(kind, "memory") == NULL)
            continue;
        for (;;) {
            char file[4200];
            snprintf(file, sizeof(file), "/sys/fs/cgroup%s%s/%s", is_v2 ? "" : "/memory", path,
                     is_v2 ? "memory.max" : "memory.limit_in_bytes");
            most = limit_in(file, most);
            char *slash = strrchr(path, '/');
            if (slash == NULL || path[1] == '\0')
                break;
            slash[slash == path] = '\0';
        }
    }
    return limit_in("/sys/fs/cgroup/memory.max", most);
}

uint64_t default_memory_bytes(void)
{
    uint64_t ram = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);

    return group_limit(ram) / 2;
}
