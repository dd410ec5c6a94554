/* SPDX-License-Identifier: Apache-2.0
 *
 * Parsing runs over the text once, after a check for UTF-8. Nodes are written to a scratch that
 * is large enough for any text of that length, then copied, which keeps what a batch holds
 * small. */
#include "expr/json_doc.h"

#include <locale.h>
#include <stdlib.h>

#include "codec/value.h"
#include "codec/value_fast.h"
#include "expr/text_kit.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { LEVELS_MAX = 1023 };

struct reader {
    const char *p; /* within an escape */
    const char *end, *text;
    struct json_node *node; /* the next one */
    char *bytes, *bytes_start;
};

static inline const char *skip_blank(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* ---- strings ---- */

/* The first quote, backslash or control character. */
static inline const char *find_special(const char *p, const char *end)
{
#ifdef __SSE2__
    __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), least = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, least), v);
        __m128i hit =
            _mm_or_si128(low, _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (uint8_t)*p >= 0x20)
        p++;
    return p;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char c = lower_ascii(p[i]);
        int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0)
            return -1;
        v = v << 4 | digit;
    }
    return v;
}

/* Behind \u. */
static bool read_unicode(struct reader *r)
{
    int high = hex4(r->p, r->end);

    if (high < 0 || (high >= 0xdc00 && high < 0xe000))
        return false;
    r->p += 4;
    uint32_t code = (uint32_t)high;
    if (high >= 0xd800 && high < 0xdc00) {
        int low =
            r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' ? hex4(r->p + 2, r->end) : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return false;
        code = 0x10000 + ((uint32_t)high - 0xd800) * 0x400 + ((uint32_t)low - 0xdc00);
        r->p += 6;
    }
    r->bytes += utf8_encode(r->bytes, code);
    return true;
}

static bool read_escape(struct reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";

    if (r->p == r->end)
        return false;
    char c = *r->p++;
    if (c == 'u')
        return read_unicode(r);
    const char *hit = c ? strchr(from, c) : NULL;
    if (hit == NULL)
        return false;
    *r->bytes++ = to[hit - from];
    return true;
}

/* From start on, p at the first backslash. */
static const char *read_escaped(struct reader *r, const char *start, const char *p)
{
    struct json_node *node = r->node++;
    char *out = r->bytes;

    for (const char *from = start;;) {
        memcpy(r->bytes, from, (size_t)(p - from));
        r->bytes += p - from;
        if (p == r->end || (uint8_t)*p < 0x20)
            return NULL;
        if (*p++ == '"')
            break;
        r->p = p;
        if (!read_escape(r))
            return NULL;
        from = r->p;
        p = find_special(from, r->end);
    }
    *node = (struct json_node){.kind = JSON_TEXT,
                               .is_unescaped = 1,
                               .n = (uint32_t)(r->bytes - out),
                               .u64 = (uint64_t)(out - r->bytes_start)};
    return p;
}

/* The readers below take the place where their value begins and give the place behind it, NULL if
 * it is not valid. Behind the quote: */
static inline const char *read_text(struct reader *r, const char *start)
{
    const char *p = find_special(start, r->end);

    if (p == r->end)
        return NULL;
    if (*p != '"')
        return *p == '\\' ? read_escaped(r, start, p) : NULL;
    *r->node++ = (struct json_node){
        .kind = JSON_TEXT, .n = (uint32_t)(p - start), .u64 = (uint64_t)(start - r->text)};
    return p + 1;
}

/* ---- numbers and words ---- */

static bool read_double(struct reader *r, struct str text)
{
    double v;

    if (!fast_double(text.p, text.n, &v)) {
        if (value_float(&v, text) != NULL)
            return false;
        if (v - v != 0)
            return false;
    }
    *r->node++ = (struct json_node){.kind = JSON_DOUBLE, .f64 = v};
    return true;
}

