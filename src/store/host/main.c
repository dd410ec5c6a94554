/* SPDX-License-Identifier: Apache-2.0
 *
 * weir-store: libchdb behind ClickHouse's HTTP interface. Start: folder and lock, engine, sockets.
 * Then the main thread only waits, for a signal or for the last client to have been gone for long
 * enough; everything else happens in the threads of the connections. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/host/chdb.h"
#include "store/host/disk.h"
#include "store/host/exchange.h"
#include "store/host/folder.h"
#include "store/host/http.h"

enum exit_code {
    EXIT_OK,
    EXIT_FAILED, /* something of the world: disk, library, port */
    EXIT_USAGE,
    EXIT_LOCKED, /* another weir-store has the folder */
    EXIT_NEWER,  /* the folder was written by a newer weir or libchdb */
};

#define GRACE_MS 30000 /* for statements at work when it ends */

struct options {
    const char *dir, *socket, *listen, *token_file, *libchdb;
    int64_t linger_ms; /* 0: only a signal ends it */
    uint64_t memory_bytes;
    unsigned threads;
};

static const char usage_text[] =
    "usage: weir-store --dir DIR [options]\n"
    "  --dir DIR           the store's folder; made where it is missing\n"
    "  --socket PATH       unix socket to listen on (default DIR/store.sock)\n"
    "  --listen ADDR:PORT  listen on TCP too; needs --token-file\n"
    "  --token-file FILE   what TCP clients must show; only its owner may read the file\n"
    "  --libchdb PATH      the engine (default: WEIR_LIBCHDB, PREFIX/lib/weir, the cache)\n"
    "  --linger SECONDS    end that long after the last client left (default 0: only by signal)\n"
    "  --memory BYTES      cap of the whole engine, also 500M, 4G (default: half of RAM or limit)\n"
    "  --threads N         of one query (default: the cores)\n"
    "exit: 0 ended as asked, 1 failed, 2 wrong usage, 3 folder in use, 4 folder written by a newer "
    "version\n";

static bool parse_bytes(const char *text, uint64_t *ret)
{
    char *end;
    unsigned shift = 0;
    unsigned long long n = strtoull(text, &end, 10);

    if (end == text || text[0] == '-')
        return false;
    switch (*end | 0x20) {
    case 'k': shift = 10; break;
    case 'm': shift = 20; break;
    case 'g': shift = 30; break;
    }
    end += shift != 0;
    if (*end != '\0' || n == 0 || n > UINT64_MAX >> shift)
        return false;
    *ret = n << shift;
    return true;
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        {"dir", required_argument, NULL, 'd'},
        {"socket", required_argument, NULL, 's'},
        {"listen", required_argument, NULL, 'l'},
        {"token-file", required_argument, NULL, 't'},
        {"libchdb", required_argument, NULL, 'c'},
        {"linger", required_argument, NULL, 'g'},
        {"memory", required_argument, NULL, 'm'},
        {"threads", required_argument, NULL, 'n'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {0},
    };
    char *end;
    double seconds;

    for (int c; (c = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        switch (c) {
        case 'd': o->dir = optarg; break;
        case 's': o->socket = optarg; break;
        case 'l': o->listen = optarg; break;
        case 't': o->token_file = optarg; break;
        case 'c': o->libchdb = optarg; break;
        case 'g':
            seconds = strtod(optarg, &end);
            if (*end != '\0' || end == optarg || !(seconds >= 0 && seconds < 1e9)) {
                fprintf(stderr, "weir-store: --linger %s: seconds are needed\n", optarg);
                return false;
            }
            o->linger_ms = (int64_t)(seconds * 1000);
            break;
        case 'm':
            if (!parse_bytes(optarg, &o->memory_bytes) || o->memory_bytes < 256u << 20) {
                fprintf(stderr, "weir-store: --memory %s: at least 256M are needed\n", optarg);
                return false;
            }
            break;
        case 'n':
            o->threads = (unsigned)strtoul(optarg, &end, 10);
            if (*end != '\0' || o->threads == 0 || o->threads > 1024) {
                fprintf(stderr, "weir-store: --threads %s: 1 to 1024\n", optarg);
                return false;
            }
            break;
        case 'h': fputs(usage_text, stdout); exit(EXIT_OK);
        case 'v':
            printf("weir-store %s (libchdb %s, layout %d)\n", WEIR_VERSION, CHDB_PACKAGE,
                   LAYOUT_VERSION);
            exit(EXIT_OK);
        default: fputs(usage_text, stderr); return false;
        }
    }
    if (o->dir == NULL || optind < argc || (o->listen != NULL) != (o->token_file != NULL)) {
        fputs(usage_text, stderr);
        return false;
    }
    return true;
}

/* A token that others can read is none. */
static enum err_code read_token(const char *path, struct buf *token, struct err *e)
{
    struct stat st;
    char text[1024];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    bool is_private = fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 077) == 0;

    if (n < 0)
        err_errno(e, "cannot read the token file %s", path);
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return ERR_IO;
    if (!is_private)
        return err_set(e, ERR_INVALID, "others can read the token file %s: chmod 600 it", path);
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (n < 16)
        return err_set(e, ERR_INVALID, "the token in %s has less than 16 characters", path);
    buf_put(token, text, (size_t)n);
    return ERR_OK;
}

static void kill_query(void *arg, struct str id)
{
    struct backend *b = arg;
    b->kill(b, id);
}

static sigset_t ending_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

