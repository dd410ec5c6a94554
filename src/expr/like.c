/* SPDX-License-Identifier: Apache-2.0
 *
 * LIKE and ILIKE. % is any run, _ one code point, \ takes the next literally where that is %, _ or
 * \. As in ClickHouse, which uses a regular expression over UTF-8 for all but the plain forms,
 * neither % in the middle nor _ matches bytes that are no UTF-8.
 *
 * A pattern becomes segments between its %s; each segment is tried at the earliest place. */
#include "expr/text_kit.h"

/* Items of a segment: a byte, or one code point. */
enum { ITEM_ANY = 0x100 };

struct segment {
    uint16_t *items;
    size_t n;
    bool is_literal; /* no _ : text */
    bool is_sought;  /* all of it can be looked for by bytes, as text */
    struct str text;
};

struct pattern {
    struct segment *segments; /* at least one; the first is anchored at the start … */
    size_t n;                 /* … and the last at the end; empty ones stand for % at the ends */
    bool any_case;
};

/* Length of the UTF-8 character at p, 0 if it is none. RE2 lets surrogates and codes above
 * U+10FFFF pass. */
static size_t character_bytes(const char *at, size_t n)
{
    const uint8_t *p = (const uint8_t *)at;

    if (n == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return n >= 2 && (p[1] & 0xc0) == 0x80 ? 2 : 0;
    if (p[0] >= 0xe0 && p[0] <= 0xef) {
        if (n < 3 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 ||
            (p[0] == 0xe0 && p[1] < 0xa0))
            return 0;
        return 3;
    }
    if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        if (n < 4 || (p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80 ||
            (p[0] == 0xf0 && p[1] < 0x90))
            return 0;
        return 4;
    }
    return 0;
}

/* Simple case folding: ASCII, Latin, Greek, Cyrillic, Armenian. */
static uint32_t fold_code(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9 && c != 0x3a2) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177) ||
        (c >= 0x460 && c <= 0x481) || (c >= 0x48a && c <= 0x4bf) || (c >= 0x4d0 && c <= 0x52f) ||
        (c >= 0x1e00 && c <= 0x1e95))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return c % 2 ? c + 1 : c;
    if (c >= 0x531 && c <= 0x556)
        return c + 48;
    return c == 0x3c2 ? 0x3c3 : c;
}

static uint32_t decode(const char *at, size_t bytes)
{
    const uint8_t *p = (const uint8_t *)at;

    switch (bytes) {
    case 2: return (uint32_t)(p[0] & 0x1f) << 6 | (p[1] & 0x3f);
    case 3: return (uint32_t)(p[0] & 0xf) << 12 | (uint32_t)(p[1] & 0x3f) << 6 | (p[2] & 0x3f);
    case 4:
        return (uint32_t)(p[0] & 7) << 18 | (uint32_t)(p[1] & 0x3f) << 12 |
               (uint32_t)(p[2] & 0x3f) << 6 | (p[3] & 0x3f);
    default: return p[0];
    }
}

/* ---- making a pattern ---- */

static void end_segment(struct arena *arena, struct pattern *p, uint16_t *items, size_t n)
{
    struct segment *s = &p->segments[p->n++];
    char *text = arena_bytes(arena, n + 1);

    *s = (struct segment){.items = items, .n = n, .is_literal = true, .text = {text, n}};
    for (size_t i = 0; i < n; i++) {
        s->is_literal &= items[i] != ITEM_ANY;
        text[i] = (char)items[i];
    }
    s->is_sought = n > 0 && s->is_literal && (!p->any_case || text_is_ascii(s->text));
}

