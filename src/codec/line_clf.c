/* SPDX-License-Identifier: Apache-2.0
 *
 * Access logs: Common Log Format and Combined, as Apache and nginx write them (names are nginx's
 * variables).
 *
 *     addr ident user [20/May/2024:00:00:18 +0000] "GET /a HTTP/1.1" 200 598326 "referer" "agent" "forwarded for"
 *
 * "-" is an absent value. Source: Apache mod_log_config ("Common Log Format (CLF)"), nginx
 * ngx_http_log_module. */
#include "base/mem.h"
#include "codec/line_priv.h"
#include "column/zone.h"

enum {
    REMOTE_ADDR,
    REMOTE_IDENT,
    REMOTE_USER,
    TIME_LOCAL,
    REQUEST,
    REQUEST_METHOD,
    REQUEST_URI,
    SERVER_PROTOCOL,
    STATUS,
    BODY_BYTES_SENT,
    HTTP_REFERER,
    HTTP_USER_AGENT,
    HTTP_X_FORWARDED_FOR,
};

static const char *const common_names[] = {
    "remote_addr", "remote_ident",    "remote_user", "time_local",      "request", "request_method",
    "request_uri", "server_protocol", "status",      "body_bytes_sent", NULL,
};

static const char *const combined_names[] = {
    "remote_addr",    "remote_ident",    "remote_user",          "time_local", "request",
    "request_method", "request_uri",     "server_protocol",      "status",     "body_bytes_sent",
    "http_referer",   "http_user_agent", "http_x_forwarded_for", NULL,
};

static void set(struct line_decoder *d, size_t i, struct str text)
{
    if (text.n != 1 || *text.p != '-')
        d->cuts[i].text = text;
}

/* Up to the next blank, which is passed. */
static bool take_word(struct str *line, struct str *ret)
{
    const char *blank = memchr(line->p, ' ', line->n);
    if (blank == NULL || blank == line->p)
        return false;
    *ret = (struct str){line->p, (size_t)(blank - line->p)};
    line->n -= ret->n + 1;
    line->p = blank + 1;
    return true;
}

/* Both servers write \", \\, \xHH; Apache also \n, \t and their like. */
static struct str unescape(struct line_decoder *d, struct str s)
{
    static const char from[] = "nrtbfv", to[] = "\n\r\t\b\f\v";
    char *out = arena_bytes(d->arena, s.n);
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            out[n++] = s.p[i];
            continue;
        }
        char c = s.p[++i];
        const char *found = memchr(from, c, sizeof(from) - 1);
        int high = c == 'x' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        if (low >= 0) {
            out[n++] = (char)(high << 4 | low);
            i += 2;
        } else if (found) {
            out[n++] = to[found - from];
        } else {
            if (c != '"' && c != '\\')
                out[n++] = '\\';
            out[n++] = c;
        }
    }
    return (struct str){out, n};
}

/* "text", perhaps with a blank behind it; both are passed. */
static bool take_quoted(struct line_decoder *d, struct str *line, struct str *ret)
{
    const char *end = line->p + line->n, *p = line->p + 1;
    bool has_escape = false;

    if (line->n < 2 || *line->p != '"')
        return false;
    for (;; p++) {
        const char *quote = memchr(p, '"', (size_t)(end - p));
        const char *escape = memchr(p, '\\', (size_t)((quote ? quote : end) - p));
        if (escape == NULL && quote == NULL)
            return false;
        if (escape == NULL) {
            p = quote;
            break;
        }
        has_escape = true;
        p = escape + 1;
        if (p >= end)
            return false;
    }
    *ret = (struct str){line->p + 1, (size_t)(p - line->p - 1)};
    if (has_escape)
        *ret = unescape(d, *ret);
    p += 1 + (p + 1 < end && p[1] == ' ');
    line->n = (size_t)(end - p);
    line->p = p;
    return true;
}

/* ---- time ---- */

static bool two_digits(const char *p, int64_t *ret)
{
    unsigned a = (unsigned)(p[0] - '0'), b = (unsigned)(p[1] - '0');
    *ret = a * 10 + b;
    return a < 10 && b < 10;
}

static bool is_date(int64_t year, int month, int64_t day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month > 0 && day > 0 && day <= days[month - 1] + (month == 2 && is_leap);
}

/* 20/May/2024:00:00:18 +0000. The minute and zone read last are remembered. */
static bool parse_time(struct line_decoder *d, struct str s, int64_t *ret)
{
    enum { MINUTE = 17, ZONE_AT = 20, LENGTH = 26 };
    int64_t second, day, century, years, hour, minute, zone_h, zone_m;

    if (s.n != LENGTH || s.p[MINUTE] != ':' || !two_digits(s.p + 18, &second) || second > 59)
        return false;
    if (memcmp(d->minute, s.p, MINUTE) == 0 && memcmp(d->minute + MINUTE, s.p + ZONE_AT, 6) == 0) {
        *ret = d->minute_s + second;
        return true;
    }
    const char *p = s.p;
    int month = line_month(p + 3);
    bool is_good = p[2] == '/' && p[6] == '/' && p[11] == ':' && p[14] == ':' &&
                   p[ZONE_AT] == ' ' && (p[21] == '+' || p[21] == '-') && two_digits(p, &day) &&
                   two_digits(p + 7, &century) && two_digits(p + 9, &years) &&
                   two_digits(p + 12, &hour) && two_digits(p + 15, &minute) &&
                   two_digits(p + 22, &zone_h) && two_digits(p + 24, &zone_m);
    if (!is_good || hour > 23 || minute > 59 || zone_m > 59 ||
        !is_date(century * 100 + years, month, day))
        return false;
    int64_t offset = (zone_h * 60 + zone_m) * 60;
    int64_t days = days_from_civil(century * 100 + years, (unsigned)month, (unsigned)day);
    d->minute_s = days * 86400 + hour * 3600 + minute * 60 - (p[21] == '-' ? -offset : offset);
    memcpy(d->minute, p, MINUTE);
    memcpy(d->minute + MINUTE, p + ZONE_AT, 6);
    *ret = d->minute_s + second;
    return true;
}

