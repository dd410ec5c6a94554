/* SPDX-License-Identifier: Apache-2.0
 *
 * Allocation that cannot be forgotten: xmalloc and friends end the program with a clear line when
 * memory is gone (Linux overcommits, so this is met only under a hard limit, and every buffer that
 * input can grow has its own limit before that). AUTO frees at the end of a scope, MOVE hands over.
 * The n-th allocation can be made to fail: WEIR_FAIL_ALLOC=n (fault tests). */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>

void *xmalloc(size_t bytes);
void *xcalloc(size_t n, size_t bytes); /* zeroed */
void *xrealloc(void *p, size_t bytes);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t n);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Large tables: zeroed pages straight from the kernel, huge pages advised, freed with their
 * size. */
void *xmap(size_t bytes);
void xunmap(void *p, size_t bytes);

/* Bytes of resident memory of this process now. any thread */
size_t mem_resident_bytes(void);

static inline void mem_free_at_(void *pp)
{
    void **p = pp;
    free(*p);
}

/* AUTO_MEM char *text = xstrdup(...): freed when the scope ends. */
#define AUTO_MEM __attribute__((cleanup(mem_free_at_)))

/* Defines the cleanup for `struct type` with type_free(); then AUTO(type) x = type_new(). */
#define DEFINE_AUTO(type)                                                                          \
    static inline void type##_free_at_(struct type **p)                                            \
    {                                                                                              \
        type##_free(*p);                                                                           \
    }
#define AUTO(type) __attribute__((cleanup(type##_free_at_))) struct type *

/* Defines the cleanup for a struct by value with type_done(); then AUTO_DONE(buf) b = {0}. */
#define DEFINE_AUTO_DONE(type)                                                                     \
    static inline void type##_done_at_(struct type *p)                                             \
    {                                                                                              \
        type##_done(p);                                                                            \
    }
#define AUTO_DONE(type) __attribute__((cleanup(type##_done_at_))) struct type

#define MOVE(p)                                                                                    \
    ({                                                                                             \
        typeof(p) moved_ = (p);                                                                    \
        (p) = NULL;                                                                                \
        moved_;                                                                                    \
    })

#endif