/* Behind the digits before the point, which make v. */
static const char *read_float(struct reader *r, const char *start, const char *p, uint64_t v)
{
    size_t n_fraction = 0;

    if (p < r->end && *p == '.') {
        const char *fraction = ++p;
        for (; p < r->end && is_digit(*p); p++)
            v = v * 10 + (unsigned)(*p - '0');
        n_fraction = (size_t)(p - fraction);
        if (n_fraction == 0)
            return NULL;
    }
    bool has_exponent = p < r->end && (*p == 'e' || *p == 'E');
    if (has_exponent) {
        p++;
        p += p < r->end && (*p == '+' || *p == '-');
        const char *exponent = p;
        while (p < r->end && is_digit(*p))
            p++;
        if (p == exponent)
            return NULL;
    }
    /* At most 18 digits, so v did not wrap; both are exact as doubles, so the quotient is rounded
     * once. */
    if (!has_exponent && p - start <= 18 && v < (uint64_t)1 << 53) {
        double x = (double)v / (double)power_of_ten[n_fraction];
        *r->node++ = (struct json_node){.kind = JSON_DOUBLE, .f64 = *start == '-' ? -x : x};
        return p;
    }
    return read_double(r, (struct str){start, (size_t)(p - start)}) ? p : NULL;
}

static const char *read_number(struct reader *r, const char *start)
{
    bool is_negative = *start == '-', fits = true;
    const char *p = start + is_negative, *digits = p;
    uint64_t v = 0;

    for (; p < r->end && is_digit(*p); p++) {
        unsigned digit = (unsigned)(*p - '0');
        fits &= v < 1844674407370955161ULL || (v == 1844674407370955161ULL && digit <= 5);
        v = v * 10 + digit;
    }
    if (p == digits || (*digits == '0' && p - digits > 1))
        return NULL;
    if (p < r->end && (*p == '.' || *p == 'e' || *p == 'E'))
        return read_float(r, start, p, v);
    if (!fits || (is_negative && v > (uint64_t)1 << 63))
        return NULL;
    bool is_signed = is_negative || v <= INT64_MAX;
    *r->node++ = (struct json_node){.kind = is_signed ? JSON_INT : JSON_UINT,
                                    .u64 = is_negative ? 0 - v : v};
    return p;
}

static const char *read_word(struct reader *r, const char *p, struct str word,
                             struct json_node node)
{
    if ((size_t)(r->end - p) < word.n || memcmp(p, word.p, word.n) != 0)
        return NULL;
    *r->node++ = node;
    return p + word.n;
}

/* ---- values ---- */

static const char *read_value(struct reader *r, const char *p, unsigned level);

/* Behind the bracket. */
static const char *read_container(struct reader *r, const char *p, enum json_kind kind,
                                  unsigned level)
{
    struct json_node *node = r->node++;
    const char *end = r->end;
    char closing = kind == JSON_ARRAY ? ']' : '}';
    uint32_t n = 0;

    p = skip_blank(p, end);
    bool is_empty = p < end && *p == closing;
    if (is_empty)
        p++;
    else if (level >= LEVELS_MAX)
        return NULL;
    while (!is_empty) {
        if (kind == JSON_OBJECT) {
            p = skip_blank(p, end);
            if (p == end || *p != '"' || (p = read_text(r, p + 1)) == NULL)
                return NULL;
            p = skip_blank(p, end);
            if (p == end || *p++ != ':')
                return NULL;
        }
        p = read_value(r, p, level + 1);
        if (p == NULL)
            return NULL;
        n++;
        p = skip_blank(p, end);
        if (p == end)
            return NULL;
        char c = *p++;
        if (c == closing)
            break;
        if (c != ',')
            return NULL;
    }
    *node = (struct json_node){.kind = (uint8_t)kind, .n = n, .u64 = (uint64_t)(r->node - node)};
    return p;
}

