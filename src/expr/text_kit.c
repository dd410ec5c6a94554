/* SPDX-License-Identifier: Apache-2.0
 *
 * Search in texts and what else the text functions share. */
#include "expr/text_kit.h"
#include "expr/text_wide.h"

bool text_is_ascii(struct str s)
{
    return text_best->is_ascii(s);
}

bool utf8_is_valid(struct str s)
{
    if (s.n >= 32 && text_is_ascii(s))
        return true;
    for (size_t at = 0; at < s.n;) {
        if (s.n - at >= 8) {
            uint64_t word;
            memcpy(&word, s.p + at, 8);
            if ((word & 0x8080808080808080ULL) == 0) {
                at += 8;
                continue;
            }
        }
        size_t bytes = utf8_bytes(s.p + at, s.n - at);
        if (bytes == 0)
            return false;
        at += bytes;
    }
    return true;
}

const char *text_find(struct str s, struct str needle)
{
    if (needle.n == 0)
        return s.p ? s.p : "";
    return needle.n > s.n ? NULL : text_best->find(s, needle);
}

const char *text_find_any_case(struct str s, struct str needle)
{
    if (needle.n == 0)
        return s.p ? s.p : "";
    return needle.n > s.n ? NULL : text_best->find_any_case(s, needle);
}

void text_find_rows(uint32_t *at, const struct str *rows, size_t n, struct str needle,
                    bool any_case)
{
    if (needle.n == 0)
        memset(at, 0, n * sizeof(*at));
    else if (any_case)
        text_best->find_rows_any_case(at, rows, n, needle);
    else
        text_best->find_rows(at, rows, n, needle);
}

/* Bytes of s that equal the needle but for case; SIZE_MAX if they do not, as if one is no UTF-8. */
size_t text_match_utf8_any_case(struct str s, struct str needle)
{
    size_t at = 0, i = 0;

    while (i < needle.n) {
        size_t theirs = utf8_bytes(needle.p + i, needle.n - i);
        size_t ours = utf8_bytes(s.p + at, s.n - at);
        if (theirs == 0 || ours == 0)
            return SIZE_MAX;
        if (utf8_search_code(utf8_decode(s.p + at, ours)) !=
            utf8_search_code(utf8_decode(needle.p + i, theirs)))
            return SIZE_MAX;
        at += ours, i += theirs;
    }
    return at;
}

const char *text_find_utf8_any_case(struct str s, struct str needle)
{
    if (text_is_ascii(needle) && text_is_ascii(s))
        return text_find_any_case(s, needle);
    for (size_t at = 0; at < s.n; at += utf8_step(s.p[at]))
        if (text_match_utf8_any_case((struct str){s.p + at, s.n - at}, needle) != SIZE_MAX)
            return s.p + at;
    return NULL;
}

void text_out_grow(struct text_out *o, size_t n)
{
    enum { PIECE = 64 << 10 };
    size_t begun = (size_t)(o->at - o->start);
    size_t bytes = 2 * (begun + n);

    bytes = bytes < PIECE ? PIECE : bytes;
    char *piece = arena_bytes(o->arena, bytes);
    if (begun)
        memcpy(piece, o->start, begun);
    o->start = piece;
    o->at = piece + begun;
    o->end = piece + bytes;
}

bool site_strings(struct site *s, uint32_t n)
{
    for (uint32_t i = 0; i < n && i < s->n_args; i++)
        if (s->types[i].kind != TYPE_STRING) {
            site_bad_type(s, i, "a String");
            return false;
        }
    return true;
}

value_id site_int64(struct site *s, uint32_t arg)
{
    if (!type_is_integer(s->types[arg]))
        return site_bad_type(s, arg, "an integer");
    return cast_number(s->b, s->args[arg], TYPE_INT64);
}

const struct str *site_constant_text(struct site *s, uint32_t arg)
{
    const struct cell *c = constant_cell(s->b, s->args[arg]);

    if (c == NULL || c->is_null || c->fault || s->types[arg].kind != TYPE_STRING)
        return NULL;
    struct str *copy = arena_alloc(&s->b->memory->arena, sizeof(*copy));
    *copy = c->str;
    return copy;
}

value_id site_position(struct site *s, const struct op *op)
{
    value_id args[3] = {s->args[0], s->args[1]};

    if (!site_strings(s, 2))
        return VALUE_FAILED;
    if (s->n_args > 2) {
        if (!type_is_integer(s->types[2]) || type_is_signed(s->types[2]))
            return site_bad_type(s, 2, "an unsigned integer");
        args[2] = cast_number(s->b, s->args[2], TYPE_UINT64);
    }
    return emit(s->b, op, type_of(TYPE_UINT64), args, s->n_args, (struct param){.i = s->f->param},
                NULL);
}
