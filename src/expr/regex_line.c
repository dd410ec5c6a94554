/* SPDX-License-Identifier: Apache-2.0
 *
 * A pattern is read into steps. It is refused wherever a step could have to give back characters: a
 * class of variable number must share no character with what can come next (leads). Then the greedy
 * way is the only one, and a try at a place succeeds or fails at once.
 *
 *     ([0-9]+)[.]     OPEN 1 · CLASS 0-9, 1 or more · CLOSE 1 · TEXT "."        leads of the rest: "." */
#include "expr/regex_line.h"

#include "expr/text_wide.h"

enum { STEPS_MAX = 64, GROUPS_MAX = 9, CHOICES_MAX = 8, DEPTH_MAX = 8, NO_LIMIT = UINT16_MAX };

enum step_kind { STEP_TEXT, STEP_CLASS, STEP_OPEN, STEP_CLOSE, STEP_END };

struct step {
    uint8_t kind;
    uint8_t group;
    bool is_all; /* the class has every character */
    uint16_t min, max;
    struct byte_class *class;
    struct str text;
};

struct regex_line {
    struct arena arena;
    struct step steps[STEPS_MAX];
    size_t n_steps, n_groups;
    struct str choices[CHOICES_MAX]; /* instead of steps */
    size_t n_choices;
    const struct byte_class *runs; /* all of it is one class, once or more */
    bool is_bound;                 /* begins with ^ */
    bool any_case;                 /* texts; classes have both cases */
    bool needs_ascii;              /* on others it can be wrong */
};

/* ---- classes ---- */

static void class_add(struct byte_class *c, unsigned from, unsigned to)
{
    for (unsigned i = from; i <= to && i < 128; i++)
        c->has[i] = 0xff;
}

static void class_invert(struct byte_class *c)
{
    for (unsigned i = 0; i < 128; i++)
        c->has[i] ^= 0xff;
}

static void class_add_cases(struct byte_class *c)
{
    for (unsigned i = 'a'; i <= 'z'; i++)
        c->has[i] = c->has[i - 32] |= c->has[i];
}

static bool class_meets(const struct byte_class *a, const struct byte_class *b)
{
    for (unsigned i = 0; i < 128; i++)
        if (a->has[i] & b->has[i])
            return true;
    return false;
}

/* The classes of \d \w \s, and of their capitals (*is_other). False: the letter is none. */
static bool class_of_letter(struct byte_class *c, char letter, bool *is_other)
{
    *is_other = letter >= 'A' && letter <= 'Z';
    switch (lower_ascii(letter)) {
    case 'd': class_add(c, '0', '9'); break;
    case 'w':
        class_add(c, '0', '9');
        class_add(c, 'A', 'Z');
        class_add(c, 'a', 'z');
        class_add(c, '_', '_');
        break;
    case 's':
        class_add(c, '\t', '\n');
        class_add(c, '\f', '\r');
        class_add(c, ' ', ' ');
        break;
    default: return false;
    }
    if (*is_other)
        class_invert(c);
    return true;
}

/* ---- reading a pattern ---- */

struct pattern_reader {
    struct regex_line *r;
    struct str rest;
    struct buf text; /* of the text step that is being gathered */
    unsigned depth;
    bool is_bad, is_ended; /* ended: $ was there */
};

static char peek(const struct pattern_reader *p)
{
    return p->rest.n ? p->rest.p[0] : '\0';
}

static char take(struct pattern_reader *p)
{
    p->rest.n--;
    return *p->rest.p++;
}

static bool take_if(struct pattern_reader *p, const char *text)
{
    size_t n = strlen(text);

    if (!str_starts(p->rest, text))
        return false;
    p->rest.p += n, p->rest.n -= n;
    return true;
}

static struct step *add_step(struct pattern_reader *p, enum step_kind kind)
{
    if (p->r->n_steps == STEPS_MAX) {
        p->is_bad = true;
        return &p->r->steps[0];
    }
    struct step *s = &p->r->steps[p->r->n_steps++];
    *s = (struct step){.kind = (uint8_t)kind, .min = 1, .max = 1};
    return s;
}

