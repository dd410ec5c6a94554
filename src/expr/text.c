/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings. Positions and lengths count bytes unless the name says UTF8; case is ASCII's. Results
 * are views of the argument where they can be, else bytes in the frame's arena, one piece a
 * batch. */
#include "expr/array.h"
#include "expr/kinds.h"
#include "expr/text_value.h"
#include "expr/text_wide.h"

#include <stdlib.h>

#define IN(row) (VALUES(0, struct str)[row])

static size_t total_bytes(const struct column *c, size_t n)
{
    size_t sum = 0;

    for (size_t i = 0; i < n; i++)
        sum += str_at(c, i).n;
    return sum;
}

#define MAP_BYTES(name, EXPRESSION)                                                                \
    static void run_##name(struct call *c)                                                         \
    {                                                                                              \
        char *p = arena_bytes(c->arena, total_bytes(c->args[0], c->n) + 1);                        \
        for (size_t i = 0; i < c->n; i++) {                                                        \
            struct str s = IN(i);                                                                  \
            for (size_t k = 0; k < s.n; k++)                                                       \
                p[k] = EXPRESSION;                                                                 \
            RESULT(struct str)[i] = (struct str){p, s.n};                                          \
            p += s.n;                                                                              \
        }                                                                                          \
    }
MAP_BYTES(reverse, s.p[s.n - 1 - k])

static void swap_case(struct call *c, char first)
{
    char *p = arena_bytes(c->arena, total_bytes(c->args[0], c->n) + 64);

    text_best->swap_case(RESULT(struct str), p, VALUES(0, struct str), c->n, first);
}
static void run_lower(struct call *c)
{
    swap_case(c, 'A');
}
static void run_upper(struct call *c)
{
    swap_case(c, 'a');
}
static const struct op op_lower = {"lower", run_lower, 0}, op_upper = {"upper", run_upper, 0};
static const struct op op_reverse = {"reverse", run_reverse, 0};

static void run_length(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint64_t)[i] = IN(i).n;
}
static void run_length_utf8(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint64_t)[i] = text_best->count_starts(IN(i));
}
static void run_empty(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = (IN(i).n == 0) ^ (uint8_t)c->param.i;
}
static const struct op op_length = {"length", run_length, 0},
                       op_length_utf8 = {"lengthUTF8", run_length_utf8, 0};
static const struct op op_empty = {"empty", run_empty, 0};

/* ---- substring, left, right ---- */

/* [from, to) of a string, cut at its ends. */
static struct str slice(struct str s, __int128 from, __int128 to)
{
    __int128 n = (__int128)s.n;

    from = from < 0 ? 0 : from > n ? n : from;
    to = to < from ? from : to > n ? n : to;
    return (struct str){s.p + from, (size_t)(to - from)};
}

/* args: s, offset from 1 (negative: from the end, 0: nothing)[, length (negative: all but so
 * many)] */
static void run_substring(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t offset = VALUES(1, int64_t)[i];
        __int128 from = offset > 0 ? (__int128)offset - 1 : (__int128)s.n + offset;
        __int128 to = (__int128)s.n;
        if (c->n_args > 2) {
            int64_t length = VALUES(2, int64_t)[i];
            to = length >= 0 ? from + length : (__int128)s.n + length;
        }
        RESULT(struct str)[i] = offset == 0 ? slice(s, 0, 0) : slice(s, from, to);
    }
}
static void run_left(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t n = VALUES(1, int64_t)[i];
        RESULT(struct str)[i] = slice(s, 0, n >= 0 ? (__int128)n : (__int128)s.n + n);
    }
}
static void run_right(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t n = VALUES(1, int64_t)[i];
        RESULT(struct str)[i] = slice(s, n >= 0 ? (__int128)s.n - n : -(__int128)n, (__int128)s.n);
    }
}
static const struct op op_substring = {"substring", run_substring, 0};
static const struct op op_left = {"left", run_left, 0}, op_right = {"right", run_right, 0};

/* ---- search ---- */

/* Index of needle in s from `from`, or SIZE_MAX. */
static size_t find_text(struct str s, struct str needle, size_t from, bool any_case)
{
    if (from > s.n)
        return SIZE_MAX;
    if (needle.n == 0)
        return from;
    struct str rest = {s.p + from, s.n - from};
    const char *hit = any_case ? text_find_any_case(rest, needle) : text_find(rest, needle);
    return hit ? (size_t)(hit - s.p) : SIZE_MAX;
}

