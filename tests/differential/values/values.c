/* SPDX-License-Identifier: Apache-2.0
 *
 * A line filter over the functions of column/zone.h and codec/value.h, so that a script can compare them
 * with ClickHouse:
 *
 *     values bucket ZONE COUNT UNIT    seconds -> window start, next window start
 *     values offset ZONE               seconds -> offset
 *     values local ZONE                local seconds -> UTC seconds
 *     values parse TYPE                hex text -> value as printed, or "!reason" */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "codec/value.h"
#include "column/type.h"
#include "column/zone.h"

static void run_bucket(const struct zone *z, long count, int unit)
{
    long long s;
    while (scanf("%lld", &s) == 1) {
        int64_t start = zone_bucket_start(z, s, count, unit);
        printf("%lld\t%lld\n", (long long)start, (long long)zone_bucket_next(z, start, count, unit));
    }
}

static size_t unhex(char *line)
{
    size_t n = 0;
    unsigned byte;
    for (char *p = line; sscanf(p, "%2x", &byte) == 1 && p[0] > ' '; p += 2)
        line[n++] = (char)byte;
    return n;
}

static void run_parse(struct type t)
{
    static char line[1 << 20];
    AUTO_DONE(buf) out = {0};
    while (fgets(line, sizeof(line), stdin)) {
        union {
            char bytes[16];
            uint64_t align;
        } value = {{0}};
        /* a copy of exact size: reading past the end is then seen by the sanitizer */
        size_t n = unhex(line);
        char *text = malloc(n ? n : 1);
        memcpy(text, line, n);
        const char *reason = value_parse(&value, t, (struct str){text, n});
        buf_reset(&out);
        if (reason)
            printf("!%s\n", reason);
        else {
            value_print(&out, t, &value);
            printf("%s\n", buf_cstr(&out));
        }
        free(text);
    }
}

int main(int argc, char **argv)
{
    struct err e;
    const struct zone *z = NULL;
    struct type t;

    if (argc < 3)
        return 2;
    if (strcmp(argv[1], "parse") == 0) {
        if (type_parse(&t, str_of(argv[2]), &e) != ERR_OK) {
            fprintf(stderr, "%s\n", e.text);
            return 1;
        }
        run_parse(t);
        return 0;
    }
    if (zone_find(&z, str_of(argv[2]), &e) != ERR_OK) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    long long s;
    if (strcmp(argv[1], "bucket") == 0 && argc == 5)
        run_bucket(z, atol(argv[3]), atoi(argv[4]));
    else if (strcmp(argv[1], "offset") == 0)
        while (scanf("%lld", &s) == 1)
            printf("%d\n", zone_offset_at(z, s));
    else
        while (scanf("%lld", &s) == 1)
            printf("%lld\n", (long long)zone_to_utc(z, s));
    return 0;
}
