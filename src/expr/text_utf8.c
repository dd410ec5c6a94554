/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings by characters. What is no UTF-8 is walked as ClickHouse walks it: forward by what a
 * first byte announces, backward to a byte that is not inside a character. */
#include "expr/text_kit.h"

#define IN(row) (VALUES(0, struct str)[row])
#define TEXT(arg, row) (VALUES(arg, struct str)[row])

/* ---- whole texts ---- */

/* The 26 letters from `first` on in the other case. */
static void ascii_case(char *restrict out, struct str s, char first)
{
    for (size_t i = 0; i < s.n; i++)
        out[i] = (char)(s.p[i] ^ ((uint8_t)(s.p[i] - first) < 26 ? 32 : 0));
}

static void run_case(struct call *c)
{
    char *p = arena_bytes(c->arena, 3 * column_bytes(c->args[0], c->n) + 16);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        size_t n = s.n;
        if (text_is_ascii(s))
            ascii_case(p, s, c->param.i ? 'a' : 'A');
        else
            n = c->param.i ? utf8_upper(p, s) : utf8_lower(p, s);
        RESULT(struct str)[i] = (struct str){p, n};
        p += n;
    }
}
static const struct op op_lower = {"lowerUTF8", run_case, 0}, op_upper = {"upperUTF8", run_case, 0};

static void reverse_bytes(char *restrict out, struct str s)
{
    size_t k = 0;

    for (; s.n - k >= 8; k += 8) {
        uint64_t word;
        memcpy(&word, s.p + s.n - 8 - k, 8);
        word = __builtin_bswap64(word);
        memcpy(out + k, &word, 8);
    }
    for (; k < s.n; k++)
        out[k] = s.p[s.n - 1 - k];
}

/* A character cut short at the end turns byte by byte. */
static void run_reverse(struct call *c)
{
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        bool is_ascii = text_is_ascii(s);
        if (is_ascii)
            reverse_bytes(p, s);
        for (size_t at = 0; !is_ascii && at < s.n;) {
            uint8_t b = (uint8_t)s.p[at];
            size_t bytes = b < 0xc0 ? 1 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
            if (bytes > s.n - at)
                bytes = 1;
            memcpy(p + s.n - at - bytes, s.p + at, bytes);
            at += bytes;
        }
        RESULT(struct str)[i] = (struct str){p, s.n};
        p += s.n;
    }
}
static const struct op op_reverse = {"reverseUTF8", run_reverse, 0};

static void run_is_valid(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(uint8_t)[i] = utf8_is_valid(IN(i));
}
static const struct op op_is_valid = {"isValidUTF8", run_is_valid, 0};

static size_t repair(char *out, struct str s)
{
    static const char mark[] = "\xef\xbf\xbd";
    bool is_marked = false;
    size_t n = 0;

    for (size_t at = 0; at < s.n;) {
        size_t step = (uint8_t)s.p[at] >= 0xf8 ? 1 : utf8_step(s.p[at]);
        size_t bytes = utf8_bytes(s.p + at, s.n - at);
        bool is_cut = step > s.n - at;
        if (bytes && !is_cut) {
            memcpy(out + n, s.p + at, bytes);
            n += bytes;
            at += bytes;
            is_marked = false;
            continue;
        }
        if (!is_marked) {
            memcpy(out + n, mark, 3);
            n += 3;
        }
        is_marked = true;
        at = is_cut ? s.n : at + 1;
    }
    return n;
}