/* args: haystack, needle[, start from 1]; param.i = any case */
static void run_position(struct call *c)
{
    if (c->is_constant[1] && c->n_args == 2) {
        uint32_t at[BATCH_ROWS];
        text_find_rows(at, VALUES(0, struct str), c->n, VALUES(1, struct str)[0], c->param.i);
        for (size_t i = 0; i < c->n; i++)
            RESULT(uint64_t)[i] = (uint32_t)(at[i] + 1);
        return;
    }
    for (size_t i = 0; i < c->n; i++) {
        uint64_t start = c->n_args > 2 ? VALUES(2, uint64_t)[i] : 1;
        size_t from = start > 0 ? (size_t)(start - 1) : 0;
        size_t at = find_text(IN(i), VALUES(1, struct str)[i], from, c->param.i);
        RESULT(uint64_t)[i] = at == SIZE_MAX ? 0 : at + 1;
    }
}
static void run_starts(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), what = VALUES(1, struct str)[i];
        RESULT(uint8_t)[i] = s.n >= what.n && bytes_equal(s.p, what.p, what.n);
    }
}
static void run_ends(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), what = VALUES(1, struct str)[i];
        RESULT(uint8_t)
        [i] = s.n >= what.n && bytes_equal(s.p + s.n - what.n, what.p, what.n);
    }
}
static const struct op op_position = {"position", run_position, 0};
static const struct op op_starts = {"startsWith", run_starts, 0},
                       op_ends = {"endsWith", run_ends, 0};

/* ---- trim: param.i = 1 left | 2 right; data = table of 256 bytes ---- */

static void run_trim(struct call *c)
{
    const uint8_t *is_trimmed = c->data;

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        while ((c->param.i & 1) && s.n && is_trimmed[(uint8_t)s.p[0]])
            s.p++, s.n--;
        while ((c->param.i & 2) && s.n && is_trimmed[(uint8_t)s.p[s.n - 1]])
            s.n--;
        RESULT(struct str)[i] = s;
    }
}
static const struct op op_trim = {"trim", run_trim, 0};

/* ---- concat ---- */

