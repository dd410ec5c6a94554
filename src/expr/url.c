/* SPDX-License-Identifier: Apache-2.0
 *
 * Parts of URLs, by ClickHouse's rules rather than those of RFC 3986: nothing is checked but the
 * characters of the host. All parts are views of the URL; what is cut out of it is written anew. */
#include <pthread.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/hash.h"
#include "expr/text_kit.h"
#include "expr/url_suffixes.h"

#define IN(row) (VALUES(0, struct str)[row])

static const struct str nothing = {"", 0};

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

static const char *find_char(const char *p, const char *end, char c)
{
    const char *hit = p < end ? memchr(p, c, (size_t)(end - p)) : NULL;

    return hit ? hit : end;
}

static const char *find_either(const char *p, const char *end, char a, char b)
{
#ifdef __SSE2__
    __m128i first = _mm_set1_epi8(a), second = _mm_set1_epi8(b);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)p);
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_or_si128(_mm_cmpeq_epi8(v, first), _mm_cmpeq_epi8(v, second)));
        if (hits)
            return p + __builtin_ctz(hits);
    }
#endif
    while (p < end && *p != a && *p != b)
        p++;
    return p;
}

/* ---- scheme and host ---- */

enum { CLASS_PLAIN, CLASS_SCHEME, CLASS_BAD, CLASS_DOT, CLASS_END, CLASS_AT };

/* What a character is in a scheme and a host; CLASS_SCHEME: + and -, which only a scheme has. */
static inline int class_of(char c)
{
    switch (c) {
    case '.': return CLASS_DOT;
    case '-':
    case '+': return CLASS_SCHEME;
    case ':':
    case '/':
    case '?':
    case '#': return CLASS_END;
    case '@': return CLASS_AT;
    case ' ':
    case '\t':
    case '<':
    case '>':
    case '%':
    case '{':
    case '}':
    case '|':
    case '\\':
    case '^':
    case '~':
    case '[':
    case ']':
    case ';':
    case '=':
    case '&': return CLASS_BAD;
    default: return CLASS_PLAIN;
    }
}

/* Behind scheme:// or //, at the start if there is neither; NULL: it holds what no URL does. */
static const char *behind_scheme(struct str s)
{
    enum { SCHEME_MAX = 16 };
    const char *p = s.p, *end = p + (s.n < SCHEME_MAX ? s.n : SCHEME_MAX);

    if (s.n > 2 && p[0] == '/' && p[1] == '/')
        return p + 2;
    for (p++; p < end; p++) {
        int class = class_of(*p);
        bool is_scheme =
            is_letter(*p) || is_digit(*p) || class == CLASS_DOT || class == CLASS_SCHEME;
        if (class == CLASS_BAD)
            return NULL;
        if (!is_scheme)
            break;
    }
    return end - p > 2 && p[0] == ':' && p[1] == '/' && p[2] == '/' ? p + 3 : s.p;
}

/* A host has a dot with something behind it. */
static struct str host_of(struct str s)
{
    const char *p = s.n ? behind_scheme(s) : NULL, *end = s.p + s.n, *dot = NULL, *start = p;

    if (p == NULL)
        return nothing;
    for (; p < end; p++) {
        int class = class_of(*p);
        if (class == CLASS_PLAIN || class == CLASS_SCHEME)
            continue;
        if (class == CLASS_DOT)
            dot = p;
        else if (class == CLASS_AT)
            start = p + 1;
        else if (class == CLASS_END)
            break;
        else
            return nothing;
    }
    if (dot == NULL || start >= p || p - dot == 1)
        return nothing;
    char behind = dot[1];
    if (behind == ':' || behind == '/' || behind == '?' || behind == '#')
        return nothing;
    return between(start, p);
}

static struct str without_www(struct str host)
{
    if (host.n > 4 && memcmp(host.p, "www.", 4) == 0)
        return (struct str){host.p + 4, host.n - 4};
    return host;
}

static struct str domain_without_www(struct str s)
{
    return without_www(host_of(s));
}

/* A letter, then letters, digits, + - . */
static struct str protocol_of(struct str s)
{
    size_t n = 0;

    if (s.n == 0 || !is_letter(s.p[0]))
        return nothing;
    while (n < s.n && (is_letter(s.p[n]) || is_digit(s.p[n]) || s.p[n] == '+' || s.p[n] == '-' ||
                       s.p[n] == '.'))
        n++;
    return s.n - n >= 4 && s.p[n] == ':' ? (struct str){s.p, n} : nothing;
}

