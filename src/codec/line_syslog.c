/* SPDX-License-Identifier: Apache-2.0
 *
 * Syslog lines: RFC 5424, RFC 3164, and the files that rsyslog and syslog-ng write of them, which
 * lack <PRI>.
 *
 *     <165>1 2003-10-11T22:14:15.003Z host app 1234 ID47 [id@1 key="value"] message           RFC 5424
 *     <34>Oct 11 22:14:15 host app[1234]: message                                             RFC 3164
 *     2024-05-20T00:00:18.123456+02:00 host app[1234]: message                                files of today
 *
 * A time without year is the last such time that is not more than a day after the epoch's now;
 * one without zone is in the column's zone. */
#include <stdio.h>

#include "base/mem.h"
#include "codec/line_priv.h"
#include "codec/value.h"
#include "column/zone.h"

enum {
    PRIORITY,
    FACILITY,
    SEVERITY,
    TIMESTAMP,
    HOSTNAME,
    APP_NAME,
    PROCID,
    MSGID,
    STRUCTURED_DATA,
    MESSAGE
};

static const char *const names[] = {
    "priority", "facility", "severity",        "timestamp", "hostname", "app_name",
    "procid",   "msgid",    "structured_data", "message",   NULL,
};

static void set(struct line_decoder *d, size_t i, struct str text)
{
    if (text.n > 0 && (text.n != 1 || *text.p != '-'))
        d->cuts[i].text = text;
}

static void set_number(struct line_decoder *d, size_t i, unsigned v)
{
    char *text = arena_bytes(d->arena, 8);
    int n = snprintf(text, 8, "%u", v);
    d->cuts[i].text = (struct str){text, (size_t)n};
}

static bool take_word(struct str *line, struct str *ret)
{
    const char *blank = memchr(line->p, ' ', line->n);
    size_t n = blank ? (size_t)(blank - line->p) : line->n;
    *ret = (struct str){line->p, n};
    line->p += n + (blank != NULL);
    line->n -= n + (blank != NULL);
    return n > 0;
}

/* <0> to <191> */
static bool take_priority(struct line_decoder *d, struct str *line)
{
    unsigned v = 0;
    size_t i = 1;
    for (; i < line->n && i < 5 && line->p[i] >= '0' && line->p[i] <= '9'; i++)
        v = v * 10 + (unsigned)(line->p[i] - '0');
    if (i == 1 || i >= line->n || line->p[i] != '>' || v > 191)
        return false;
    set_number(d, PRIORITY, v);
    set_number(d, FACILITY, v / 8);
    set_number(d, SEVERITY, v % 8);
    line->p += i + 1;
    line->n -= i + 1;
    return true;
}

/* [id name="value" …][id …]; \" and \] inside values. What was passed, or an empty text. */
static struct str take_structured(struct str *line)
{
    const char *p = line->p, *end = line->p + line->n;
    while (p < end && *p == '[') {
        bool is_quoted = false;
        for (p++; p < end && (is_quoted || *p != ']'); p++) {
            if (*p == '\\' && is_quoted && p + 1 < end)
                p++;
            else if (*p == '"')
                is_quoted = !is_quoted;
        }
        if (p >= end)
            return (struct str){NULL, 0};
        p++;
    }
    struct str ret = {line->p, (size_t)(p - line->p)};
    line->n -= ret.n;
    line->p = p;
    return ret;
}

