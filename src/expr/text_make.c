/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings made of strings: padding, repetition, templates, characters exchanged. */
#include <stdlib.h>

#include "expr/text_kit.h"
#include "expr/text_value.h"

#define IN(row) (VALUES(0, struct str)[row])

enum { PADDED_MAX = 1000000, REPEAT_MAX = 1000000, REPEAT_BYTES_MAX = 1 << 30 };

/* ---- leftPad, rightPad: s, length, constant padding ---- */

/* `text` repeated to at least 16 units; `ends[i]`: bytes of the first i units (NULL: as many). */
struct padding {
    struct str text;
    uint32_t *ends;
    size_t n;
    bool is_right;
};

static struct padding *padding_make(struct arena *arena, struct str text, bool is_utf8)
{
    struct padding *p = arena_zero(arena, sizeof(*p));
    size_t n_units = 0, times;

    if (text.n == 0)
        text = STR(" ");
    is_utf8 &= !text_is_ascii(text);
    for (size_t at = 0; at < text.n; at += is_utf8 ? utf8_step(text.p[at]) : 1)
        n_units++;
    times = n_units < 64 ? 64 / n_units + 1 : 1;
    char *bytes = arena_bytes(arena, text.n * times);
    for (size_t i = 0; i < times; i++)
        memcpy(bytes + i * text.n, text.p, text.n);
    p->text = (struct str){bytes, text.n * times};
    p->n = n_units * times;
    if (!is_utf8)
        return p;
    p->ends = arena_alloc(arena, (p->n + 1) * sizeof(*p->ends));
    size_t unit = 0;
    for (size_t i = 0; i < times; i++)
        for (size_t at = 0; at < text.n; at += utf8_step(text.p[at]))
            p->ends[unit++] = (uint32_t)(i * text.n + at);
    p->ends[unit] = (uint32_t)p->text.n;
    return p;
}

static void put_padding(struct text_out *out, const struct padding *p, size_t n)
{
    for (; n > p->n; n -= p->n)
        text_out_str(out, p->text);
    text_out_put(out, p->text.p, p->ends ? p->ends[n] : n);
}

/* Without its last n characters. */
static struct str drop_characters(struct str s, size_t n)
{
    for (; n > 0 && s.n > 0; n--) {
        s.n--;
        while (s.n > 0 && utf8_is_inside(s.p[s.n]))
            s.n--;
    }
    return s;
}

