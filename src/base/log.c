/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static _Atomic int lowest = -1;

static int level_from_environment(void)
{
    const char *text = getenv("WEIR_LOG");
    for (int i = 0; text != NULL && i < 4; i++)
        if (strcmp(text, level_names[i]) == 0)
            return i;
    return LOG_WARN;
}

void log_set_level(enum log_level level)
{
    atomic_store(&lowest, (int)level);
}

void log_line(enum log_level level, const char *component, const char *event, const char *fmt, ...)
{
    if (atomic_load(&lowest) < 0)
        atomic_store(&lowest, level_from_environment());
    if ((int)level < atomic_load(&lowest))
        return;

    char line[2048];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(line + n, sizeof(line) - n, ".%03ldZ %s %s %s ", now.tv_nsec / 1000000,
                          level_names[level], component, event);
    va_list args;
    va_start(args, fmt);
    int more = vsnprintf(line + n, sizeof(line) - n - 1, fmt, args);
    va_end(args);
    n += more < 0 ? 0 : (size_t)more;
    if (n > sizeof(line) - 2)
        n = sizeof(line) - 2;
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nowhere left to say it */
}
