/* SPDX-License-Identifier: Apache-2.0
 *
 * logfmt: key=value key="a \"value\"" key, one record a line. A key without = is true; text in
 * quotes has the escapes of JSON. Source: the reader of github.com/kr/logfmt and go-logfmt,
 * whose grammar this is. */
#include "base/mem.h"
#include "codec/line_priv.h"

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static bool hex4(const char *p, const char *end, uint32_t *ret)
{
    if (end - p < 4)
        return false;
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i], low = (char)(c | 32);
        bool is_digit = c >= '0' && c <= '9', is_letter = low >= 'a' && low <= 'f';
        if (!is_digit && !is_letter)
            return false;
        *ret = *ret << 4 | (uint32_t)(is_digit ? c - '0' : low - 'a' + 10);
    }
    return true;
}

/* A \uXXXX, perhaps with its second half; *p stands behind the u. */
static bool unescape_code(const char **p, const char *end, char *out, size_t *n)
{
    uint32_t c, low;
    if (!hex4(*p, end, &c))
        return false;
    *p += 4;
    if (c >= 0xd800 && c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
        hex4(*p + 2, end, &low) && low >= 0xdc00 && low < 0xe000) {
        c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
        *p += 6;
    } else if (c >= 0xd800 && c < 0xe000) {
        c = 0xfffd;
    }
    *n += put_utf8(out + *n, c);
    return true;
}

static const char *unescape(struct line_decoder *d, struct str s, struct str *ret)
{
    static const char from[] = "nrtbf\"\\/", to[] = "\n\r\t\b\f\"\\/";
    char *out = arena_bytes(d->arena, s.n);
    size_t n = 0;

    for (const char *p = s.p, *end = s.p + s.n; p < end;) {
        char c = *p++;
        if (c != '\\') {
            out[n++] = c;
            continue;
        }
        c = p < end ? *p++ : '\0';
        const char *found = c ? memchr(from, c, sizeof(from) - 1) : NULL;
        if (found)
            out[n++] = to[found - from];
        else if (c != 'u' || !unescape_code(&p, end, out, &n))
            return "a wrong escape in a text in quotes";
    }
    *ret = (struct str){out, n};
    return NULL;
}

/* "text"; *p stands on the quote. */
static const char *take_quoted(struct line_decoder *d, const char **p, const char *end,
                               struct str *ret)
{
    const char *begin = *p + 1, *at = begin;
    bool has_escape = false;

    while (at < end && *at != '"') {
        has_escape |= *at == '\\';
        at += 1 + (*at == '\\' && at + 1 < end);
    }
    if (at >= end)
        return "a text in quotes does not end";
    *p = at + 1;
    *ret = (struct str){begin, (size_t)(at - begin)};
    return has_escape ? unescape(d, *ret, ret) : NULL;
}

static const char *cut_pairs(struct line_decoder *d, struct str line)
{
    const char *p = line.p, *end = line.p + line.n;
    size_t n_pairs = 0;

    for (;;) {
        while (p < end && (unsigned char)*p <= ' ')
            p++;
        if (p == end)
            return n_pairs ? NULL : "no key=value";
        const char *key = p;
        while (p < end && (unsigned char)*p > ' ' && *p != '=' && *p != '"')
            p++;
        struct str name = {key, (size_t)(p - key)}, value = {"true", 4};
        if (name.n == 0)
            return "a value without a key";
        if (p < end && *p == '"')
            return "a quote within a key";
        if (p < end && *p == '=') {
            const char *begin = ++p;
            if (p < end && *p == '"') {
                const char *reason = take_quoted(d, &p, end, &value);
                if (reason)
                    return reason;
                if (p < end && (unsigned char)*p > ' ')
                    return "something follows a closing quote";
            } else {
                while (p < end && (unsigned char)*p > ' ')
                    p++;
                value = (struct str){begin, (size_t)(p - begin)};
            }
        }
        line_own(d, name, value);
        n_pairs++;
    }
}

const struct line_format line_logfmt = {FORMAT_LOGFMT, NULL, cut_pairs};