static void run_concat(struct call *c)
{
    size_t bytes = 1;

    for (uint32_t a = 0; a < c->n_args; a++)
        bytes += total_bytes(c->args[a], c->n);
    char *p = arena_bytes(c->arena, bytes);
    for (size_t i = 0; i < c->n; i++) {
        char *start = p;
        for (uint32_t a = 0; a < c->n_args; a++) {
            struct str s = str_at(c->args[a], i);
            if (s.n)
                memcpy(p, s.p, s.n);
            p += s.n;
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_concat = {"concat", run_concat, 0};

/* ---- functions ---- */

static bool need_strings(struct site *s, uint32_t n)
{
    for (uint32_t i = 0; i < n && i < s->n_args; i++)
        if (s->types[i].kind != TYPE_STRING) {
            site_bad_type(s, i, "a String");
            return false;
        }
    return true;
}

static const struct op *const text_ops[] = {&op_lower, &op_upper, &op_reverse};
static value_id build_map(struct site *s)
{
    if (!need_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, text_ops[s->f->param], type_of(TYPE_STRING), s->args[0]);
}

static value_id build_length(struct site *s)
{
    if (!s->f->param && (s->types[0].kind == TYPE_ARRAY || s->types[0].kind == TYPE_MAP))
        return emit_array_length(s->b, s->args[0], 0);
    if (!need_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, s->f->param ? &op_length_utf8 : &op_length, type_of(TYPE_UINT64), s->args[0]);
}

static value_id build_empty(struct site *s)
{
    if (s->types[0].kind == TYPE_ARRAY || s->types[0].kind == TYPE_MAP)
        return emit_array_length(s->b, s->args[0], 1 + (int)s->f->param);
    if (!need_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, &op_empty, type_of(TYPE_UINT8), s->args, 1, (struct param){.i = s->f->param},
                NULL);
}

static const struct op *const part_ops[] = {&op_substring, &op_left, &op_right};
static value_id build_slice(struct site *s)
{
    value_id args[3] = {s->args[0]};

    if (!need_strings(s, 1))
        return VALUE_FAILED;
    const struct cell *offset = constant_cell(s->b, s->args[1]);
    if (s->f->param == 0 && offset && !offset->is_null && offset->u64 == 0)
        return site_error(s, "'%.*s' counts from 1", STR_FMT(s->name));
    for (uint32_t i = 1; i < s->n_args; i++) {
        if (!type_is_integer(s->types[i]))
            return site_bad_type(s, i, "an integer");
        args[i] = cast_number(s->b, s->args[i], TYPE_INT64);
    }
    return emit(s->b, part_ops[s->f->param], type_of(TYPE_STRING), args, s->n_args,
                (struct param){0}, NULL);
}

static value_id build_position(struct site *s)
{
    return site_position(s, &op_position);
}

static value_id build_locate(struct site *s)
{
    value_id swap = s->args[0];

    s->args[0] = s->args[1];
    s->args[1] = swap;
    return build_position(s);
}

static value_id build_edge(struct site *s)
{
    if (!need_strings(s, 2))
        return VALUE_FAILED;
    return EMIT(s->b, s->f->param ? &op_ends : &op_starts, type_of(TYPE_UINT8), s->args[0],
                s->args[1]);
}

static value_id build_trim(struct site *s)
{
    struct str characters = STR(" ");
    value_id args[2] = {s->args[0]};

    if (!need_strings(s, 2))
        return VALUE_FAILED;
    if (s->n_args > 1 && !site_string(s, 1, &characters))
        return VALUE_FAILED;
    args[1] = constant_str(s->b, characters);
    uint8_t *table = arena_zero(&s->b->memory->arena, 256);
    for (size_t i = 0; i < characters.n; i++)
        table[(uint8_t)characters.p[i]] = 1;
    return emit(s->b, &op_trim, type_of(TYPE_STRING), args, 2, (struct param){.i = s->f->param},
                table);
}

static value_id build_concat(struct site *s)
{
    value_id *args = arena_alloc(&s->b->memory->arena, (s->n_args + 1) * sizeof(*args));

    for (uint32_t i = 0; i < s->n_args; i++)
        args[i] = emit_to_text(s->b, s->args[i], s->types[i]);
    if (s->n_args == 1)
        return args[0];
    return emit(s->b, &op_concat, type_of(TYPE_STRING), args, s->n_args, (struct param){0}, NULL);
}

static const struct function functions[] = {
    {"lower", "s", "ASCII letters in lower case.", 1, 1, FN_ANY_CASE, build_map, 0},
    {"lcase", "s", "lower", 1, 1, FN_ANY_CASE | FN_ALIAS, build_map, 0},
    {"upper", "s", "ASCII letters in upper case.", 1, 1, FN_ANY_CASE, build_map, 1},
    {"ucase", "s", "upper", 1, 1, FN_ANY_CASE | FN_ALIAS, build_map, 1},
    {"reverse", "s", "Bytes in reverse order.", 1, 1, FN_ANY_CASE, build_map, 2},
    {"length", "s", "Bytes.", 1, 1, FN_ANY_CASE, build_length, 0},
    {"OCTET_LENGTH", "s", "length", 1, 1, FN_ANY_CASE | FN_ALIAS, build_length, 0},
    {"lengthUTF8", "s", "Code points.", 1, 1, 0, build_length, 1},
    {"CHAR_LENGTH", "s", "lengthUTF8", 1, 1, FN_ANY_CASE | FN_ALIAS, build_length, 1},
    {"CHARACTER_LENGTH", "s", "lengthUTF8", 1, 1, FN_ANY_CASE | FN_ALIAS, build_length, 1},
    {"empty", "s", "Is it ''?", 1, 1, 0, build_empty, 0},
    {"notEmpty", "s", "Is it not ''?", 1, 1, 0, build_empty, 1},
    {"substring", "s, offset[, length]", "Bytes from offset (1 = first, negative: from the end).",
     2, 3, FN_ANY_CASE, build_slice, 0},
    {"substr", "s, offset[, length]", "substring", 2, 3, FN_ANY_CASE | FN_ALIAS, build_slice, 0},
    {"mid", "s, offset[, length]", "substring", 2, 3, FN_ANY_CASE | FN_ALIAS, build_slice, 0},
    {"byteSlice", "s, offset[, length]", "substring", 2, 3, FN_ANY_CASE | FN_ALIAS, build_slice, 0},
    {"left", "s, n", "The first n bytes; negative: all but the last.", 2, 2, FN_ANY_CASE,
     build_slice, 1},
    {"right", "s, n", "The last n bytes; negative: all but the first.", 2, 2, FN_ANY_CASE,
     build_slice, 2},
    {"position", "s, needle[, start]", "Where needle begins, from 1; 0 = nowhere.", 2, 3,
     FN_ANY_CASE, build_position, 0},
    {"positionCaseInsensitive", "s, needle[, start]", "The same, ASCII letters of either case.", 2,
     3, 0, build_position, 1},
    {"locate", "needle, s[, start]", "position with the needle first.", 2, 3, FN_ANY_CASE,
     build_locate, 0},
    {"startsWith", "s, prefix", "Does s begin with prefix?", 2, 2, 0, build_edge, 0},
    {"endsWith", "s, suffix", "Does s end with suffix?", 2, 2, 0, build_edge, 1},
    {"trimBoth", "s[, characters]", "Without blanks (or these bytes) at both ends.", 1, 2, 0,
     build_trim, 3},
    {"trim", "s[, characters]", "trimBoth", 1, 2, FN_ALIAS, build_trim, 3},
    {"trimLeft", "s[, characters]", "Without them at the left.", 1, 2, 0, build_trim, 1},
    {"ltrim", "s[, characters]", "trimLeft", 1, 2, FN_ALIAS, build_trim, 1},
    {"trimRight", "s[, characters]", "Without them at the right.", 1, 2, 0, build_trim, 2},
    {"rtrim", "s[, characters]", "trimRight", 1, 2, FN_ALIAS, build_trim, 2},
    {"concat", "a, b, …", "`a || b`: the texts of all one after another.", 1, 255, FN_ANY_CASE,
     build_concat, 0},
};
const struct function_family family_text = {"Strings", functions, COUNT(functions)};
