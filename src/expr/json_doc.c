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
    const char *p, *end, *text;
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

/* At the first backslash. */
static bool read_escaped(struct reader *r, const char *start)
{
    struct json_node *node = r->node++;
    char *out = r->bytes;

    for (const char *from = start;;) {
        memcpy(r->bytes, from, (size_t)(r->p - from));
        r->bytes += r->p - from;
        if (r->p == r->end || (uint8_t)*r->p < 0x20)
            return false;
        if (*r->p++ == '"')
            break;
        if (!read_escape(r))
            return false;
        from = r->p;
        r->p = find_special(r->p, r->end);
    }
    *node = (struct json_node){.kind = JSON_TEXT,
                               .is_unescaped = 1,
                               .n = (uint32_t)(r->bytes - out),
                               .u64 = (uint64_t)(out - r->bytes_start)};
    return true;
}

/* Behind the quote. */
static bool read_text(struct reader *r)
{
    const char *start = r->p;

    r->p = find_special(r->p, r->end);
    if (r->p == r->end)
        return false;
    if (*r->p != '"')
        return *r->p == '\\' && read_escaped(r, start);
    *r->node++ = (struct json_node){
        .kind = JSON_TEXT, .n = (uint32_t)(r->p - start), .u64 = (uint64_t)(start - r->text)};
    r->p++;
    return true;
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

static bool read_number(struct reader *r)
{
    const char *start = r->p, *digits;
    bool is_negative = *r->p == '-', fits = true, is_float = false;
    uint64_t v = 0;

    r->p += is_negative;
    for (digits = r->p; r->p < r->end && is_digit(*r->p); r->p++) {
        unsigned digit = (unsigned)(*r->p - '0');
        fits &= v < 1844674407370955161ULL || (v == 1844674407370955161ULL && digit <= 5);
        v = v * 10 + digit;
    }
    if (r->p == digits || (*digits == '0' && r->p - digits > 1))
        return false;
    if (r->p < r->end && *r->p == '.') {
        const char *fraction = ++r->p;
        is_float = true;
        while (r->p < r->end && is_digit(*r->p))
            r->p++;
        if (r->p == fraction)
            return false;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        is_float = true;
        r->p++;
        r->p += r->p < r->end && (*r->p == '+' || *r->p == '-');
        const char *exponent = r->p;
        while (r->p < r->end && is_digit(*r->p))
            r->p++;
        if (r->p == exponent)
            return false;
    }
    if (is_float)
        return read_double(r, (struct str){start, (size_t)(r->p - start)});
    if (!fits || (is_negative && v > (uint64_t)1 << 63))
        return false;
    bool is_signed = is_negative || v <= INT64_MAX;
    *r->node++ = (struct json_node){.kind = is_signed ? JSON_INT : JSON_UINT,
                                    .u64 = is_negative ? 0 - v : v};
    return true;
}

static bool read_word(struct reader *r, const char *word, struct json_node node)
{
    size_t n = strlen(word);

    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return false;
    r->p += n;
    *r->node++ = node;
    return true;
}

/* ---- values ---- */

static bool read_value(struct reader *r, unsigned level);

/* Behind the bracket. */
static bool read_container(struct reader *r, enum json_kind kind, unsigned level)
{
    struct json_node *node = r->node++;
    char closing = kind == JSON_ARRAY ? ']' : '}';
    uint32_t n = 0;

    r->p = skip_blank(r->p, r->end);
    bool is_empty = r->p < r->end && *r->p == closing;
    if (is_empty)
        r->p++;
    else if (level >= LEVELS_MAX)
        return false;
    while (!is_empty) {
        if (kind == JSON_OBJECT) {
            r->p = skip_blank(r->p, r->end);
            if (r->p == r->end || *r->p++ != '"' || !read_text(r))
                return false;
            r->p = skip_blank(r->p, r->end);
            if (r->p == r->end || *r->p++ != ':')
                return false;
        }
        if (!read_value(r, level + 1))
            return false;
        n++;
        r->p = skip_blank(r->p, r->end);
        if (r->p == r->end)
            return false;
        char c = *r->p++;
        if (c == closing)
            break;
        if (c != ',')
            return false;
    }
    *node = (struct json_node){.kind = (uint8_t)kind, .n = n, .u64 = (uint64_t)(r->node - node)};
    return true;
}

static bool read_value(struct reader *r, unsigned level)
{
    r->p = skip_blank(r->p, r->end);
    if (r->p == r->end)
        return false;
    switch (*r->p) {
    case '"': r->p++; return read_text(r);
    case '{': r->p++; return read_container(r, JSON_OBJECT, level);
    case '[': r->p++; return read_container(r, JSON_ARRAY, level);
    case 't': return read_word(r, "true", (struct json_node){.kind = JSON_BOOL, .u64 = 1});
    case 'f': return read_word(r, "false", (struct json_node){.kind = JSON_BOOL});
    case 'n': return read_word(r, "null", (struct json_node){.kind = JSON_NULL});
    default: return read_number(r);
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
    struct reader r = {.p = start,
                       .end = end,
                       .text = text.p,
                       .node = s->nodes,
                       .bytes = s->bytes,
                       .bytes_start = s->bytes};
    if (!read_value(&r, 0) || skip_blank(r.p, end) != end)
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