static void end_text(struct pattern_reader *p)
{
    if (p->text.n == 0)
        return;
    add_step(p, STEP_TEXT)->text = arena_str(&p->r->arena, buf_view(&p->text));
    buf_reset(&p->text);
}

/* A letter that has another case outside ASCII (k, s) is not to be told by bytes. */
static void note_character(struct regex_line *r, char c)
{
    r->needs_ascii |= r->any_case && (lower_ascii(c) == 'k' || lower_ascii(c) == 's');
}

static bool is_punctuation(char c)
{
    return (uint8_t)c > ' ' && (uint8_t)c < 127 && !is_letter(c) && !is_digit(c);
}

/* Behind a backslash, a character that stands for itself or for a control character. */
static bool escaped_character(char c, char *ret)
{
    static const char from[] = "tnrf", to[] = "\t\n\r\f";
    const char *hit = c ? strchr(from, c) : NULL;

    *ret = hit ? to[hit - from] : c;
    return hit || is_punctuation(c);
}

/* One character of a class, or one end of a range. */
static char class_character(struct pattern_reader *p)
{
    char c = p->rest.n ? take(p) : '\0';

    if (c == '\\' && (p->rest.n == 0 || !escaped_character(take(p), &c)))
        p->is_bad = true;
    /* what ClickHouse or RE2 read in their own ways */
    if (c == '\0' || (uint8_t)c >= 128 || c == '[')
        p->is_bad = true;
    return c;
}

/* Behind '['. */
static void read_class(struct pattern_reader *p, struct byte_class *c)
{
    bool is_other = take_if(p, "^");

    if (peek(p) == ']')
        p->is_bad = true;
    while (!p->is_bad && p->rest.n && peek(p) != ']') {
        struct byte_class part = {0};
        bool is_rest;
        if (p->rest.n > 1 && peek(p) == '\\' && class_of_letter(&part, p->rest.p[1], &is_rest)) {
            p->rest.p += 2, p->rest.n -= 2;
            p->is_bad |= is_rest || peek(p) == '-';
        } else {
            char from = class_character(p), to = from;
            if (p->rest.n > 1 && peek(p) == '-' && p->rest.p[1] != ']') {
                take(p);
                to = class_character(p);
            }
            p->is_bad |= from > to;
            class_add(&part, (uint8_t)from, (uint8_t)to);
        }
        for (unsigned i = 0; i < 128; i++)
            c->has[i] |= part.has[i];
    }
    if (p->rest.n == 0)
        p->is_bad = true;
    else
        take(p);
    if (p->r->any_case) {
        class_add_cases(c);
        if (c->has['k'] || c->has['s'])
            p->r->needs_ascii = true;
    }
    if (is_other) {
        class_invert(c);
        p->r->needs_ascii = true;
    }
}

static uint16_t read_count(struct pattern_reader *p)
{
    unsigned n = 0, digits = 0;

    for (; is_digit(peek(p)) && digits < 4; digits++)
        n = n * 10 + (unsigned)(take(p) - '0');
    p->is_bad |= digits == 0 || n > 1000;
    return (uint16_t)n;
}

/* * + ? {n} {n,} {n,m}. False: there is none. */
static bool read_number(struct pattern_reader *p, uint16_t *min, uint16_t *max)
{
    switch (peek(p)) {
    case '*': *min = 0, *max = NO_LIMIT; break;
    case '+': *min = 1, *max = NO_LIMIT; break;
    case '?': *min = 0, *max = 1; break;
    case '{':
        take(p);
        *min = *max = read_count(p);
        if (take_if(p, ","))
            *max = peek(p) == '}' ? NO_LIMIT : read_count(p);
        p->is_bad |= peek(p) != '}' || *min > *max || *max == 0;
        break;
    default: return false;
    }
    if (p->is_bad)
        return true;
    take(p);
    char next = peek(p); /* as few as possible, or a number of numbers */
    p->is_bad |= next == '?' || next == '*' || next == '+' || next == '{';
    return true;
}

