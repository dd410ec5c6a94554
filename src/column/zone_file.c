/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads TZif files (RFC 8536, version 2 and later). The footer's rule (POSIX TZ, with the RFC's
 * hours of
 * -167 to 167) makes the changes after the table's end. A damaged file is an error, never a
 * guess. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "column/type.h"
#include "column/zone.h"
#include "column/zone_priv.h"

#define ZONE_FOLDER "/usr/share/zoneinfo"

enum { MAX_FILE_BYTES = 1 << 20, LAST_RULE_YEAR = 2441 };

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int64_t be64(const uint8_t *p)
{
    return (int64_t)((uint64_t)be32(p) << 32 | be32(p + 4));
}

static void add_rule(struct zone_rules *r, int64_t at, int32_t offset, bool is_dst)
{
    bool is_change =
        r->n == 0 || r->items[r->n - 1].offset != offset || r->items[r->n - 1].is_dst != is_dst;

    if ((r->n & (r->n - 1)) == 0)
        r->items = xrealloc(r->items, (r->n ? r->n * 2 : 1) * sizeof(*r->items));
    r->items[r->n++] = (struct zone_rule){at, offset, is_dst, is_change};
}

/* ---- the footer's rule ---- */

struct footer_day {
    char kind; /* 'M' month.week.weekday, 'J' 1..365 without leap days, 'N' 0..365 */
    int month, week, day;
    int32_t at_s; /* local seconds after midnight */
};

struct footer {
    int32_t standard, summer;
    bool has_summer;
    struct footer_day start, end;
};