static struct str top_level_domain(struct str s)
{
    struct str host = host_of(s);
    const char *dot;

    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    dot = host.n ? memrchr(host.p, '.', host.n) : NULL;
    if (dot == NULL || is_digit(dot[1]))
        return nothing;
    return between(dot + 1, host.p + host.n);
}

/* ---- significant subdomains ---- */

enum { N_SLOTS = 1 << 15 };
static struct str suffix_slots[N_SLOTS];
static pthread_once_t suffixes_once = PTHREAD_ONCE_INIT;

static void fill_suffixes(void)
{
    for (const char *p = suffixes; *p;) {
        const char *end = strchr(p, ' ');
        size_t at = city_hash64(p, (size_t)(end - p)) % N_SLOTS;
        while (suffix_slots[at].p != NULL)
            at = (at + 1) % N_SLOTS;
        suffix_slots[at] = between(p, end);
        p = end + 1;
    }
}

static bool is_public(struct str host)
{
    size_t at = city_hash64(host.p, host.n) % N_SLOTS;

    for (; suffix_slots[at].p != NULL; at = (at + 1) % N_SLOTS)
        if (str_eq(suffix_slots[at], host))
            return true;
    return false;
}

/* The part before the public domain, which has two parts or one. *end: of the whole domain. */
static struct str significant(struct str host, const char **end)
{
    const char *dots[3] = {NULL}, *last = host.p + host.n;

    *end = last;
    if (host.n == 0)
        return nothing;
    if (last[-1] == '.')
        last--;
    for (const char *p = find_char(host.p, last, '.'); p < last; p = find_char(p + 1, last, '.')) {
        dots[2] = dots[1];
        dots[1] = dots[0];
        dots[0] = p;
    }
    if (dots[0] == NULL)
        return between(host.p, last);
    if (dots[1] == NULL)
        return between(host.p, dots[0]);
    if (is_public(between(dots[1] + 1, last)))
        return between(dots[2] ? dots[2] + 1 : host.p, dots[1]);
    return between(dots[1] + 1, dots[0]);
}

static struct str first_significant(struct str s)
{
    const char *end;

    return significant(domain_without_www(s), &end);
}

static struct str cut_to_significant(struct str s)
{
    const char *end;
    struct str part = significant(domain_without_www(s), &end);

    return part.n ? between(part.p, end) : nothing;
}

static struct str cut_to_significant_www(struct str s)
{
    const char *end;
    struct str part = significant(host_of(s), &end);

    return part.n ? between(part.p, end) : nothing;
}

/* ---- path and what follows ---- */

static struct str path_full(struct str s)
{
    const char *end = s.p + s.n, *p = find_char(s.p, end, '/');

    if (end - p > 1 && p[1] == '/')
        p = find_char(p + 2, end, '/');
    return between(p, end);
}

static struct str path_only(struct str s)
{
    struct str path = path_full(s);

    return between(path.p, find_either(path.p, path.p + path.n, '?', '#'));
}

static struct str query_of(struct str s)
{
    const char *end = s.p + s.n, *p = find_char(s.p, end, '?');

    return p == end ? nothing : between(p + 1, find_char(p, end, '#'));
}

static struct str fragment_of(struct str s)
{
    const char *end = s.p + s.n, *p = find_char(s.p, end, '#');

    return p == end ? nothing : between(p + 1, end);
}

static struct str query_and_fragment(struct str s)
{
    const char *end = s.p + s.n, *p = find_char(s.p, end, '?');

    return p < end ? between(p + 1, end) : between(find_char(s.p, end, '#'), end);
}

/* user:password@host:port */
static struct str netloc_of(struct str s)
{
    const char *start = s.n ? behind_scheme(s) : NULL, *end = s.p + s.n;
    const char *slash = end, *question = end, *stop = end, *p;
    bool has_user = false;