static void add_class(struct pattern_reader *p, const struct byte_class *c)
{
    uint16_t min = 1, max = 1;
    unsigned n = 0, last = 0;

    if (!read_number(p, &min, &max) && !p->r->any_case) {
        for (unsigned i = 0; i < 128; i++)
            if (c->has[i])
                n++, last = i;
        if (n == 1) { /* [.] */
            buf_byte(&p->text, (uint8_t)last);
            return;
        }
    }
    end_text(p);
    struct step *s = add_step(p, STEP_CLASS);
    s->class = arena_alloc(&p->r->arena, sizeof(*c));
    *s->class = *c;
    s->min = min, s->max = max;
    s->is_all = true;
    for (unsigned i = 0; i < 128; i++)
        s->is_all &= c->has[i] != 0;
}

static void add_character(struct pattern_reader *p, char c)
{
    char next = peek(p);
    struct byte_class one = {0};

    if (c == '\0' || (uint8_t)c >= 128) {
        p->is_bad = true;
        return;
    }
    note_character(p->r, c);
    if (next != '*' && next != '+' && next != '?' && next != '{') {
        buf_byte(&p->text, (uint8_t)c);
        return;
    }
    class_add(&one, (uint8_t)c, (uint8_t)c);
    if (p->r->any_case && is_letter(c))
        class_add(&one, (uint8_t)c ^ 32, (uint8_t)c ^ 32);
    add_class(p, &one);
}

static void read_escape(struct pattern_reader *p)
{
    struct byte_class class = {0};
    char c = p->rest.n ? take(p) : '\0', plain;
    bool is_other;

    if (class_of_letter(&class, c, &is_other)) {
        p->r->needs_ascii |= is_other;
        add_class(p, &class);
    } else if (escaped_character(c, &plain)) {
        add_character(p, plain);
    } else {
        p->is_bad = true;
    }
}

static void read_sequence(struct pattern_reader *p);

/* Behind '('. */
static void read_group(struct pattern_reader *p)
{
    bool is_counted = !take_if(p, "?:");
    uint8_t group = 0;
    uint16_t ignored;

    end_text(p);
    if (is_counted && peek(p) == '?')
        p->is_bad = true;
    if (is_counted) {
        group = (uint8_t)++p->r->n_groups;
        p->is_bad |= group > GROUPS_MAX;
        add_step(p, STEP_OPEN)->group = group;
    }
    p->is_bad |= ++p->depth > DEPTH_MAX;
    if (!p->is_bad)
        read_sequence(p);
    p->depth--;
    end_text(p);
    p->is_bad |= !take_if(p, ")") || read_number(p, &ignored, &ignored) || p->is_ended;
    if (is_counted)
        add_step(p, STEP_CLOSE)->group = group;
}

static void read_sequence(struct pattern_reader *p)
{
    while (p->rest.n && !p->is_bad && peek(p) != ')') {
        struct byte_class class = {0};
        char c = take(p);
        p->is_bad |= p->is_ended;
        switch (c) {
        case '\\': read_escape(p); break;
        case '[':
            read_class(p, &class);
            add_class(p, &class);
            break;
        case '.':
            class_add(&class, 0, 127);
            p->r->needs_ascii = true;
            add_class(p, &class);
            break;
        case '(': read_group(p); break;
        case '$':
            end_text(p);
            add_step(p, STEP_END);
            p->is_ended = true;
            break;
        case '^':
        case '|':
        case '*':
        case '+':
        case '?':
        case '{':
        case '}':
        case ']': p->is_bad = true; break;
        default: add_character(p, c);
        }
    }
    end_text(p);
}

/* What can be the first character from this step on. False: they may all be without one. */
static bool leads_of(const struct regex_line *r, size_t step, struct byte_class *leads)
{
    for (; step < r->n_steps; step++) {
        const struct step *s = &r->steps[step];
        if (s->kind == STEP_TEXT) {
            class_add(leads, (uint8_t)s->text.p[0], (uint8_t)s->text.p[0]);
            if (r->any_case)
                class_add_cases(leads);
            return true;
        }
        if (s->kind == STEP_CLASS) {
            for (unsigned i = 0; i < 128; i++)
                leads->has[i] |= s->class->has[i];
            if (s->min > 0)
                return true;
        }
    }
    return false;
}

static bool never_gives_back(const struct regex_line *r)
{
    for (size_t i = 0; i < r->n_steps; i++) {
        const struct step *s = &r->steps[i];
        struct byte_class leads = {0};
        if (s->kind != STEP_CLASS || s->min == s->max)
            continue;
        leads_of(r, i + 1, &leads);
        if (class_meets(s->class, &leads))
            return false;
    }
    return true;
}