static void run_to_valid(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        if (utf8_is_valid(s)) {
            RESULT(struct str)[i] = s;
            continue;
        }
        out.at += repair(text_out_room(&out, 3 * s.n), s);
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_to_valid = {"toValidUTF8", run_to_valid, 0};

/* ---- parts ---- */

static const char *forward(const char *p, const char *end, uint64_t n)
{
    for (; n > 0 && p < end; n--)
        p += utf8_step(*p);
    return p < end ? p : end;
}

static const char *backward(const char *p, const char *begin, uint64_t n)
{
    for (; n > 0 && p > begin; n--) {
        p--;
        while (p > begin && utf8_is_inside(*p))
            p--;
    }
    return p;
}

static struct str between(const char *from, const char *to)
{
    return (struct str){from, (size_t)(to - from)};
}

/* offset from 1, or from the end; a negative length leaves off so many. */
static struct str part(struct str s, int64_t offset, const int64_t *length)
{
    const char *end = s.p + s.n, *from;
    uint64_t back = 0 - (uint64_t)offset;

    if (offset == 0 || s.n == 0)
        return (struct str){s.p, 0};
    from = offset > 0 ? forward(s.p, end, (uint64_t)offset - 1) : backward(end, s.p, back);
    if (length == NULL)
        return between(from, end);
    __int128 n = *length;
    if (n < 0)
        n += offset > 0 ? (__int128)utf8_count(s) - (offset - 1) : (__int128)back;
    return n <= 0 ? (struct str){s.p, 0} : between(from, forward(from, end, (uint64_t)n));
}

static void run_substring(struct call *c)
{
    const int64_t *length = c->n_args > 2 ? VALUES(2, int64_t) : NULL;

    for (size_t i = 0; i < c->n; i++)
        RESULT(struct str)[i] = part(IN(i), VALUES(1, int64_t)[i], length ? &length[i] : NULL);
}
static void run_left(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(struct str)[i] = part(IN(i), 1, &VALUES(1, int64_t)[i]);
}
static void run_right(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t n = VALUES(1, int64_t)[i];
        if (n > 0)
            RESULT(struct str)[i] = part(s, -n, NULL);
        else if (n == 0)
            RESULT(struct str)[i] = (struct str){s.p, 0};
        else
            RESULT(struct str)[i] = between(forward(s.p, s.p + s.n, 0 - (uint64_t)n), s.p + s.n);
    }
}
static const struct op op_substring = {"substringUTF8", run_substring, 0};
static const struct op op_left = {"leftUTF8", run_left, 0}, op_right = {"rightUTF8", run_right, 0};

/* All before the n-th delimiter; n < 0: all behind the n-th from the end. */
static struct str part_by(struct str s, struct str delimiter, int64_t n)
{
    struct str rest = s;
    uint64_t wanted = n < 0 ? 0 : (uint64_t)n;

    if (n == 0)
        return (struct str){s.p, 0};
    if (n < 0) {
        uint64_t total = 0;
        for (const char *at; rest.n && (at = text_find(rest, delimiter)) != NULL; total++)
            rest = between(at + delimiter.n, s.p + s.n);
        if (total < 0 - (uint64_t)n)
            return s;
        wanted = total + 1 - (0 - (uint64_t)n);
        rest = s;
    }
    for (uint64_t k = 0; k < wanted; k++) {
        const char *at = rest.n ? text_find(rest, delimiter) : NULL;
        if (at == NULL)
            return n < 0 ? rest : s;
        if (n > 0 && k + 1 == wanted)
            return between(s.p, at);
        rest = between(at + delimiter.n, s.p + s.n);
    }
    return rest;
}

static void run_part_by(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(struct str)[i] = part_by(IN(i), TEXT(1, i), VALUES(2, int64_t)[i]);
}
static const struct op op_part_by = {"substringIndex", run_part_by, 0};

/* ---- search: param.i = any case ---- */

static void run_position(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), needle = TEXT(1, i);
        uint64_t start = c->n_args > 2 ? VALUES(2, uint64_t)[i] : 1, n = utf8_count(s);
        start = start ? start : 1;
        RESULT(uint64_t)[i] = 0;
        if (start > n + 1)
            continue;
        if (needle.n == 0) {
            RESULT(uint64_t)[i] = start;
            continue;
        }
        if (s.n == 0)
            continue;
        const char *from = s.p, *end = s.p + s.n;
        for (uint64_t k = start;; from++) { /* to the start-th byte that begins a character */
            if (from == end || (!utf8_is_inside(*from) && --k == 0))
                break;
        }
        struct str rest = between(from, end);
        const char *at =
            c->param.i ? text_find_utf8_any_case(rest, needle) : text_find(rest, needle);
        if (at != NULL)
            RESULT(uint64_t)[i] = 1 + utf8_count(between(s.p, at));
    }
}
static const struct op op_position = {"positionUTF8", run_position, 0};

/* As many characters of s as the other has, equal to it. */
static void run_starts(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), what = TEXT(1, i);
        const char *to = forward(s.p, s.p + s.n, utf8_count(what));
        RESULT(uint8_t)[i] = str_eq(between(s.p, to), what);
    }
}
static void run_ends(struct call *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i), what = TEXT(1, i);
        const char *from = backward(s.p + s.n, s.p, utf8_count(what));
        RESULT(uint8_t)[i] = str_eq(between(from, s.p + s.n), what);
    }
}
static const struct op op_starts = {"startsWithUTF8", run_starts, 0};
static const struct op op_ends = {"endsWithUTF8", run_ends, 0};