    if (start == NULL)
        return nothing;
    for (p = start; p < end; p++) {
        switch (*p) {
        case '/':
            if (has_user)
                return between(start, p);
            slash = p;
            break;
        case '?':
            if (has_user)
                return between(start, p);
            question = p;
            break;
        case '#': return between(start, p);
        case '@':
            has_user = true;
            stop = end;
            break;
        case ';':
        case '=':
        case '&':
        case '~':
        case '%':
            if (!has_user) {
                stop = p;
                break;
            }
            /* fall through */
        case ' ':
        case '\t':
        case '<':
        case '>':
        case '{':
        case '}':
        case '|':
        case '\\':
        case '^':
        case '[':
        case ']':
            if (p == start)
                return nothing;
            p = p < question ? p : question;
            return between(start, p < slash ? p : slash);
        }
    }
    if (has_user)
        return between(start, p);
    p = question < slash ? question : slash;
    return between(start, p < stop ? p : stop);
}

/* ---- kernels: param.i = which ---- */

static struct str (*const parts[])(struct str s) = {
    protocol_of,
    host_of,
    domain_without_www,
    top_level_domain,
    first_significant,
    cut_to_significant,
    cut_to_significant_www,
    path_only,
    path_full,
    query_of,
    fragment_of,
    query_and_fragment,
    netloc_of,
};
enum {
    PART_PROTOCOL,
    PART_DOMAIN,
    PART_DOMAIN_NO_WWW,
    PART_TOP,
    PART_FIRST,
    PART_CUT_TO,
    PART_CUT_TO_WWW,
    PART_PATH,
    PART_PATH_FULL,
    PART_QUERY,
    PART_FRAGMENT,
    PART_QUERY_FRAGMENT,
    PART_NETLOC,
};

static void run_part(struct call *c)
{
    struct str (*part)(struct str) = parts[c->param.i];

    pthread_once(&suffixes_once, fill_suffixes);
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        RESULT(struct str)[i] = s.n ? part(s) : nothing;
    }
}
static const struct op op_part = {"url", run_part, 0};

static value_id build_part(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, &op_part, type_of(TYPE_STRING), s->args, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- cutting ---- */

enum { CUT_WWW, CUT_QUERY, CUT_FRAGMENT, CUT_QUERY_FRAGMENT };

static struct str www_of(struct str s)
{
    const char *end = s.p + s.n, *p = s.p + protocol_of(s).n;

    if (p != s.p && p < end && *p == ':')
        p++;
    if (end - p <= 2 || p[0] != '/' || p[1] != '/')
        return nothing;
    const char *host = p += 2;
    for (; p < end && *p != ':' && *p != '/' && *p != '?' && *p != '#'; p++)
        if (*p == '@')
            host = p + 1;
    return end - host > 4 && memcmp(host, "www.", 4) == 0 ? between(host, host + 4) : nothing;
}

static struct str to_cut(struct str s, int64_t which)
{
    const char *end = s.p + s.n, *p;

    switch (which) {
    case CUT_WWW: return www_of(s);
    case CUT_QUERY: p = find_char(s.p, end, '?'); return between(p, find_char(p, end, '#'));
    case CUT_FRAGMENT: return between(find_char(s.p, end, '#'), end);
    default:
        p = find_char(s.p, end, '?');
        return between(p < end ? p : find_char(s.p, end, '#'), end);
    }
}

static struct str cut_out(struct text_out *out, struct str s, struct str part)
{
    if (part.n == 0)
        return s;
    if (part.p + part.n == s.p + s.n)
        return between(s.p, part.p);
    text_out_put(out, s.p, (size_t)(part.p - s.p));
    text_out_put(out, part.p + part.n, (size_t)(s.p + s.n - part.p) - part.n);
    return text_out_row(out);
}

static void run_cut(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        RESULT(struct str)[i] = s.n ? cut_out(&out, s, to_cut(s, c->param.i)) : s;
    }
}
static const struct op op_cut = {"cutURL", run_cut, 0};

static value_id build_cut(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, &op_cut, type_of(TYPE_STRING), s->args, 1, (struct param){.i = s->f->param},
                NULL);
}

/* ---- parameters: data = "name=" ---- */

/* Behind ? or #, of which the names count alike. NULL: it is not there. */
static const char *find_parameter(struct str s, struct str name)
{
    const char *end = s.p + s.n, *p = find_either(s.p, end, '?', '#');

    if (p == end)
        return NULL;
    for (p++; p < end;) {
        const char *hit = text_find(between(p, end), name);
        if (hit == NULL)
            return NULL;
        if (hit[-1] == '?' || hit[-1] == '#' || hit[-1] == '&')
            return hit;
        p = hit + name.n;
    }
    return NULL;
}

