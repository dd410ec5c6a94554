/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/time_shape.h"

#include "codec/value.h"

/* Bytes 16 and on of a time of the usual form: ":ss", a point and digits, "Z". */
static bool learn_form(struct time_shape *m, struct str s, unsigned scale)
{
    unsigned n_digits = 0;

    memset(m->limit, 255, sizeof(m->limit));
    memset(m->expected, 0, sizeof(m->expected));
    memset(m->order, 128, sizeof(m->order));
    for (size_t i = 16; i < s.n; i++) {
        char c = s.p[i];
        if (i == 17 || i == 18 || (i >= 20 && c >= '0' && c <= '9')) {
            m->limit[i - 16] = i == 17 ? 5 : 9;
            n_digits++;
        } else if (c == (i == 16               ? ':'
                         : i == 19 && s.n > 20 ? '.'
                                               : 'Z') &&
                   (c != 'Z' || i + 1 == s.n)) {
            m->expected[i - 16] = (uint8_t)c;
        } else {
            return false;
        }
    }
    m->n_used = (uint8_t)(n_digits < 2 + scale ? n_digits : 2 + scale);
    for (unsigned i = 0, used = 0; used < m->n_used; i++)
        if (m->limit[i] != 255)
            m->order[16 - m->n_used + used++] = (uint8_t)i;
    m->step = 1;
    for (unsigned i = m->n_used; i < 2 + scale; i++)
        m->step *= 10;
    return true;
}

/* The UTC second of a minute's begin; asks value.h, which stays the judge of what is a time. */
static bool minute_of(int64_t *ret, const char *p, bool is_utc, const struct zone *zone)
{
    char first[20], last[20];
    size_t n = is_utc ? 20 : 19;
    int64_t a, b;

    memcpy(first, p, 16);
    memcpy(last, p, 16);
    memcpy(first + 16, ":00Z", 4);
    memcpy(last + 16, ":59Z", 4);
    /* a zone that changes inside the minute has no place here */
    if (value_datetime64(&a, (struct str){first, n}, zone, 0) != NULL ||
        value_datetime64(&b, (struct str){last, n}, zone, 0) != NULL || b - a != 59 || a < 0)
        return false;
    *ret = a;
    return true;
}

static void learn_tail(struct time_shape *m, unsigned n)
{
    unsigned before = 8 - n; /* bytes of the minute among the eight */

    m->tail = (struct time_tail){.digits = 0};
    for (unsigned i = 0; i < 8; i++) {
        m->tail.order[i] = m->order[8 + i] < 128 ? (uint8_t)(m->order[8 + i] + before) : 128;
        if (i < before)
            continue;
        m->tail.limit[i] = m->limit[i - before];
        m->tail.expected[i] = m->expected[i - before];
        if (m->limit[i - before] == 255)
            m->tail.fixed |= (uint8_t)(1 << i);
        else
            m->tail.digits |= (uint8_t)(1 << i);
    }
}

/* Keeps the minute if that of the time before was the same. */
void time_shape_learn(struct time_shape *m, struct type type, struct str s)
{
    unsigned scale = type.kind == TYPE_DATETIME64 ? type.scale : 0;
    bool is_usual = s.n >= 19 && s.n <= 31 && s.p[4] == '-' && s.p[7] == '-' && s.p[13] == ':' &&
                    s.p[16] == ':' && (s.p[10] == 'T' || s.p[10] == ' ');
    int64_t ticks;

    if (!is_usual)
        return;
    if (memcmp(m->seen, s.p, 16) != 0) {
        memcpy(m->seen, s.p, 16);
        return;
    }
    m->n = 0;
    if (!minute_of(&ticks, s.p, s.p[s.n - 1] == 'Z', type.zone) || !learn_form(m, s, scale))
        return;
    for (unsigned i = 0; i < scale; i++)
        if (__builtin_mul_overflow(ticks, 10, &ticks))
            return;
    if (ticks > INT64_MAX - 100000000000LL ||
        (type.kind == TYPE_DATETIME && ticks > UINT32_MAX - 60))
        return;
    if (s.n <= 24)
        learn_tail(m, (unsigned)s.n - 16);
    memcpy(m->minute, s.p, 16);
    m->minute_ticks = ticks;
    m->n = (uint32_t)s.n;
}

size_t time_shape_read(int64_t *out, const struct spans *v, size_t from,
                       const struct time_shape *shape)
{
    if (shape->n == 0)
        return from;
    for (size_t r = from; r < v->n; r++) {
        uint32_t start = v->begin[r] + v->skip, n = v->end[r] - start;
        const char *p = v->base + start;
        int64_t x = 0;
        if (n != shape->n || memcmp(p, shape->minute, 16) != 0)
            return r;
        for (uint32_t i = 16, n_used = 0; i < n; i++) {
            uint8_t digit = (uint8_t)(p[i] - '0'), limit = shape->limit[i - 16];
            if (limit == 255 ? (uint8_t)p[i] != shape->expected[i - 16] : digit > limit)
                return r;
            if (limit != 255 && n_used++ < shape->n_used)
                x = x * 10 + digit;
        }
        out[r] = shape->minute_ticks + x * shape->step;
    }
    return v->n;
}
