/* SPDX-License-Identifier: Apache-2.0
 *
 * struct err: text formatted into the caller's fixed array, so that reporting cannot fail. */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum err_code err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (e == NULL)
        return code;
    va_list args;
    va_start(args, fmt);
    char text[sizeof(e->text)]; /* an argument may be e's own text */
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    memcpy(e->text, text, sizeof(text));
    e->code = code;
    e->store_code = 0;
    return code;
}

enum err_code err_errno(struct err *e, const char *fmt, ...)
{
    int saved = errno;
    char text[700];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    err_set(e, ERR_IO, "%s: %s", text, strerror(saved));
    errno = saved;
    return ERR_IO;
}

enum err_code err_prefix(struct err *e, const char *fmt, ...)
{
    if (e == NULL)
        return ERR_INVALID;
    char prefix[300], old[sizeof(e->text)];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, args);
    va_end(args);
    memcpy(old, e->text, sizeof(old));
    snprintf(e->text, sizeof(e->text), "%s: %.700s", prefix, old);
    return e->code;
}

const char *err_code_name(enum err_code code)
{
    static const char *const names[] = {
        [ERR_OK] = "ok",           [ERR_NOMEM] = "memory",
        [ERR_IO] = "io",           [ERR_SYNTAX] = "syntax",
        [ERR_INVALID] = "invalid", [ERR_NOT_FOUND] = "not_found",
        [ERR_LIMIT] = "limit",     [ERR_UNAVAILABLE] = "unavailable",
        [ERR_STORE] = "store",     [ERR_CONFLICT] = "conflict",
        [ERR_REFUSED] = "refused", [ERR_STOPPED] = "stopped",
    };
    return (size_t)code < COUNT(names) ? names[code] : "unknown";
}
