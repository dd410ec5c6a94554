/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "lang/parse.h"

enum err_code alarm_raise(struct store *s, const char *database, const struct alarm *a,
                          struct err *e)
{
    struct sip128 sip;
    sip128_init(&sip);
    sip128_add(&sip, a->source, strlen(a->source) + 1);
    sip128_add(&sip, a->kind, strlen(a->kind) + 1);
    sip128_add(&sip, &a->partition, sizeof(a->partition));
    sip128_add(&sip, a->text, strlen(a->text));
    struct u128 id = sip128_end(&sip);
    AUTO_DONE(buf) sql = {0};
    /* INSERT … SELECT would be dropped by its content as well; the WHERE keeps the first time it
     * was raised. */
    buf_printf(&sql, "INSERT INTO %s.weir_alarms SELECT '%016" PRIx64 "', ", database, id.lo);
    print_string_literal(&sql, str_of(a->source));
    buf_text(&sql, ", ");
    print_string_literal(&sql, str_of(a->kind));
    buf_printf(&sql, ", %" PRIu64 ", ", a->partition);
    print_string_literal(&sql, str_of(a->text));
    buf_printf(&sql,
               ", %" PRIu64
               ", now() WHERE (SELECT count() FROM %s.weir_alarms WHERE id = '%016" PRIx64 "') = 0",
               a->events, database, id.lo);
    return store_exec(s, buf_cstr(&sql), e);
}

bool alarm_queue_add(struct alarm_queue *q, const struct alarm *a)
{
    if (q->n == ALARMS_KEPT)
        return false;
    q->items[q->n] = *a;
    q->items[q->n].kind = xstrdup(a->kind);
    q->items[q->n].text = xstrdup(a->text);
    q->items[q->n++].source = xstrdup(a->source);
    return true;
}

static void free_alarm(struct alarm *a)
{
    free((char *)a->kind);
    free((char *)a->text);
    free((char *)a->source);
}

enum err_code alarm_queue_write(struct alarm_queue *q, struct store *s, const char *database,
                                struct err *e)
{
    int64_t now = clock_mono_ns() / 1000000;
    if (q->n == 0 || now < q->next_ms)
        return ERR_OK;
    size_t n_written = 0;
    enum err_code code = ERR_OK;
    while (n_written < q->n && (code = alarm_raise(s, database, &q->items[n_written], e)) == ERR_OK)
        free_alarm(&q->items[n_written++]);
    q->n -= n_written;
    memmove(q->items, q->items + n_written, q->n * sizeof(*q->items));
    q->pause_ms = code == ERR_OK || q->pause_ms == 0 ? 50
                  : q->pause_ms < 5000               ? q->pause_ms * 2
                                                     : 5000;
    q->next_ms = code == ERR_OK ? 0 : now + q->pause_ms;
    return code;
}

void alarm_queue_done(struct alarm_queue *q)
{
    for (size_t i = 0; i < q->n; i++)
        free_alarm(&q->items[i]);
    q->n = 0;
}

enum err_code alarm_is_open(struct store *s, const char *database, const char *source,
                            const char *kind, bool *ret, char *id, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    buf_printf(&sql, "SELECT id FROM %s.weir_alarms WHERE source = ", database);
    print_string_literal(&sql, str_of(source));
    buf_text(&sql, " AND kind = ");
    print_string_literal(&sql, str_of(kind));
    buf_printf(&sql, " AND id NOT IN (SELECT id FROM %s.weir_acks) ORDER BY raised LIMIT 1",
               database);
    TRY(store_text(s, buf_cstr(&sql), &answer, e));
    *ret = answer.n > 1;
    if (*ret)
        snprintf(id, 33, "%.*s", (int)(answer.n - 1), answer.p);
    return ERR_OK;
}