/* True when a signal came within `ms`; without end when that is negative. */
static bool wait_signal(int ms)
{
    sigset_t set = ending_signals();
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};

    if (ms < 0)
        return sigwaitinfo(&set, NULL) > 0;
    return sigtimedwait(&set, NULL, &limit) > 0;
}

/* Returns when the store shall end. */
static void wait_for_end(const struct http *http, int64_t linger_ms)
{
    int64_t left_ns = clock_mono_ns();

    if (linger_ms == 0) {
        while (!wait_signal(-1))
            ;
        return;
    }
    while (!wait_signal(250)) {
        if (http_connections(http) > 0)
            left_ns = clock_mono_ns();
        else if (clock_mono_ns() - left_ns >= linger_ms * 1000000)
            return;
    }
}

/* Reads are cancelled, the rest may end. A second signal ends the waiting. */
static void drain(struct host *host)
{
    int64_t begin_ns = clock_mono_ns();

    atomic_store(&host->is_stopping, true);
    while (running_count(host->running, true) > 0 &&
           clock_mono_ns() - begin_ns < GRACE_MS * 1000000L) {
        if (wait_signal(20))
            break;
    }
}

static enum err_code serve(const struct options *o, struct folder *folder, struct host *host,
                           struct err *e)
{
    struct http *http = NULL;
    const char *socket = o->socket ? o->socket : folder_path(folder, "store.sock");

    TRY(http_open(&http, host, socket, o->listen, e));
    fprintf(stderr, "ready socket=%s\n", socket);
    wait_for_end(http, o->linger_ms);
    disk_end_soon();
    folder_is_closing(folder);
    http_stop_listening(http);
    drain(host);
    http_close(http);
    return ERR_OK;
}

/* Says which statements the last weir-store here did not survive. */
static enum err_code tell_crash(struct folder *folder, struct err *e)
{
    AUTO_DONE(buf) left = {0};
    size_t n = running_left_behind(folder_path(folder, "running"), &left);

    if (n == 0 && !folder_had_death(folder))
        return ERR_OK;
    struct err why;
    if (folder_add_death(folder, &why) != ERR_OK) /* no reason not to start */
        fprintf(stderr, "weir-store: %s\n", why.text);
    fprintf(stderr, "weir-store: the last one here died with %zu statements at work: %.300s\n", n,
            buf_cstr(&left));
    return folder_write(folder, "crashed", &left, e);
}

static enum err_code run_engine(const struct options *o, struct folder *folder, struct chdb *chdb,
                                struct host *host, struct err *e)
{
    struct folder_config config = {o->memory_bytes ? o->memory_bytes : default_memory_bytes(),
                                   (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};

    TRY(folder_write_config(folder, &config, e));
    if (chdir(folder_path(folder, "files")) != 0)
        return err_errno(e, "cannot enter %s", folder_path(folder, "files"));
    TRY(chdb_start(chdb, folder_path(folder, "data"), folder_path(folder, "config.xml"), e));
    TRY(folder_write_layout(folder, e));
    signal(SIGPIPE, SIG_IGN); /* a client that left, a reader that closed its pipe */
    host->backend = chdb_backend(chdb);
    host->query_memory_bytes = config.memory_bytes / 10 * 6;
    host->threads = o->threads;
    host->workers = workers_new();
    TRY(tell_crash(folder, e));
    TRY(running_open(&host->running, folder_path(folder, "running"), kill_query, host->backend, e));
    enum err_code code = serve(o, folder, host, e);
    running_close(host->running);
    workers_free(host->workers);
    return code;
}

static enum err_code run(const struct options *o, struct err *e)
{
    struct host host = {0};
    struct chdb *chdb = NULL;
    struct folder *folder = NULL;
    AUTO_DONE(buf) token = {0};

    if (o->token_file)
        TRY(read_token(o->token_file, &token, e));
    host.token = buf_view(&token);
    TRY(chdb_load(&chdb, o->libchdb, e));
    enum err_code code = folder_open(&folder, o->dir, chdb_library_version(chdb), e);
    if (code == ERR_OK)
        code = run_engine(o, folder, chdb, &host, e);
    if (folder)
        chdb_stop(chdb);
    folder_close(folder);
    return code;
}

/* Paths of the command line are of the caller's folder; the store works in its own. */
static const char *absolute(const char *path)
{
    if (path == NULL || path[0] == '/')
        return path;
    AUTO_MEM char *here = getcwd(NULL, 0);
    return xasprintf("%s/%s", here ? here : ".", path);
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct err e = {0};
    sigset_t set = ending_signals();

    if (!parse_options(&o, argc, argv))
        return EXIT_USAGE;
    o.dir = absolute(o.dir);
    o.socket = absolute(o.socket);
    umask(077);
    setenv("TZ", "UTC", 1); /* before the library looks */
    tzset();
    signal(SIGPIPE, SIG_IGN);
    pthread_sigmask(SIG_BLOCK, &set, NULL); /* all threads inherit it; main waits for them */
    enum err_code code = run(&o, &e);
    if (code != ERR_OK)
        fprintf(stderr, "weir-store: %s\n", e.text);
    fflush(NULL);
    _exit(code == ERR_OK         ? EXIT_OK
          : code == ERR_CONFLICT ? EXIT_LOCKED
          : code == ERR_REFUSED  ? EXIT_NEWER
                                 : EXIT_FAILED); /* no destructors of a library that has ended */
}