static const struct step *first_step(const struct regex_line *r)
{
    for (size_t i = 0; i < r->n_steps; i++)
        if (r->steps[i].kind != STEP_OPEN && r->steps[i].kind != STEP_CLOSE)
            return &r->steps[i];
    return NULL;
}

static const struct step *last_step(const struct regex_line *r)
{
    const struct step *last = NULL;

    for (size_t i = 0; i < r->n_steps; i++)
        if (r->steps[i].kind != STEP_OPEN && r->steps[i].kind != STEP_CLOSE)
            last = &r->steps[i];
    return last;
}

/* text|text|text, all of it within a group or not. */
static bool read_choices(struct regex_line *r, struct str pattern)
{
    AUTO_DONE(buf) text = {0};
    bool is_group = pattern.n > 1 && pattern.p[0] == '(' && pattern.p[pattern.n - 1] == ')';

    if (is_group) {
        pattern = (struct str){pattern.p + 1, pattern.n - 2};
        bool is_counted = !str_starts(pattern, "?:");
        r->n_groups = is_counted;
        if (!is_counted)
            pattern = (struct str){pattern.p + 2, pattern.n - 2};
    }
    for (size_t i = 0; i <= pattern.n; i++) {
        char c = i < pattern.n ? pattern.p[i] : '|';
        if (c == '|') {
            if (text.n == 0 || r->n_choices == CHOICES_MAX)
                return false;
            r->choices[r->n_choices++] = arena_str(&r->arena, buf_view(&text));
            buf_reset(&text);
            continue;
        }
        if (c == '\\' && (++i == pattern.n || !escaped_character(pattern.p[i], &c)))
            return false;
        bool is_operator = pattern.p[i] == c && c && strchr("()[]{}.*+?^$", c) != NULL &&
                           (i == 0 || pattern.p[i - 1] != '\\');
        if (is_operator || c == '\0' || (uint8_t)c >= 128)
            return false;
        note_character(r, c);
        buf_byte(&text, (uint8_t)c);
    }
    return r->n_choices > 1;
}

struct regex_line *regex_line_new(struct str pattern, bool any_case)
{
    struct regex_line *r = xcalloc(1, sizeof(*r));
    struct pattern_reader p = {.r = r, .rest = pattern};

    r->any_case = any_case | take_if(&p, "(?i)");
    if (read_choices(r, p.rest))
        return r;
    r->n_choices = r->n_groups = 0;
    r->needs_ascii = false;
    r->is_bound = take_if(&p, "^");
    read_sequence(&p);
    buf_done(&p.text);
    const struct step *first = first_step(r);
    bool begins = first && first->min > 0 && first->kind != STEP_END;
    if (!p.is_bad && p.rest.n == 0 && (begins || (r->is_bound && first)) && never_gives_back(r)) {
        bool is_only = first == last_step(r) && !r->is_bound && first->kind == STEP_CLASS;
        if (is_only && first->min == 1 && first->max == NO_LIMIT)
            r->runs = first->class;
        return r;
    }
    regex_line_free(r);
    return NULL;
}

void regex_line_free(struct regex_line *r)
{
    if (r == NULL)
        return;
    arena_done(&r->arena);
    free(r);
}

struct str regex_line_text(const struct regex_line *r, bool *any_case)
{
    struct str best = {"", 0};

    *any_case = r->any_case;
    for (size_t i = 0; i < r->n_steps && !r->is_bound; i++)
        if (r->steps[i].kind == STEP_TEXT && r->steps[i].text.n > best.n)
            best = r->steps[i].text;
    return r->needs_ascii && r->any_case ? (struct str){"", 0} : best;
}

/* ---- matching ---- */

static inline bool has_text(struct str s, size_t at, struct str text, bool any_case)
{
    if (s.n - at < text.n)
        return false;
    return any_case ? same_any_case(s.p + at, text.p, text.n)
                    : bytes_equal(s.p + at, text.p, text.n);
}