/* False: a \ with nothing behind it, which ClickHouse refuses. */
static bool pattern_make(struct pattern *p, struct arena *arena, struct str text, bool any_case)
{
    uint16_t *items = arena_alloc(arena, (text.n + 1) * sizeof(*items));
    size_t n = 0, start = 0;

    *p = (struct pattern){.any_case = any_case};
    p->segments = arena_alloc(arena, (text.n + 2) * sizeof(*p->segments));
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            end_segment(arena, p, items + start, n - start);
            start = n;
            while (i + 1 < text.n && text.p[i + 1] == '%')
                i++;
        } else if (c == '_') {
            items[n++] = ITEM_ANY;
        } else if (c == '\\') {
            if (i + 1 == text.n)
                return false;
            char next = text.p[i + 1];
            if (next == '%' || next == '_' || next == '\\')
                i++;
            items[n++] = (uint8_t)text.p[i];
        } else {
            items[n++] = (uint8_t)c;
        }
    }
    end_segment(arena, p, items + start, n - start);
    return true;
}

/* ---- matching ---- */

/* Bytes of s that the segment covers from its start; SIZE_MAX if it does not match there. */
static size_t match_here(const struct segment *g, struct str s, bool any_case)
{
    size_t at = 0;

    if (g->is_literal && !any_case)
        return s.n >= g->n && (g->n == 0 || memcmp(s.p, g->text.p, g->n) == 0) ? g->n : SIZE_MAX;
    for (size_t i = 0; i < g->n;) {
        size_t bytes = character_bytes(s.p + at, s.n - at);
        if (g->items[i] == ITEM_ANY) {
            if (bytes == 0)
                return SIZE_MAX;
            at += bytes;
            i++;
            continue;
        }
        if (at >= s.n)
            return SIZE_MAX;
        size_t wanted = any_case ? character_bytes(g->text.p + i, g->n - i) : 1;
        if (!any_case || wanted == 0 || bytes == 0) {
            if ((uint8_t)s.p[at] != (uint8_t)g->items[i])
                return SIZE_MAX;
            at++;
            i++;
            continue;
        }
        if (fold_code(decode(s.p + at, bytes)) != fold_code(decode(g->text.p + i, wanted)))
            return SIZE_MAX;
        at += bytes;
        i += wanted;
    }
    return at;
}

