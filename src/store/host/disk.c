/* SPDX-License-Identifier: Apache-2.0 */
#include "store/host/disk.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { POLL_MS = 50 };

static _Atomic bool is_ending;
static _Atomic int n_waiting;

void disk_end_soon(void)
{
    atomic_store(&is_ending, true);
}

/* Straight to the descriptor: stdio ends in the write below. */
static void say(const char *text)
{
    size_t n = 0;
    while (text[n] != '\0')
        n++;
    (void)syscall(SYS_write, STDERR_FILENO, text, n);
}

struct wait {
    bool has_begun;
    int64_t last_ms; /* when the process began to end; 0: it does not */
};

static void wait_over(struct wait *w)
{
    if (w->has_begun && atomic_fetch_sub(&n_waiting, 1) == 1)
        say("weir-store: there is room on the disk again\n");
}

/* After a failed call: true = try again. errno is the call's. */
static bool wait_for_room(struct wait *w, int fd)
{
    int error = errno;
    struct stat st;
    if (error == EINTR || error == EAGAIN || error == EBADF || error == EFAULT || error == EINVAL ||
        fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = error;
        return false;
    }
    if (error != ENOSPC && error != EDQUOT) {
        say("weir-store: a write to the disk failed; it ends so that nothing half written is "
            "kept\n");
        _exit(EXIT_FAILURE);
    }
    if (!w->has_begun && atomic_fetch_add(&n_waiting, 1) == 0)
        say("weir-store: the disk is full: writing waits until there is room\n");
    w->has_begun = true;
    if (atomic_load(&is_ending)) {
        int64_t now_ms = clock_mono_ns() / 1000000;
        w->last_ms = w->last_ms ? w->last_ms : now_ms;
        if (now_ms - w->last_ms > DISK_LAST_WAIT_MS) {
            say("weir-store: the disk is still full; it ends without what could not be written\n");
            _exit(EXIT_FAILURE);
        }
    }
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    return true;
}

#define EXPORT __attribute__((visibility("default")))

#define UNTIL_ROOM(fd, call)                                                                       \
    do {                                                                                           \
        struct wait w = {0};                                                                       \
        ssize_t n_written;                                                                         \
        do                                                                                         \
            n_written = (ssize_t)(call);                                                           \
        while (n_written < 0 && wait_for_room(&w, fd));                                            \
        wait_over(&w);                                                                             \
        return n_written;                                                                          \
    } while (0)

EXPORT ssize_t write(int fd, const void *data, size_t n)
{
    UNTIL_ROOM(fd, syscall(SYS_write, fd, data, n));
}

/* Both symbols exist; with 64-bit offsets the header knows them by one name. */
EXPORT ssize_t write_at(int fd, const void *data, size_t n, off_t at) __asm__("pwrite");
EXPORT ssize_t write_at(int fd, const void *data, size_t n, off_t at)
{
    UNTIL_ROOM(fd, syscall(SYS_pwrite64, fd, data, n, at));
}

EXPORT ssize_t pwrite(int fd, const void *data, size_t n, off_t at)
{
    UNTIL_ROOM(fd, syscall(SYS_pwrite64, fd, data, n, at));
}

EXPORT ssize_t writev(int fd, const struct iovec *pieces, int n)
{
    UNTIL_ROOM(fd, syscall(SYS_writev, fd, pieces, n));
}
