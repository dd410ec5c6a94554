/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation with one seam: WEIR_FAIL_ALLOC=n ends the process at the n-th allocation the way a
 * real shortage would, so that fault tests can show that nothing is lost by it. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static _Atomic long fail_countdown = -1; /* -1: environment not read yet; 0: never */

static _Noreturn void out_of_memory(size_t bytes)
{
    char line[128];
    int n = snprintf(line, sizeof(line), "weir: out of memory (%zu bytes asked for)\n", bytes);
    if (write(2, line, (size_t)n) < 0)
        _exit(71);
    _exit(71);
}

static void count_allocation(size_t bytes)
{
    long left = atomic_load_explicit(&fail_countdown, memory_order_relaxed);
    if (left == 0)
        return;
    if (left < 0) {
        const char *text = getenv("WEIR_FAIL_ALLOC");
        atomic_store(&fail_countdown, text ? strtol(text, NULL, 10) : 0);
        return;
    }
    if (atomic_fetch_sub(&fail_countdown, 1) == 1)
        out_of_memory(bytes);
}

void *xmalloc(size_t bytes)
{
    count_allocation(bytes);
    void *p = malloc(bytes ? bytes : 1);
    if (p == NULL)
        out_of_memory(bytes);
    return p;
}

void *xcalloc(size_t n, size_t bytes)
{
    count_allocation(n * bytes);
    void *p = calloc(n ? n : 1, bytes ? bytes : 1);
    if (p == NULL)
        out_of_memory(n * bytes);
    return p;
}

void *xrealloc(void *old, size_t bytes)
{
    count_allocation(bytes);
    void *p = realloc(old, bytes ? bytes : 1);
    if (p == NULL)
        out_of_memory(bytes);
    return p;
}

char *xstrndup(const char *text, size_t n)
{
    char *copy = xmalloc(n + 1);
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *xstrdup(const char *text)
{
    return xstrndup(text, strlen(text));
}

char *xasprintf(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int n = vasprintf(&text, fmt, args);
    va_end(args);
    if (n < 0)
        out_of_memory(0);
    return text;
}

void *xmap(size_t bytes)
{
    count_allocation(bytes);
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        out_of_memory(bytes);
    if (bytes >= (size_t)4 << 20)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

void xunmap(void *p, size_t bytes)
{
    if (p != NULL)
        munmap(p, bytes);
}

size_t mem_resident_bytes(void)
{
    long total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%ld %ld", &total, &resident) != 2)
        resident = 0;
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}