/* Are all bytes whole characters? */
static bool is_utf8(const char *p, size_t n)
{
    if (text_is_ascii((struct str){p, n}))
        return true;
    for (size_t at = 0; at < n;) {
        size_t bytes = character_bytes(p + at, n - at);
        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

/* First place at or after `from` where the segment matches. By bytes if nothing before it must
 * be text, else by characters. */
static size_t find_segment(const struct segment *g, struct str s, size_t from, bool any_bytes,
                           bool any_case, size_t *length)
{
    if (g->is_sought) {
        struct str rest = {s.p + from, s.n - from};
        const char *hit = any_case ? text_find_any_case(rest, g->text) : text_find(rest, g->text);
        if (hit == NULL)
            return SIZE_MAX;
        size_t at = (size_t)(hit - s.p);
        *length = g->n;
        if (any_bytes || is_utf8(s.p + from, at - from))
            return at;
    }
    for (size_t at = from; at <= s.n;) {
        *length = match_here(g, (struct str){s.p + at, s.n - at}, any_case);
        if (*length != SIZE_MAX)
            return at;
        size_t step = any_bytes ? 1 : character_bytes(s.p + at, s.n - at);
        if (step == 0)
            return SIZE_MAX;
        at += step;
    }
    return SIZE_MAX;
}

/* `first`: where the second segment is found, if that is known, else TEXT_NOWHERE. */
static bool pattern_match(const struct pattern *p, struct str s, uint32_t first)
{
    size_t at = match_here(&p->segments[0], s, p->any_case), length, i = 1;

    if (at == SIZE_MAX)
        return false;
    if (p->n == 1)
        return at == s.n;
    bool any_bytes = p->segments[0].n == 0; /* a leading % spans anything */
    if (first != TEXT_NOWHERE) {
        at = first + p->segments[1].n;
        any_bytes = false;
        i = 2;
    }
    for (; i + 1 < p->n; i++) {
        at = find_segment(&p->segments[i], s, at, any_bytes, p->any_case, &length);
        if (at == SIZE_MAX)
            return false;
        at += length;
        any_bytes = false;
    }
    const struct segment *last = &p->segments[p->n - 1];
    if (last->n == 0)
        return true; /* a trailing % spans anything */
    if (last->is_literal && !p->any_case) {
        if (s.n - at < last->n || memcmp(s.p + s.n - last->n, last->text.p, last->n) != 0)
            return false;
        return any_bytes || is_utf8(s.p + at, s.n - last->n - at);
    }
    for (; at <= s.n;) {
        size_t covered = match_here(last, (struct str){s.p + at, s.n - at}, p->any_case);
        if (covered != SIZE_MAX && at + covered == s.n)
            return true;
        size_t step = any_bytes ? 1 : character_bytes(s.p + at, s.n - at);
        if (step == 0)
            return false;
        at += step;
    }
    return false;
}

/* ---- kernels: param.i = any case | negated << 1 ---- */

static void run_like(struct call *c)
{
    const struct pattern *p = c->data;
    uint8_t negate = (uint8_t)(c->param.i >> 1 & 1);

    if (p->n >= 3 && p->segments[0].n == 0 && p->segments[1].is_sought) {
        /* %text…: most rows end with the text not being there */
        uint32_t at[BATCH_ROWS];
        bool is_all = p->n == 3 && p->segments[2].n == 0;
        text_find_rows(at, VALUES(0, struct str), c->n, p->segments[1].text, p->any_case);
        for (size_t i = 0; i < c->n; i++) {
            bool found = at[i] != TEXT_NOWHERE &&
                         (is_all || pattern_match(p, VALUES(0, struct str)[i], at[i]));
            RESULT(uint8_t)[i] = found ^ negate;
        }
        return;
    }
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = pattern_match(p, VALUES(0, struct str)[i], TEXT_NOWHERE) ^ negate;
}
static const struct op op_like = {"like", run_like, 0};

/* The pattern is another column. */
static void run_like_rows(struct call *c)
{
    AUTO_DONE(arena) arena = {0};
    struct pattern p;

    for (size_t i = 0; i < c->n; i++) {
        arena_reset(&arena);
        bool ok = pattern_make(&p, &arena, VALUES(1, struct str)[i], c->param.i & 1);
        c->fresh[i] = ok ? 0 : FAULT_PARSE;
        RESULT(uint8_t)
        [i] = ok &&
              (pattern_match(&p, VALUES(0, struct str)[i], TEXT_NOWHERE) ^ (c->param.i >> 1 & 1));
    }
}
static const struct op op_like_rows = {"like", run_like_rows, OP_FAULTS};

static value_id build_like(struct site *s)
{
    struct builder *b = s->b;
    struct param param = {.i = s->f->param};

    for (uint32_t i = 0; i < 2; i++)
        if (s->types[i].kind != TYPE_STRING)
            return site_bad_type(s, i, "a String");
    const struct cell *cell = constant_cell(b, s->args[1]);
    if (cell == NULL || cell->is_null || cell->fault)
        return emit(b, &op_like_rows, type_of(TYPE_UINT8), s->args, 2, param, NULL);
    struct pattern *p = arena_alloc(&b->memory->arena, sizeof(*p));
    if (!pattern_make(p, &b->memory->arena, cell->str, s->f->param & 1))
        return site_error(s, "the pattern ends in a single \\: write \\\\ for a backslash");
    return emit(b, &op_like, type_of(TYPE_UINT8), s->args, 2, param, p);
}

static const struct function functions[] = {
    {"like", "s, pattern",
     "`s LIKE pattern`: % any run, _ one character, \\ takes the next literally.", 2, 2, 0,
     build_like, 0},
    {"ilike", "s, pattern", "The same, letters of either case.", 2, 2, 0, build_like, 1},
    {"notLike", "s, pattern", "`s NOT LIKE pattern`", 2, 2, 0, build_like, 2},
    {"notILike", "s, pattern", "`s NOT ILIKE pattern`", 2, 2, 0, build_like, 3},
};
const struct function_family family_like = {"Patterns", functions, COUNT(functions)};