static bool take_int(const char **p, int most, int *ret)
{
    int n = 0;

    if (!isdigit((unsigned char)**p))
        return false;
    while (isdigit((unsigned char)**p) && n <= most)
        n = n * 10 + (*(*p)++ - '0');
    *ret = n;
    return n <= most;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(const char **p, int32_t *ret)
{
    int sign = 1, part[3] = {0};

    if (**p == '+' || **p == '-')
        sign = *(*p)++ == '-' ? -1 : 1;
    if (!take_int(p, 167, &part[0]))
        return false;
    for (int i = 1; i < 3 && **p == ':'; i++) {
        ++*p;
        if (!take_int(p, 59, &part[i]))
            return false;
    }
    *ret = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return true;
}

static bool take_abbreviation(const char **p)
{
    const char *start = *p;

    if (**p == '<') {
        *p = strchr(*p, '>');
        return *p && ++*p;
    }
    while (isalpha((unsigned char)**p))
        ++*p;
    return *p - start >= 3;
}

static bool take_footer_day(const char **p, struct footer_day *d)
{
    d->at_s = 7200;
    if (**p == 'M') {
        d->kind = *(*p)++;
        if (!take_int(p, 12, &d->month) || *(*p)++ != '.' || !take_int(p, 5, &d->week) ||
            *(*p)++ != '.' || !take_int(p, 6, &d->day) || d->month < 1 || d->week < 1)
            return false;
    } else {
        d->kind = **p == 'J' ? *(*p)++ : 'N';
        if (!take_int(p, 365, &d->day))
            return false;
    }
    if (**p != '/')
        return true;
    ++*p;
    return take_time(p, &d->at_s);
}

static bool footer_parse(struct footer *f, const char *p)
{
    *f = (struct footer){0};
    if (!take_abbreviation(&p) || !take_time(&p, &f->standard))
        return false;
    f->standard = -f->standard;
    if (*p == '\0')
        return true;
    f->has_summer = true;
    f->summer = f->standard + 3600;
    if (!take_abbreviation(&p))
        return false;
    if (*p != ',') {
        if (!take_time(&p, &f->summer))
            return false;
        f->summer = -f->summer;
    }
    return *p++ == ',' && take_footer_day(&p, &f->start) && *p++ == ',' &&
           take_footer_day(&p, &f->end) && *p == '\0';
}

/* Local seconds of the change in a year. */
static int64_t footer_local(const struct footer_day *d, int year)
{
    int64_t day = days_from_civil(year, 1, 1);
    bool is_leap = days_from_civil(year + 1, 1, 1) - day == 366;

    if (d->kind == 'N') {
        day += d->day;
    } else if (d->kind == 'J') {
        day += d->day - 1 + (is_leap && d->day >= 60);
    } else {
        int64_t first = days_from_civil(year, (unsigned)d->month, 1);
        int64_t end = d->month == 12 ? days_from_civil(year + 1, 1, 1)
                                     : days_from_civil(year, (unsigned)d->month + 1, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 0 = Sunday */
        day = first + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        if (day >= end)
            day -= 7;
    }
    return day * 86400 + d->at_s;
}

static void add_footer_rules(struct zone_rules *r, const struct footer *f)
{
    int64_t last = r->items[r->n - 1].at;
    int32_t year = 1900;
    unsigned month, day;

    if (!f->has_summer) {
        if (r->n == 1)
            r->items[0].offset = f->standard;
        return;
    }
    if (r->n > 1)
        civil_from_days(last / 86400 - (last % 86400 < 0), &year, &month, &day);
    for (; year < LAST_RULE_YEAR; year++) {
        int64_t start = footer_local(&f->start, year) - f->standard;
        int64_t end = footer_local(&f->end, year) - f->summer;
        bool start_first = start < end;
        for (int i = 0; i < 2; i++) {
            bool is_start = (i == 0) == start_first;
            int64_t at = is_start ? start : end;
            if (at > last)
                add_rule(r, at, is_start ? f->summer : f->standard, is_start);
        }
    }
}

/* ---- the file ---- */

struct tzif_head {
    uint32_t n_isut, n_isstd, n_leap, n_times, n_types, n_chars;
};

static bool read_head(struct tzif_head *h, const uint8_t *p, const uint8_t *end)
{
    if (end - p < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    *h = (struct tzif_head){be32(p + 20), be32(p + 24), be32(p + 28),
                            be32(p + 32), be32(p + 36), be32(p + 40)};
    return h->n_isut <= 256 && h->n_isstd <= 256 && h->n_leap <= 4096 && h->n_times <= 65536 &&
           h->n_types >= 1 && h->n_types <= 256 && h->n_chars <= 4096;
}

static size_t body_bytes(const struct tzif_head *h, size_t time_bytes)
{
    return h->n_times * (time_bytes + 1) + h->n_types * 6 + h->n_chars +
           h->n_leap * (time_bytes + 4) + h->n_isstd + h->n_isut;
}

static bool read_times(struct zone_rules *r, const struct tzif_head *h, const uint8_t *p)
{
    const uint8_t *index = p + h->n_times * 8, *types = index + h->n_times;

    add_rule(r, INT64_MIN, (int32_t)be32(types), types[4]);
    for (uint32_t i = 0; i < h->n_times; i++) {
        int64_t at = be64(p + i * 8);
        if (index[i] >= h->n_types || (i > 0 && at <= r->items[r->n - 1].at))
            return false;
        const uint8_t *type = types + index[i] * 6;
        int32_t offset = (int32_t)be32(type);
        if (offset < -93600 || offset > 93600)
            return false;
        add_rule(r, at, offset, type[4]);
    }
    return true;
}

static bool read_tzif(struct zone_rules *r, const uint8_t *p, size_t n)
{
    const uint8_t *end = p + n;
    struct tzif_head h;
    struct footer footer;
    char text[128];

    if (!read_head(&h, p, end) || p[4] < '2')
        return false;
    p += 44;
    if ((size_t)(end - p) < body_bytes(&h, 4))
        return false;
    p += body_bytes(&h, 4);
    if (!read_head(&h, p, end))
        return false;
    p += 44;
    if ((size_t)(end - p) < body_bytes(&h, 8) || !read_times(r, &h, p))
        return false;
    p += body_bytes(&h, 8);
    if (p == end || *p++ != '\n')
        return false;
    const uint8_t *line_end = memchr(p, '\n', (size_t)(end - p));
    if (line_end == NULL || (size_t)(line_end - p) >= sizeof(text))
        return false;
    memcpy(text, p, (size_t)(line_end - p));
    text[line_end - p] = '\0';
    if (text[0] == '\0')
        return true;
    if (!footer_parse(&footer, text))
        return false;
    add_footer_rules(r, &footer);
    return true;
}

static bool is_name(struct str name)
{
    if (name.n == 0 || name.n > 60 || name.p[0] == '/' || name.p[0] == '.')
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (!isalnum(c) && c != '_' && c != '-' && c != '+' && c != '/')
            return false;
    }
    return true;
}

/* A zone's name near `name`, from the system's list, into `out`; false if none is near. */
static bool suggest(struct str name, char out[64])
{
    FILE *f = fopen(ZONE_FOLDER "/tzdata.zi", "re");
    char line[256], zone[64], target[64];
    const char *names[2] = {zone, NULL};
    bool found = false;

    if (f == NULL)
        return false;
    while (!found && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "Z %63s", zone) != 1 && sscanf(line, "L %63s %63s", target, zone) != 2)
            continue;
        if (nearest_name(name, names, 1)) {
            memcpy(out, zone, sizeof(zone));
            found = true;
        }
    }
    fclose(f);
    return found;
}

static enum err_code unknown_zone(struct str name, struct err *e)
{
    char near[64];

    if (suggest(name, near))
        return err_set(e, ERR_NOT_FOUND, "unknown time zone '%.*s'; did you mean '%s'?",
                       STR_FMT(name), near);
    return err_set(e, ERR_NOT_FOUND,
                   "unknown time zone '%.*s' (names are those of " ZONE_FOLDER ")", STR_FMT(name));
}

enum err_code zone_rules_load(struct zone_rules *ret, struct str name, struct err *e)
{
    char path[128];

    if (!is_name(name))
        return unknown_zone(name, e);
    snprintf(path, sizeof(path), ZONE_FOLDER "/%.*s", STR_FMT(name));
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return errno == ENOENT || errno == ENOTDIR ? unknown_zone(name, e)
                                                   : err_errno(e, "%s", path);
    AUTO_MEM uint8_t *data = xmalloc(MAX_FILE_BYTES);
    size_t n = fread(data, 1, MAX_FILE_BYTES, f);
    bool failed = ferror(f);
    fclose(f);
    if (failed || n == 0)
        return unknown_zone(name, e); /* a folder, for one */
    struct zone_rules r = {0};
    if (!read_tzif(&r, data, n)) {
        free(r.items);
        return err_set(e, ERR_INVALID, "%s is not a time zone file of version 2 or later", path);
    }
    *ret = r;
    return ERR_OK;
}