/* ---- functions ---- */

static const struct op *const whole_ops[] = {&op_lower, &op_upper, &op_reverse, &op_to_valid};
static value_id build_whole(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return emit(s->b, whole_ops[s->f->param], type_of(TYPE_STRING), s->args, 1,
                (struct param){.i = s->f->param}, NULL);
}

static value_id build_is_valid(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, &op_is_valid, type_of(TYPE_UINT8), s->args[0]);
}

static const struct op *const part_ops[] = {&op_substring, &op_left, &op_right};
static value_id build_part(struct site *s)
{
    value_id args[3] = {s->args[0]};

    if (!site_strings(s, 1))
        return VALUE_FAILED;
    const struct cell *offset = constant_cell(s->b, s->args[1]);
    if (s->f->param == 0 && offset && !offset->is_null && offset->u64 == 0)
        return site_error(s, "'%.*s' counts from 1", STR_FMT(s->name));
    for (uint32_t i = 1; i < s->n_args; i++)
        if ((args[i] = site_int64(s, i)) < 0)
            return VALUE_FAILED;
    return emit(s->b, part_ops[s->f->param], type_of(TYPE_STRING), args, s->n_args,
                (struct param){0}, NULL);
}

static value_id build_part_by(struct site *s)
{
    bool is_utf8 = s->f->param;
    value_id count = VALUE_FAILED;

    if (!site_strings(s, 2) || (count = site_int64(s, 2)) < 0)
        return VALUE_FAILED;
    const struct str *delimiter = site_constant_text(s, 1);
    if (delimiter == NULL)
        return site_bad_type(s, 1, "a constant string");
    if ((is_utf8 ? utf8_count(*delimiter) : delimiter->n) != 1)
        return site_error(s, "the delimiter of '%.*s' is one %s", STR_FMT(s->name),
                          is_utf8 ? "character" : "byte");
    return EMIT(s->b, &op_part_by, type_of(TYPE_STRING), s->args[0], s->args[1], count);
}

static value_id build_position(struct site *s)
{
    return site_position(s, &op_position);
}

static value_id build_edge(struct site *s)
{
    if (!site_strings(s, 2))
        return VALUE_FAILED;
    return EMIT(s->b, s->f->param ? &op_ends : &op_starts, type_of(TYPE_UINT8), s->args[0],
                s->args[1]);
}

static const struct function functions[] = {
    {"lowerUTF8", "s", "Letters of any script in lower case.", 1, 1, 0, build_whole, 0},
    {"upperUTF8", "s", "Letters of any script in upper case.", 1, 1, 0, build_whole, 1},
    {"reverseUTF8", "s", "Characters in reverse order.", 1, 1, 0, build_whole, 2},
    {"toValidUTF8", "s", "s with U+FFFD for what is no UTF-8.", 1, 1, 0, build_whole, 3},
    {"isValidUTF8", "s", "Is all of s UTF-8?", 1, 1, 0, build_is_valid, 0},
    {"substringUTF8", "s, offset[, length]", "substring by characters.", 2, 3, 0, build_part, 0},
    {"leftUTF8", "s, n", "The first n characters; negative: all but the last.", 2, 2, 0, build_part,
     1},
    {"rightUTF8", "s, n", "The last n characters; negative: all but the first.", 2, 2, 0,
     build_part, 2},
    {"substringIndex", "s, delimiter, n",
     "All before the n-th delimiter (a byte); negative: all behind the n-th from the end.", 3, 3, 0,
     build_part_by, 0},
    {"SUBSTRING_INDEX", "s, delimiter, n", "substringIndex", 3, 3, FN_ANY_CASE | FN_ALIAS,
     build_part_by, 0},
    {"substringIndexUTF8", "s, delimiter, n", "The same, the delimiter is one character.", 3, 3, 0,
     build_part_by, 1},
    {"positionUTF8", "s, needle[, start]", "position by characters.", 2, 3, 0, build_position, 0},
    {"positionCaseInsensitiveUTF8", "s, needle[, start]",
     "The same, letters of any script in either case.", 2, 3, 0, build_position, 1},
    {"startsWithUTF8", "s, prefix", "Does s begin with the characters of prefix?", 2, 2, 0,
     build_edge, 0},
    {"endsWithUTF8", "s, suffix", "Does s end with the characters of suffix?", 2, 2, 0, build_edge,
     1},
};
const struct function_family family_text_utf8 = {"Strings by characters", functions,
                                                 COUNT(functions)};