static const char *cut_5424(struct line_decoder *d, struct str line)
{
    static const size_t order[] = {TIMESTAMP, HOSTNAME, APP_NAME, PROCID, MSGID};
    struct str word;

    for (size_t i = 0; i < COUNT(order); i++) {
        if (!take_word(&line, &word))
            return "not a syslog record (RFC 5424): time, host, application, process or message id "
                   "is missing";
        set(d, order[i], word);
    }
    if (line.n && *line.p == '[') {
        struct str data = take_structured(&line);
        if (data.p == NULL)
            return "not a syslog record (RFC 5424): its structured data do not end";
        d->cuts[STRUCTURED_DATA].text = data;
    } else if (line.n && *line.p == '-') {
        line.p++;
        line.n--;
    } else {
        return "not a syslog record (RFC 5424): no structured data";
    }
    if (line.n && *line.p == ' ') {
        line.p++;
        line.n--;
    }
    if (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
        line = (struct str){line.p + 3, line.n - 3};
    d->cuts[MESSAGE].text = line;
    return NULL;
}

/* A day of a month that may have it: 29 February is known by its year. */
static bool time_of_year(struct line_decoder *d, int month, int day, int64_t second_of_day,
                         int64_t *ret)
{
    struct civil now = civil_from_local(d->base.now_s);
    for (int year = now.year + 1; year > now.year - 9; year--) {
        int64_t days = days_from_civil(year, (unsigned)month, (unsigned)day);
        struct civil c = civil_from_local(days * 86400);
        if (c.month != month || c.day != day)
            continue;
        *ret = days * 86400 + second_of_day;
        if (*ret <= d->base.now_s + 86400)
            return true;
    }
    return false;
}

/* Mmm dd hh:mm:ss, 15 bytes, a blank behind; passed. */
static bool take_old_time(struct line_decoder *d, struct str *line)
{
    const char *p = line->p;
    if (line->n < 16 || p[3] != ' ' || p[6] != ' ' || p[9] != ':' || p[12] != ':' || p[15] != ' ')
        return false;
    int v[4];
    for (size_t i = 0; i < 4; i++) {
        const char *q = p + 4 + 3 * i;
        int tens = i == 0 && *q == ' ' ? 0 : *q - '0', ones = q[1] - '0';
        if (tens < 0 || tens > 9 || ones < 0 || ones > 9)
            return false;
        v[i] = tens * 10 + ones;
    }
    struct line_cut *cut = &d->cuts[TIMESTAMP];
    int month = line_month(p);
    if (month == 0 || v[0] < 1 || v[0] > 31 || v[1] > 23 || v[2] > 59 || v[3] > 60)
        return false;
    cut->is_time = cut->is_local = time_of_year(
        d, month, v[0], v[1] * 3600 + v[2] * 60 + (v[3] > 59 ? 59 : v[3]), &cut->seconds);
    cut->text = (struct str){p, 15};
    line->p += 16;
    line->n -= 16;
    return true;
}

/* app[1234]: message, app: message, or a message alone. */
static void cut_tag(struct line_decoder *d, struct str line)
{
    size_t i = 0;
    while (i < line.n && line.p[i] != ':' && line.p[i] != '[' && line.p[i] != ' ' && i < 256)
        i++;
    struct str app = {line.p, i}, process = {NULL, 0};
    if (i < line.n && line.p[i] == '[') {
        const char *close = memchr(line.p + i, ']', line.n - i);
        if (close != NULL) {
            process = (struct str){line.p + i + 1, (size_t)(close - line.p) - i - 1};
            i = (size_t)(close + 1 - line.p);
        }
    }
    if (i == 0 || i >= line.n || line.p[i] != ':') {
        d->cuts[MESSAGE].text = line;
        return;
    }
    i++;
    i += i < line.n && line.p[i] == ' ';
    set(d, APP_NAME, app);
    if (process.p)
        set(d, PROCID, process);
    d->cuts[MESSAGE].text = (struct str){line.p + i, line.n - i};
}

static const char *cut_syslog(struct line_decoder *d, struct str line)
{
    struct str word;

    if (line.n && *line.p == '<' && !take_priority(d, &line))
        return "not a syslog record: a wrong priority";
    if (line.n > 2 && line.p[0] == '1' && line.p[1] == ' ' && d->cuts[PRIORITY].text.p != NULL)
        return cut_5424(d, (struct str){line.p + 2, line.n - 2});
    if (!take_old_time(d, &line)) {
        bool has_time = line.n > 19 && line.p[4] == '-' && line.p[7] == '-' &&
                        (line.p[10] == 'T' || line.p[10] == ' ');
        if (!has_time || !take_word(&line, &word))
            return "not a syslog record: it does not begin with a time";
        d->cuts[TIMESTAMP].text = word;
    }
    if (!take_word(&line, &word))
        return "not a syslog record: no host behind the time";
    set(d, HOSTNAME, word);
    cut_tag(d, line);
    return NULL;
}

const struct line_format line_syslog = {FORMAT_SYSLOG, names, cut_syslog};