/* param.i = is UTF-8 */
static void run_pad(struct call *c)
{
    const struct padding *p = c->data;
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t wanted = VALUES(1, int64_t)[i];
        int64_t length = (int64_t)(c->param.i ? utf8_count(s) : s.n);
        bool is_bad = wanted < 0 || wanted > PADDED_MAX;
        c->fresh[i] = is_bad ? FAULT_RANGE : 0;
        if (is_bad || wanted <= length) {
            size_t over = is_bad ? 0 : (size_t)(length - wanted);
            if (c->param.i)
                s = drop_characters(s, over);
            else
                s.n -= over;
            RESULT(struct str)[i] = s;
            continue;
        }
        if (!p->is_right)
            put_padding(&out, p, (size_t)(wanted - length));
        text_out_str(&out, s);
        if (p->is_right)
            put_padding(&out, p, (size_t)(wanted - length));
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_pad = {"pad", run_pad, OP_FAULTS};

/* param: is right | is UTF-8 << 1 */
static value_id build_pad(struct site *s)
{
    bool is_utf8 = s->f->param & 2;
    value_id length = VALUE_FAILED;

    if (!site_strings(s, 1) || (length = site_int64(s, 1)) < 0)
        return VALUE_FAILED;
    const struct str *with = s->n_args > 2 ? site_constant_text(s, 2) : &STR(" ");
    if (with == NULL)
        return site_bad_type(s, 2, "a constant string");
    const struct cell *n = constant_cell(s->b, length);
    if (n && !n->is_null && !n->fault && (n->i64 < 0 || n->i64 > PADDED_MAX))
        return site_error(s, "the length is %lld: '%.*s' takes 0 to 1000000", (long long)n->i64,
                          STR_FMT(s->name));
    struct padding *p = padding_make(&s->b->memory->arena, *with, is_utf8);
    p->is_right = s->f->param & 1;
    return emit(s->b, &op_pad, type_of(TYPE_STRING), (value_id[]){s->args[0], length}, 2,
                (struct param){.i = is_utf8}, p);
}

/* ---- repeat, space ---- */

static void run_repeat(struct call *c)
{
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        int64_t n = VALUES(1, int64_t)[i];
        bool is_bad = n > REPEAT_MAX || (n > 0 && s.n * (size_t)n > REPEAT_BYTES_MAX);
        c->fresh[i] = is_bad ? FAULT_RANGE : 0;
        if (is_bad || n <= 1 || s.n == 0) {
            RESULT(struct str)[i] = n == 1 && !is_bad ? s : (struct str){"", 0};
            continue;
        }
        size_t whole = s.n * (size_t)n, done = s.n;
        char *p = text_out_room(&out, whole);
        memcpy(p, s.p, s.n);
        for (; done < whole; done *= 2)
            memcpy(p + done, p, done < whole - done ? done : whole - done);
        out.at += whole;
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_repeat = {"repeat", run_repeat, OP_FAULTS};

/* As Int64, where UInt64 beyond it counts as too many. */
static value_id times(struct site *s, uint32_t arg)
{
    if (s->types[arg].kind == TYPE_UINT64) {
        value_id most = constant_u64(s->b, TYPE_UINT64, REPEAT_MAX + 1);
        value_id less = build_call(s->b, s->node, STR("least"), (value_id[]){s->args[arg], most}, 2,
                                   s->scope, s->d);
        return less < 0 ? less : cast_number(s->b, less, TYPE_INT64);
    }
    return site_int64(s, arg);
}

static value_id build_repeat(struct site *s)
{
    bool is_space = s->f->param;
    value_id n = VALUE_FAILED;

    if ((!is_space && !site_strings(s, 1)) || (n = times(s, is_space ? 0 : 1)) < 0)
        return VALUE_FAILED;
    value_id text = is_space ? constant_str(s->b, STR(" ")) : s->args[0];
    return EMIT(s->b, &op_repeat, type_of(TYPE_STRING), text, n);
}

/* ---- format: a constant template and values as text ---- */

struct piece {
    struct str text; /* before … */
    int32_t arg;     /* … this argument; -1: none */
};

struct template
{
    struct piece *pieces;
    size_t n;
};

static void run_format(struct call *c)
{
    const struct template *t = c->data;
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        for (size_t k = 0; k < t->n; k++) {
            text_out_str(&out, t->pieces[k].text);
            if (t->pieces[k].arg >= 0)
                text_out_str(&out, VALUES(t->pieces[k].arg, struct str)[i]);
        }
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_format = {"format", run_format, 0};

/* The number in { } at *at, or -1 for {}; -2 with a message. */
static int32_t field_number(struct site *s, struct str text, size_t *at)
{
    const char *end = memchr(text.p + *at, '}', text.n - *at);
    uint64_t v = 0;

    if (end == NULL) {
        site_error(s, "a { of the template is not closed");
        return -2;
    }
    struct str digits = {text.p + *at, (size_t)(end - text.p) - *at};
    *at += digits.n + 1;
    for (size_t i = 0; i < digits.n; i++) {
        if (!is_digit(digits.p[i])) {
            site_error(s, "'%.*s' in { } of the template is no number", STR_FMT(digits));
            return -2;
        }
        v = v > 1000000 ? v : v * 10 + (uint64_t)(digits.p[i] - '0');
    }
    if (digits.n && v >= s->n_args - 1) {
        site_error(s, "{%.*s} of the template: there are %u values, counted from 0",
                   STR_FMT(digits), s->n_args - 1);
        return -2;
    }
    return digits.n ? (int32_t)v : -1;
}

static struct template *template_make(struct site *s, struct str text)
{
    struct arena *arena = &s->b->memory->arena;
    struct template *t = arena_zero(arena, sizeof(*t));
    char *literal = arena_bytes(arena, text.n + 1), *start = literal;
    int32_t next = 0, n_plain = 0, n_numbered = 0;

    t->pieces = arena_alloc(arena, (text.n + 2) * sizeof(*t->pieces));
    for (size_t at = 0; at < text.n;) {
        char ch = text.p[at++];
        bool is_double = at < text.n && text.p[at] == ch;
        if ((ch == '{' || ch == '}') && is_double)
            at++;
        if ((ch != '{' && ch != '}') || is_double) {
            *literal++ = ch;
            continue;
        }
        if (ch == '}') {
            site_error(s, "a } of the template stands alone: write }} for the character");
            return NULL;
        }
        int32_t arg = field_number(s, text, &at);
        if (arg == -2)
            return NULL;
        n_plain += arg < 0;
        n_numbered += arg >= 0;
        arg = arg < 0 ? next++ : arg;
        if (n_plain && n_numbered) {
            site_error(s, "the template has both {} and numbered { }");
            return NULL;
        }
        if (arg >= (int32_t)s->n_args - 1) {
            site_error(s, "the template has more {} than there are values");
            return NULL;
        }
        t->pieces[t->n++] = (struct piece){{start, (size_t)(literal - start)}, arg};
        start = literal;
    }
    t->pieces[t->n++] = (struct piece){{start, (size_t)(literal - start)}, -1};
    return t;
}

static value_id *texts_of(struct site *s)
{
    value_id *texts = arena_alloc(&s->b->memory->arena, s->n_args * sizeof(*texts));

    for (uint32_t i = 1; i < s->n_args; i++) {
        texts[i - 1] = emit_to_text(s->b, s->args[i], s->types[i]);
        if (texts[i - 1] < 0) {
            site_bad_type(s, i, "a value that can be text");
            return NULL;
        }
    }
    return texts;
}

static value_id build_format(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    const struct str *text = site_constant_text(s, 0);
    if (text == NULL)
        return site_bad_type(s, 0, "a constant string");
    struct template *t = template_make(s, *text);
    value_id *texts = t ? texts_of(s) : NULL;
    if (texts == NULL)
        return VALUE_FAILED;
    return emit(s->b, &op_format, type_of(TYPE_STRING), texts, s->n_args - 1, (struct param){0}, t);
}

/* concatWithSeparator(', ', a, b): the template '{}, {}' */
static value_id build_join(struct site *s)
{
    struct arena *arena = &s->b->memory->arena;
    struct template *t = arena_zero(arena, sizeof(*t));

    if (!site_strings(s, 1))
        return VALUE_FAILED;
    const struct str *separator = site_constant_text(s, 0);
    if (separator == NULL)
        return site_bad_type(s, 0, "a constant string");
    if (s->n_args == 1)
        return constant_str(s->b, STR(""));
    t->pieces = arena_alloc(arena, s->n_args * sizeof(*t->pieces));
    for (; t->n + 1 < s->n_args; t->n++)
        t->pieces[t->n] = (struct piece){t->n ? *separator : STR(""), (int32_t)t->n};
    value_id *texts = texts_of(s);
    if (texts == NULL)
        return VALUE_FAILED;
    return emit(s->b, &op_format, type_of(TYPE_STRING), texts, s->n_args - 1, (struct param){0}, t);
}

/* ---- translate: s, constant from, constant to ---- */

static void run_translate(struct call *c)
{
    const int16_t *map = c->data; /* -1: left out */
    char *p = arena_bytes(c->arena, column_bytes(c->args[0], c->n) + 1);

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *start = p;
        for (size_t k = 0; k < s.n; k++) {
            int16_t to = map[(uint8_t)s.p[k]];
            *p = (char)to;
            p += to >= 0;
        }
        RESULT(struct str)[i] = (struct str){start, (size_t)(p - start)};
    }
}
static const struct op op_translate = {"translate", run_translate, 0};

/* By characters: pairs in the order given, the last of equal ones counts. */
struct exchange {
    uint32_t from;
    uint32_t to; /* UINT32_MAX: left out */
};
struct exchanges {
    struct exchange *pairs;
    size_t n;
};

static const struct exchange *exchange_find(const struct exchanges *e, uint32_t code)
{
    for (size_t i = e->n; i-- > 0;)
        if (e->pairs[i].from == code)
            return &e->pairs[i];
    return NULL;
}

static void run_translate_utf8(struct call *c)
{
    const struct exchanges *e = c->data;
    struct text_out out = {.arena = c->arena};

    for (size_t i = 0; i < c->n; i++) {
        struct str s = IN(i);
        char *p = text_out_room(&out, 4 * s.n);
        for (size_t at = 0; at < s.n;) {
            size_t bytes = utf8_bytes(s.p + at, s.n - at), step = utf8_step(s.p[at]);
            const struct exchange *x =
                bytes ? exchange_find(e, utf8_decode(s.p + at, bytes)) : NULL;
            step = step < s.n - at ? step : s.n - at;
            if (x == NULL) {
                memcpy(p, s.p + at, step);
                p += step;
            } else if (x->to != UINT32_MAX) {
                p += utf8_encode(p, x->to);
            }
            at += step;
        }
        out.at = p;
        RESULT(struct str)[i] = text_out_row(&out);
    }
}
static const struct op op_translate_utf8 = {"translateUTF8", run_translate_utf8, 0};

static value_id translate_utf8(struct site *s, struct str from, struct str to)
{
    struct arena *arena = &s->b->memory->arena;
    struct exchanges *e = arena_zero(arena, sizeof(*e));

    if (!utf8_is_valid(from) || !utf8_is_valid(to))
        return site_error(s, "the characters of '%.*s' are no UTF-8", STR_FMT(s->name));
    if (utf8_count(from) < utf8_count(to))
        return site_error(s, "'%.*s' has more new characters than old ones", STR_FMT(s->name));
    e->pairs = arena_alloc(arena, (from.n + 1) * sizeof(*e->pairs));
    for (size_t a = 0, b = 0; a < from.n;) {
        size_t na = utf8_bytes(from.p + a, from.n - a), nb = utf8_bytes(to.p + b, to.n - b);
        e->pairs[e->n++] = (struct exchange){utf8_decode(from.p + a, na),
                                             nb ? utf8_decode(to.p + b, nb) : UINT32_MAX};
        a += na, b += nb;
    }
    return emit(s->b, &op_translate_utf8, type_of(TYPE_STRING), s->args, 3, (struct param){0}, e);
}

static value_id build_translate(struct site *s)
{
    if (!site_strings(s, 3))
        return VALUE_FAILED;
    const struct str *from = site_constant_text(s, 1), *to = site_constant_text(s, 2);
    if (from == NULL || to == NULL)
        return site_bad_type(s, from ? 2 : 1, "a constant string");
    if (s->f->param)
        return translate_utf8(s, *from, *to);
    if (!text_is_ascii(*from) || !text_is_ascii(*to))
        return site_error(s, "'%.*s' takes ASCII characters: translateUTF8 takes any",
                          STR_FMT(s->name));
    if (from->n < to->n)
        return site_error(s, "'%.*s' has more new characters than old ones", STR_FMT(s->name));
    int16_t *map = arena_alloc(&s->b->memory->arena, 256 * sizeof(*map));
    for (int i = 0; i < 256; i++)
        map[i] = (int16_t)i;
    for (size_t i = 0; i < from->n; i++)
        map[(uint8_t)from->p[i]] = i < to->n ? (int16_t)to->p[i] : -1;
    return emit(s->b, &op_translate, type_of(TYPE_STRING), s->args, 3, (struct param){0}, map);
}

/* ---- ascii ---- */

static void run_ascii(struct call *c)
{
    for (size_t i = 0; i < c->n; i++)
        RESULT(int32_t)[i] = IN(i).n ? (uint8_t)IN(i).p[0] : 0;
}
static const struct op op_ascii = {"ascii", run_ascii, 0};

static value_id build_ascii(struct site *s)
{
    if (!site_strings(s, 1))
        return VALUE_FAILED;
    return EMIT(s->b, &op_ascii, type_of(TYPE_INT32), s->args[0]);
}

static const struct function functions[] = {
    {"leftPad", "s, length[, with]",
     "s with blanks (or these) at the left, or cut, to that many bytes.", 2, 3, 0, build_pad, 0},
    {"lpad", "s, length[, with]", "leftPad", 2, 3, FN_ANY_CASE | FN_ALIAS, build_pad, 0},
    {"rightPad", "s, length[, with]", "The same at the right.", 2, 3, 0, build_pad, 1},
    {"rpad", "s, length[, with]", "rightPad", 2, 3, FN_ANY_CASE | FN_ALIAS, build_pad, 1},
    {"leftPadUTF8", "s, length[, with]", "leftPad by characters.", 2, 3, 0, build_pad, 2},
    {"rightPadUTF8", "s, length[, with]", "rightPad by characters.", 2, 3, 0, build_pad, 3},
    {"repeat", "s, n", "s n times over, at most a million.", 2, 2, FN_ANY_CASE, build_repeat, 0},
    {"space", "n", "n blanks.", 1, 1, FN_ANY_CASE, build_repeat, 1},
    {"format", "template, a, …", "The template with the values' texts for {}, or for {0}, {1} …", 2,
     255, 0, build_format, 0},
    {"concatWithSeparator", "separator, a, …", "The texts of all with the separator between.", 1,
     255, 0, build_join, 0},
    {"concat_ws", "separator, a, …", "concatWithSeparator", 1, 255, FN_ANY_CASE | FN_ALIAS,
     build_join, 0},
    {"translate", "s, from, to",
     "Each ASCII character of `from` becomes that of `to` in its place, or is left out.", 3, 3, 0,
     build_translate, 0},
    {"translateUTF8", "s, from, to", "The same by characters.", 3, 3, 0, build_translate, 1},
    {"ascii", "s", "The first byte's number.", 1, 1, FN_ANY_CASE, build_ascii, 0},
};
const struct function_family family_text_make = {"Strings made of others", functions,
                                                 COUNT(functions)};