/* The place behind a match at `at`, or SIZE_MAX; *looked_at counts what was gone over in vain. */
static size_t match_at(const struct regex_line *r, struct str s, size_t at, struct str *groups,
                       size_t n_groups, size_t *looked_at)
{
    size_t begin = at;

    for (size_t i = 0; i < r->n_steps; i++) {
        const struct step *step = &r->steps[i];
        size_t from = at, limit;
        switch (step->kind) {
        case STEP_TEXT:
            if (!has_text(s, at, step->text, r->any_case))
                goto no;
            at += step->text.n;
            break;
        case STEP_CLASS:
            limit = step->max == NO_LIMIT || s.n - at < step->max ? s.n : at + step->max;
            if (step->is_all)
                at = limit;
            while (at < limit && step->class->has[(uint8_t)s.p[at]])
                at++;
            if (at - from < step->min)
                goto no;
            break;
        case STEP_OPEN:
            if (step->group < n_groups)
                groups[step->group].p = s.p + at;
            break;
        case STEP_CLOSE:
            if (step->group < n_groups)
                groups[step->group].n = (size_t)(s.p + at - groups[step->group].p);
            break;
        case STEP_END:
            if (at != s.n)
                goto no;
            break;
        }
    }
    return at;
no:
    *looked_at += at - begin + 1;
    return SIZE_MAX;
}

static enum line_answer find_choice(const struct regex_line *r, struct str s, size_t from,
                                    struct str *groups, size_t n_groups)
{
    struct str rest = {s.p + from, s.n - from}, found = {NULL, 0};

    for (size_t i = 0; i < r->n_choices; i++) {
        struct str choice = r->choices[i];
        const char *hit = r->any_case ? text_find_any_case(rest, choice) : text_find(rest, choice);
        if (hit == NULL || (found.p && hit >= found.p))
            continue;
        found = (struct str){hit, choice.n};
        if (n_groups == 0)
            break;
    }
    for (size_t i = 0; i < n_groups && found.p; i++)
        groups[i] = found;
    return found.p ? LINE_YES : LINE_NO;
}

size_t regex_line_all(const struct regex_line *r, struct str text, uint32_t *bounds)
{
    if (r->runs == NULL || (r->needs_ascii && !text_is_ascii(text)))
        return SIZE_MAX;
    return text_best->class_runs(bounds, text, r->runs);
}

/* The next place where the first step may be; s.n: nowhere. */
static size_t next_place(const struct regex_line *r, const struct step *first, struct str s,
                         size_t at)
{
    struct str rest = {s.p + at, s.n - at};

    if (first->kind == STEP_CLASS)
        return at + text_best->find_class(rest, first->class);
    const char *hit =
        r->any_case ? text_find_any_case(rest, first->text) : text_find(rest, first->text);
    return hit ? (size_t)(hit - s.p) : s.n;
}

enum line_answer regex_line_find(const struct regex_line *r, struct str s, size_t from,
                                 struct str *groups, size_t n_groups)
{
    enum { TRIES = 8, FREE = 64 }; /* looked at: at most so often the text's length, and so much */
    const struct step *first = first_step(r);
    size_t looked_at = 0, end;

    if (s.p == NULL)
        s.p = "";
    if (r->needs_ascii && !text_is_ascii(s))
        return LINE_UNSURE;
    if (r->n_choices)
        return find_choice(r, s, from, groups, n_groups);
    if (r->is_bound) {
        end = from == 0 ? match_at(r, s, 0, groups, n_groups, &looked_at) : SIZE_MAX;
        if (end != SIZE_MAX && n_groups)
            groups[0] = (struct str){s.p, end};
        return end == SIZE_MAX ? LINE_NO : LINE_YES;
    }
    for (size_t at = from; (at = next_place(r, first, s, at)) < s.n; at++) {
        end = match_at(r, s, at, groups, n_groups, &looked_at);
        if (end != SIZE_MAX) {
            if (n_groups)
                groups[0] = (struct str){s.p + at, end - at};
            return LINE_YES;
        }
        if (looked_at > TRIES * s.n + FREE)
            return LINE_UNSURE;
        /* from the middle of the same run the rest would be met in the same place */
        if (first->kind == STEP_CLASS && first->max == NO_LIMIT)
            while (at + 1 < s.n && first->class->has[(uint8_t)s.p[at + 1]])
                at++;
    }
    return LINE_NO;
}
