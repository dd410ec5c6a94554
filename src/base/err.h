/* SPDX-License-Identifier: Apache-2.0
 *
 * Failures of the world. A function that can fail returns an enum err_code and fills the caller's
 * struct err, which lives on the stack and owns nothing. Bugs are assert()ed instead; bad
 * records are data, not errors. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum err_code {
    ERR_OK = 0,
    ERR_NOMEM,   /* an allocation failed or a memory limit was reached */
    ERR_IO,      /* a system call failed */
    ERR_SYNTAX,  /* text that cannot be parsed */
    ERR_INVALID, /* parsed, but means nothing that is allowed */
    ERR_NOT_FOUND,
    ERR_LIMIT,       /* a named limit was exceeded */
    ERR_UNAVAILABLE, /* store, file system or peer not there now; trying again may help */
    /* the store answered with an exception; `store_code` holds ClickHouse's number */
    ERR_STORE,
    ERR_CONFLICT, /* something else holds or changed what was expected */
    ERR_REFUSED,  /* not done on purpose: rights, definitions that do not fit what is stored */
    ERR_STOPPED,  /* asked to stop */
};

struct err {
    enum err_code code;
    int store_code;
    char text[1024];
};

/* Fills `e` (may be NULL) and returns `code`, so that `return err_set(...)` reads well. */
enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As err_set, with ": strerror(errno)" after the text; the code is ERR_IO. Keeps errno. */
enum err_code err_errno(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Puts "prefix: " before the text that is there. Returns e's code. */
enum err_code err_prefix(struct err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* A short name such as "io" for logs and JSON. */
const char *err_code_name(enum err_code code);

/* Passes a failure up. */
#define TRY(expression)                                                                            \
    do {                                                                                           \
        enum err_code try_code_ = (expression);                                                    \
        if (try_code_ != ERR_OK)                                                                   \
            return try_code_;                                                                      \
    } while (0)

#endif