static void set_time(struct line_decoder *d, struct str text)
{
    struct line_cut *cut = &d->cuts[TIME_LOCAL];
    cut->text = text;
    cut->is_time = parse_time(d, text, &cut->seconds);
}

/* ---- records ---- */

/* METHOD uri[ PROTOCOL]; what is no request line has no parts. */
static void cut_request(struct line_decoder *d, struct str request)
{
    set(d, REQUEST, request);
    const char *first = memchr(request.p, ' ', request.n);
    if (first == NULL || first == request.p)
        return;
    for (const char *p = request.p; p < first; p++)
        if (!(*p >= 'A' && *p <= 'Z') && *p != '-' && *p != '_')
            return;
    const char *end = request.p + request.n, *last = memrchr(first, ' ', (size_t)(end - first));
    bool has_protocol = last > first && end - last > 5 && memcmp(last + 1, "HTTP/", 5) == 0;
    const char *uri_end = has_protocol ? last : end;
    set(d, REQUEST_METHOD, (struct str){request.p, (size_t)(first - request.p)});
    set(d, REQUEST_URI, (struct str){first + 1, (size_t)(uri_end - first - 1)});
    if (has_protocol)
        set(d, SERVER_PROTOCOL, (struct str){last + 1, (size_t)(end - last - 1)});
}

/* Up to and with the bytes; *line = what is left. */
static const char *cut_common_part(struct line_decoder *d, struct str *line)
{
    struct str addr, ident, text;

    if (line->n > 0 && (*line->p == '"' || (*line->p == ' ' && line->n > 1 && line->p[1] == '"')))
        return "not an access log record: a text in quotes, perhaps a user agent, on a line of its "
               "own";
    if (!take_word(line, &addr) || !take_word(line, &ident))
        return "not an access log record: it does not begin with address, identity and user";
    const char *bracket = memmem(line->p, line->n, " [", 2);
    if (bracket == NULL)
        return "not an access log record: no [time]";
    set(d, REMOTE_ADDR, addr);
    set(d, REMOTE_IDENT, ident);
    set(d, REMOTE_USER, (struct str){line->p, (size_t)(bracket - line->p)});
    line->n -= (size_t)(bracket + 2 - line->p);
    line->p = bracket + 2;
    const char *end = memchr(line->p, ']', line->n);
    if (end == NULL)
        return "not an access log record: no ] behind the time";
    set_time(d, (struct str){line->p, (size_t)(end - line->p)});
    line->n -= (size_t)(end + 1 - line->p);
    line->p = end + 1;
    if (line->n == 0 || *line->p != ' ')
        return "not an access log record: no request behind the time";
    line->p++;
    line->n--;
    if (!take_quoted(d, line, &text))
        return "not an access log record: no request in quotes";
    cut_request(d, text);
    if (!take_word(line, &text))
        return "not an access log record: no status and bytes behind the request";
    set(d, STATUS, text);
    const char *blank = memchr(line->p, ' ', line->n);
    size_t n = blank ? (size_t)(blank - line->p) : line->n;
    if (n == 0)
        return "not an access log record: no bytes behind the status";
    set(d, BODY_BYTES_SENT, (struct str){line->p, n});
    line->p += n + (blank != NULL);
    line->n -= n + (blank != NULL);
    return NULL;
}

static const char *cut_common(struct line_decoder *d, struct str line)
{
    const char *reason = cut_common_part(d, &line);
    return reason ? reason : line.n ? "more than a Common Log record: see CombinedLog" : NULL;
}

static const char *cut_combined(struct line_decoder *d, struct str line)
{
    struct str text;
    const char *reason = cut_common_part(d, &line);

    if (reason)
        return reason;
    if (!take_quoted(d, &line, &text))
        return "not a combined log record: no referer in quotes";
    set(d, HTTP_REFERER, text);
    if (!take_quoted(d, &line, &text))
        return "not a combined log record: no user agent in quotes";
    set(d, HTTP_USER_AGENT, text);
    if (line.n && take_quoted(d, &line, &text))
        set(d, HTTP_X_FORWARDED_FOR, text);
    return NULL; /* servers append fields of their own */
}

const struct line_format line_common = {FORMAT_COMMON_LOG, common_names, cut_common};
const struct line_format line_combined = {FORMAT_COMBINED_LOG, combined_names, cut_combined};