static void run_parameter(struct call *c)
{
    const struct str *name = c->data;

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        const char *end = s.p + s.n, *hit = s.n ? find_parameter(s, *name) : NULL;
        const char *value = hit ? hit + name->n : NULL;
        RESULT(struct str)[i] = hit ? between(value, find_either(value, end, '&', '#')) : nothing;
    }
}
static const struct op op_parameter = {"extractURLParameter", run_parameter, 0};

static void run_cut_parameter(struct call *c)
{
    const struct str *name = c->data;
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        const char *end = s.p + s.n, *hit = s.n ? find_parameter(s, *name) : NULL;
        if (hit == NULL) {
            RESULT(struct str)[i] = s;
            continue;
        }
        const char *behind = find_either(hit + name->n, end, '&', '#');
        if (behind < end && *behind == '&')
            behind++;
        else if (hit[-1] == '&')
            hit--;
        RESULT(struct str)[i] = cut_out(&out, s, between(hit, behind));
    }
}
static const struct op op_cut_parameter = {"cutURLParameter", run_cut_parameter, 0};

static value_id build_parameter(struct site *s)
{
    struct arena *arena = &s->b->memory->arena;

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    const struct str *name = site_constant_text(s, 1);
    if (name == NULL)
        return site_bad_type(s, 1, "a constant string");
    struct str *with_equals = arena_alloc(arena, sizeof(*with_equals));
    *with_equals = str_of(arena_printf(arena, "%.*s=", STR_FMT(*name)));
    return emit(s->b, s->f->param ? &op_cut_parameter : &op_parameter, type_of(TYPE_STRING),
                s->args, 2, (struct param){0}, with_equals);
}

/* ---- port: param.i = without one ---- */

static uint16_t port_of(struct str s, uint16_t otherwise)
{
    struct str host = host_of(s);
    const char *p = host.p + host.n, *end = s.p + s.n;
    uint32_t port = 0;

    if (host.n == 0 || p >= end || *p++ != ':')
        return otherwise;
    if (p == end)
        return otherwise;
    for (; p < end && *p != '/'; p++) {
        if (!is_digit(*p))
            return otherwise;
        port = port * 10 + (uint32_t)(*p - '0');
        if (port > UINT16_MAX)
            return otherwise;
    }
    return (uint16_t)port;
}

static void run_port(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint16_t)[i] = IN(i).n ? port_of(IN(i), (uint16_t)c->param.i) : (uint16_t)c->param.i;
}
static const struct op op_port = {"port", run_port, 0};

static value_id build_port(struct site *s)
{
    int64_t otherwise = 0;

    if (!site_strings(s, 1))
        return VALUE_FAILED;
    if (s->n_args > 1 && s->types[1].kind != TYPE_UINT16)
        return site_bad_type(s, 1, "UInt16");
    if (s->n_args > 1 && !site_integer(s, 1, &otherwise))
        return VALUE_FAILED;
    return emit(s->b, &op_port, type_of(TYPE_UINT16), s->args, 1, (struct param){.i = otherwise},
                NULL);
}

/* ---- percent encoding: param.i = blank as + ---- */

static int digit_of(char c)
{
    if (is_digit(c))
        return c - '0';
    c = lower_ascii(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char *decode(char *out, struct str s, bool plus_is_blank)
{
    for (size_t i = 0; i < s.n;) {
        char c = s.p[i];
        if (c == '%' && s.n - i >= 3) {
            int high = digit_of(s.p[i + 1]), low = digit_of(s.p[i + 2]);
            if (high >= 0 && low >= 0) {
                *out++ = (char)(high << 4 | low);
            } else {
                memcpy(out, s.p + i, 3);
                out += 3;
            }
            i += 3;
            continue;
        }
        if (c == '%') { /* cut short: the rest stays */
            memcpy(out, s.p + i, s.n - i);
            return out + (s.n - i);
        }
        *out++ = c == '+' && plus_is_blank ? ' ' : c;
        i++;
    }
    return out;
}

static void run_decode(struct call *c)
{
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        bool is_plain = s.n == 0 || (memchr(s.p, '%', s.n) == NULL &&
                                     !(c->param.i && memchr(s.p, '+', s.n) != NULL));
        char *end = is_plain ? p : decode(p, s, c->param.i);
        RESULT(struct str)[i] = is_plain ? s : between(p, end);
        p = end;
    }
}

static void run_encode(struct call *c)
{
    static const char hex[] = "0123456789ABCDEF";
    char *p = arena_bytes(c->arena, 3 * column_bytes(c->args[0], c->n) + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *start = p;
        for (size_t k = 0; k < s.n; k++) {
            char ch = s.p[k];
            if (is_word(ch) || ch == '-' || ch == '.' || ch == '~') {
                *p++ = ch;
            } else if (ch == ' ' && c->param.i) {
                *p++ = '+';
            } else {
                *p++ = '%';
                *p++ = hex[(uint8_t)ch >> 4];
                *p++ = hex[(uint8_t)ch & 15];
            }
        }
        RESULT(struct str)[i] = between(start, p);
    }
}
static const struct op op_decode = {"decodeURLComponent", run_decode, 0};
static const struct op op_encode = {"encodeURLComponent", run_encode, 0};

/* param: is encoding << 1 | blank as + */
static value_id build_code(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, s->f->param & 2 ? &op_encode : &op_decode, type_of(TYPE_STRING), s->args, 1,
                (struct param){.i = s->f->param & 1}, NULL);
}

