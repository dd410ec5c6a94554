/* SPDX-License-Identifier: Apache-2.0
 *
 * Upper and lower case of any script, by tables of runs. The first codes (Latin, Greek, Cyrillic,
 * Armenian) have a table of their own, made once.
 *
 * Bytes that are no UTF-8 stay as they are. A capital sigma becomes ς behind a letter where no
 * letter follows. */
#include <pthread.h>

#include "base/err.h"
#include "expr/utf8.h"

struct case_run {
    uint32_t first, last, step;
    int32_t change;
};
struct case_text {
    uint32_t code;
    const char *text;
};
struct case_range {
    uint32_t first, last;
};

#include "expr/utf8_case.h"

enum { N_NEAR = 0x590, CAPITAL_SIGMA = 0x3a3, FINAL_SIGMA = 0x3c2 };

static uint32_t near_lower[N_NEAR], near_upper[N_NEAR], near_search[N_NEAR];
static pthread_once_t near_once = PTHREAD_ONCE_INIT;

static uint32_t change_case(const struct case_run *runs, size_t n, uint32_t code)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (runs[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == n || code < runs[low].first || (code - runs[low].first) % runs[low].step != 0)
        return code;
    return code + (uint32_t)runs[low].change;
}

static bool is_in(const struct case_range *ranges, size_t n, uint32_t code)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].last < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && ranges[low].first <= code;
}

static void fill_near(void)
{
    for (uint32_t c = 0; c < N_NEAR; c++) {
        near_lower[c] = change_case(lower_runs, COUNT(lower_runs), c);
        near_upper[c] = change_case(upper_runs, COUNT(upper_runs), c);
        near_search[c] = is_in(not_searched, COUNT(not_searched), c) ? c : near_lower[c];
    }
}

uint32_t utf8_lower_code(uint32_t code)
{
    pthread_once(&near_once, fill_near);
    return code < N_NEAR ? near_lower[code] : change_case(lower_runs, COUNT(lower_runs), code);
}

uint32_t utf8_upper_code(uint32_t code)
{
    pthread_once(&near_once, fill_near);
    return code < N_NEAR ? near_upper[code] : change_case(upper_runs, COUNT(upper_runs), code);
}

static const char *long_form(const struct case_text *texts, size_t n, uint32_t code)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (texts[middle].code < code)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && texts[low].code == code ? texts[low].text : NULL;
}

uint32_t utf8_search_code(uint32_t code)
{
    pthread_once(&near_once, fill_near);
    if (code < N_NEAR)
        return near_search[code];
    return is_in(not_searched, COUNT(not_searched), code) ? code : utf8_lower_code(code);
}

static bool letter_before(struct str s, size_t at)
{
    while (at > 0) {
        size_t start = at - 1;
        while (start > 0 && at - start < 4 && utf8_is_inside(s.p[start]))
            start--;
        if (utf8_bytes(s.p + start, s.n - start) != at - start)
            return false;
        uint32_t code = utf8_decode(s.p + start, at - start);
        if (is_in(letters, COUNT(letters), code))
            return true;
        if (!is_in(passed_over, COUNT(passed_over), code))
            return false;
        at = start;
    }
    return false;
}

static bool letter_behind(struct str s, size_t at)
{
    while (at < s.n) {
        size_t bytes = utf8_bytes(s.p + at, s.n - at);
        uint32_t code = bytes ? utf8_decode(s.p + at, bytes) : 0;
        if (bytes == 0 || is_in(letters, COUNT(letters), code))
            return bytes != 0;
        if (!is_in(passed_over, COUNT(passed_over), code))
            return false;
        at += bytes;
    }
    return false;
}

static bool is_final_sigma(struct str s, size_t at)
{
    return letter_before(s, at) && !letter_behind(s, at + 2);
}

size_t utf8_lower(char *out, struct str s)
{
    size_t n = 0;

    for (size_t at = 0; at < s.n;) {
        char c = s.p[at];
        if (!((uint8_t)c & 0x80)) {
            out[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
            at++;
            continue;
        }
        size_t bytes = utf8_bytes(s.p + at, s.n - at);
        uint32_t code = utf8_decode(s.p + at, bytes);
        const char *text;
        if (bytes == 0) {
            out[n++] = c;
            at++;
            continue;
        }
        if (code == CAPITAL_SIGMA)
            n += utf8_encode(out + n, is_final_sigma(s, at) ? FINAL_SIGMA : FINAL_SIGMA + 1);
        else if (code >= 0x130 && (text = long_form(lower_texts, COUNT(lower_texts), code)) != NULL)
            for (; *text; text++)
                out[n++] = *text;
        else
            n += utf8_encode(out + n, utf8_lower_code(code));
        at += bytes;
    }
    return n;
}

size_t utf8_upper(char *out, struct str s)
{
    size_t n = 0;

    for (size_t at = 0; at < s.n;) {
        char c = s.p[at];
        if (!((uint8_t)c & 0x80)) {
            out[n++] = c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
            at++;
            continue;
        }
        size_t bytes = utf8_bytes(s.p + at, s.n - at);
        if (bytes == 0) {
            out[n++] = c;
            at++;
            continue;
        }
        uint32_t code = utf8_decode(s.p + at, bytes);
        uint32_t upper = utf8_upper_code(code);
        const char *text = upper == code ? long_form(upper_texts, COUNT(upper_texts), code) : NULL;
        if (text != NULL)
            for (; *text; text++)
                out[n++] = *text;
        else
            n += utf8_encode(out + n, upper);
        at += bytes;
    }
    return n;
}
