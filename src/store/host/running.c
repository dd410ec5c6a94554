/* SPDX-License-Identifier: Apache-2.0
 *
 * One lock over all slots: it is taken twice a statement, for well under a microsecond. The watcher
 * sleeps without a timer while nothing runs, so an idle store costs nothing here. */
#include "store/host/running.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define WATCH_MS 100
#define ID_MAX 256

struct slot {
    bool is_used;
    int fd;
    size_t id_bytes;
    char id[ID_MAX];
};

struct running {
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    bool is_closing;
    int n_used, n_watched;
    struct slot slots[RUNNING_MAX];
    char *page; /* RUNNING_MAX * RUNNING_SLOT_BYTES, or NULL */
    void (*kill)(void *arg, struct str id);
    void *arg;
    pthread_t watcher;
};

static bool is_gone(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};

    return poll(&p, 1, 0) == 1 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* Copies the ids of the watched statements whose client has gone (all of them with `all`). */
static int collect(struct running *r, bool all, struct slot *victims)
{
    int n = 0;

    for (int i = 0; i < RUNNING_MAX; i++) {
        const struct slot *s = &r->slots[i];
        if (s->is_used && s->fd >= 0 && (all || is_gone(s->fd)))
            victims[n++] = *s;
    }
    return n;
}

static void kill_all(struct running *r, const struct slot *victims, int n)
{
    for (int i = 0; i < n; i++)
        r->kill(r->arg, (struct str){victims[i].id, victims[i].id_bytes});
}

/* A victim that is still there at the next round is killed again: the first time may have been too
 * early for the engine to know it. */
static void *watch(void *arg)
{
    struct running *r = arg;
    struct slot *victims = xcalloc(RUNNING_MAX, sizeof(*victims));

    pthread_mutex_lock(&r->lock);
    while (!r->is_closing) {
        if (r->n_watched == 0) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        while (!r->is_closing && pthread_cond_timedwait(&r->changed, &r->lock, &until) == 0)
            ;
        int n = collect(r, false, victims);
        if (n == 0)
            continue;
        pthread_mutex_unlock(&r->lock);
        kill_all(r, victims, n);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    free(victims);
    return NULL;
}

size_t running_left_behind(const char *path, struct buf *out)
{
    char slot[RUNNING_SLOT_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t n = 0;

    while (fd >= 0 && read(fd, slot, sizeof(slot)) == (ssize_t)sizeof(slot)) {
        size_t length = strnlen(slot, sizeof(slot));
        if (length == 0)
            continue;
        for (size_t i = 0; i < length; i++)
            buf_byte(out, slot[i] == '\n' || slot[i] == '\r' ? ' ' : (uint8_t)slot[i]);
        buf_byte(out, '\n');
        n++;
    }
    if (fd >= 0)
        close(fd);
    return n;
}

static enum err_code map_page(struct running *r, const char *path, struct err *e)
{
    size_t bytes = (size_t)RUNNING_MAX * RUNNING_SLOT_BYTES;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return err_errno(e, "cannot create %s", path);
    int failed = posix_fallocate(fd, 0, (off_t)bytes);
    if (failed) {
        close(fd);
        errno = failed;
        return err_errno(e, "cannot write %s", path);
    }
    r->page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (r->page == MAP_FAILED) {
        r->page = NULL;
        return err_errno(e, "cannot map %s", path);
    }
    return ERR_OK;
}

enum err_code running_open(struct running **ret, const char *path,
                           void (*kill)(void *arg, struct str id), void *arg, struct err *e)
{
    struct running *r = xcalloc(1, sizeof(*r));

    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    r->kill = kill;
    r->arg = arg;
    if (path && map_page(r, path, e) != ERR_OK) {
        free(r);
        return ERR_IO;
    }
    int failed = pthread_create(&r->watcher, NULL, watch, r);
    if (failed) {
        free(r);
        errno = failed;
        return err_errno(e, "cannot start a thread");
    }
    *ret = r;
    return ERR_OK;
}

void running_close(struct running *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->is_closing = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->watcher, NULL);
    if (r->page)
        munmap(r->page, (size_t)RUNNING_MAX * RUNNING_SLOT_BYTES);
    pthread_mutex_destroy(&r->lock);
    pthread_cond_destroy(&r->changed);
    free(r);
}

static void note(struct running *r, int slot, struct str id, struct str text)
{
    char *p = r->page + (size_t)slot * RUNNING_SLOT_BYTES;
    size_t room = RUNNING_SLOT_BYTES - 1 - id.n - 1;
    size_t n = text.n < room ? text.n : room;

    memcpy(p + id.n + 1, text.p, n);
    p[id.n] = '\t';
    memcpy(p, id.p, id.n);
}

int running_add(struct running *r, struct str id, struct str text, int fd)
{
    int slot = -2;

    if (id.n >= ID_MAX)
        id.n = ID_MAX - 1;
    pthread_mutex_lock(&r->lock);
    for (int i = 0; i < RUNNING_MAX; i++) {
        const struct slot *s = &r->slots[i];
        if (!s->is_used) {
            slot = slot == -2 ? i : slot;
        } else if (s->id_bytes == id.n && memcmp(s->id, id.p, id.n) == 0) {
            slot = -1;
            break;
        }
    }
    if (slot >= 0) {
        struct slot *s = &r->slots[slot];
        *s = (struct slot){.is_used = true, .fd = fd, .id_bytes = id.n};
        memcpy(s->id, id.p, id.n);
        r->n_used++;
        if (fd >= 0 && r->n_watched++ == 0)
            pthread_cond_signal(&r->changed);
        if (r->page)
            note(r, slot, id, text);
    }
    pthread_mutex_unlock(&r->lock);
    return slot;
}

void running_remove(struct running *r, int slot)
{
    pthread_mutex_lock(&r->lock);
    r->n_watched -= r->slots[slot].fd >= 0;
    r->n_used--;
    r->slots[slot].is_used = false;
    if (r->page)
        memset(r->page + (size_t)slot * RUNNING_SLOT_BYTES, 0, RUNNING_SLOT_BYTES);
    pthread_mutex_unlock(&r->lock);
}

int running_count(struct running *r, bool kill_watched)
{
    struct slot *victims = kill_watched ? xcalloc(RUNNING_MAX, sizeof(*victims)) : NULL;

    pthread_mutex_lock(&r->lock);
    int n_used = r->n_used;
    int n = victims ? collect(r, true, victims) : 0;
    pthread_mutex_unlock(&r->lock);
    kill_all(r, victims, n);
    free(victims);
    return n_used;
}