static const struct function functions[] = {
    {"protocol", "url", "`https` of `https://…`.", 1, 1, 0, build_part, PART_PROTOCOL},
    {"domain", "url", "The host, which has a dot in it.", 1, 1, 0, build_part, PART_DOMAIN},
    {"domainWithoutWWW", "url", "The same without `www.`", 1, 1, 0, build_part, PART_DOMAIN_NO_WWW},
    {"topLevelDomain", "url", "What is behind the host's last dot.", 1, 1, 0, build_part, PART_TOP},
    {"firstSignificantSubdomain", "url", "`example` of `www.example.co.uk`.", 1, 1, 0, build_part,
     PART_FIRST},
    {"cutToFirstSignificantSubdomain", "url", "`example.co.uk` of `news.example.co.uk`.", 1, 1, 0,
     build_part, PART_CUT_TO},
    {"cutToFirstSignificantSubdomainWithWWW", "url",
     "The same where `www` may be the significant part.", 1, 1, 0, build_part, PART_CUT_TO_WWW},
    {"port", "url[, otherwise]", "The port, 0 (or a constant UInt16) without one.", 1, 2, 0,
     build_port, 0},
    {"netloc", "url", "`user:password@host:port`", 1, 1, 0, build_part, PART_NETLOC},
    {"path", "url", "From the slash behind the host to ? or #.", 1, 1, 0, build_part, PART_PATH},
    {"pathFull", "url", "From that slash to the end.", 1, 1, 0, build_part, PART_PATH_FULL},
    {"queryString", "url", "Between ? and #.", 1, 1, 0, build_part, PART_QUERY},
    {"fragment", "url", "Behind #.", 1, 1, 0, build_part, PART_FRAGMENT},
    {"queryStringAndFragment", "url", "Behind ?, or from # on.", 1, 1, 0, build_part,
     PART_QUERY_FRAGMENT},
    {"extractURLParameter", "url, name", "The value of the parameter `name` (constant).", 2, 2, 0,
     build_parameter, 0},
    {"cutURLParameter", "url, name", "url without that parameter.", 2, 2, 0, build_parameter, 1},
    {"cutWWW", "url", "url without `www.`", 1, 1, 0, build_cut, CUT_WWW},
    {"cutQueryString", "url", "url without ? and what is behind it.", 1, 1, 0, build_cut,
     CUT_QUERY},
    {"cutFragment", "url", "url without # and what is behind it.", 1, 1, 0, build_cut,
     CUT_FRAGMENT},
    {"cutQueryStringAndFragment", "url", "url without both.", 1, 1, 0, build_cut,
     CUT_QUERY_FRAGMENT},
    {"decodeURLComponent", "s", "%41 as A.", 1, 1, 0, build_code, 0},
    {"decodeURLFormComponent", "s", "The same, + as a blank.", 1, 1, 0, build_code, 1},
    {"encodeURLComponent", "s", "All but ASCII letters, digits and - _ . ~ as %41.", 1, 1, 0,
     build_code, 2},
    {"encodeURLFormComponent", "s", "The same, a blank as +.", 1, 1, 0, build_code, 3},
};
const struct function_family family_url = {"URLs", functions, COUNT(functions)};