static const char *read_value(struct reader *r, const char *p, unsigned level)
{
    p = skip_blank(p, r->end);
    if (p == r->end)
        return NULL;
    switch (*p) {
    case '"': return read_text(r, p + 1);
    case '{': return read_container(r, p + 1, JSON_OBJECT, level);
    case '[': return read_container(r, p + 1, JSON_ARRAY, level);
    case 't': return read_word(r, p, STR("true"), (struct json_node){.kind = JSON_BOOL, .u64 = 1});
    case 'f': return read_word(r, p, STR("false"), (struct json_node){.kind = JSON_BOOL});
    case 'n': return read_word(r, p, STR("null"), (struct json_node){.kind = JSON_NULL});
    default: return read_number(r, p);
    }
}

static void make_room(struct json_scratch *s, size_t n)
{
    if (n <= s->cap && s->nodes != NULL)
        return;
    s->cap = 2 * n;
    arena_reset(&s->arena);
    s->nodes = arena_alloc(&s->arena, (s->cap / 2 + 2) * sizeof(*s->nodes));
    s->bytes = arena_bytes(&s->arena, s->cap + 16);
}

void json_scratch_done(struct json_scratch *s)
{
    arena_done(&s->arena);
}

/* Unescaped bytes lie behind the nodes. */
static void bind_bytes(struct json_node *nodes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (nodes[i].kind == JSON_TEXT && nodes[i].is_unescaped)
            nodes[i].u64 += n * sizeof(*nodes);
}

struct str json_doc_parse(struct json_scratch *s, struct arena *arena, struct str text)
{
    const char *start = text.p, *end = text.p + text.n;

    if (text.n == 0 || text.n > UINT32_MAX || !utf8_is_valid(text))
        return (struct str){"", 0};
    if (text.n >= 3 && memcmp(text.p, "\xef\xbb\xbf", 3) == 0)
        start += 3;
    make_room(s, text.n);
    struct reader r = {
        .end = end, .text = text.p, .node = s->nodes, .bytes = s->bytes, .bytes_start = s->bytes};
    const char *p = read_value(&r, start, 0);
    if (p == NULL || skip_blank(p, end) != end)
        return (struct str){"", 0};
    size_t n = (size_t)(r.node - s->nodes), n_bytes = (size_t)(r.bytes - r.bytes_start);
    if (n_bytes)
        bind_bytes(s->nodes, n);
    char *doc = arena_alloc(arena, n * sizeof(*s->nodes) + n_bytes);
    memcpy(doc, s->nodes, n * sizeof(*s->nodes));
    if (n_bytes)
        memcpy(doc + n * sizeof(*s->nodes), s->bytes, n_bytes);
    return (struct str){doc, n * sizeof(*s->nodes) + n_bytes};
}

/* ---- looking into it ---- */

struct str json_text(struct json_at at)
{
    return (struct str){(at.node->is_unescaped ? at.doc : at.text) + at.node->u64, at.node->n};
}

bool json_to_key(struct json_at *at, struct str key, bool any_case)
{
    const struct json_node *node = at->node + 1;

    if (at->node->kind != JSON_OBJECT)
        return false;
    for (uint32_t i = 0; i < at->node->n; i++, node = json_next(node + 1)) {
        if (node->n != key.n)
            continue;
        struct str name = json_text((struct json_at){node, at->doc, at->text});
        if (any_case ? same_any_case(name.p, key.p, key.n) : str_eq(name, key)) {
            at->node = node + 1;
            return true;
        }
    }
    return false;
}

bool json_to_index(struct json_at *at, int32_t index, struct json_at *key)
{
    const struct json_node *node = at->node + 1;
    bool is_object = at->node->kind == JSON_OBJECT;
    int64_t i = index > 0 ? (int64_t)index - 1 : (int64_t)at->node->n + index;

    if ((at->node->kind != JSON_ARRAY && !is_object) || index == 0 || i < 0 || i >= at->node->n)
        return false;
    for (; i > 0; i--)
        node = json_next(is_object ? node + 1 : node);
    if (key != NULL && is_object)
        *key = (struct json_at){node, at->doc, at->text};
    at->node = is_object ? node + 1 : node;
    return true;
}
