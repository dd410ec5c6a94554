/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/alarm.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "lang/parse.h"

enum err_code alarm_raise(struct store *s, const char *database, const struct alarm *a, struct err *e)
{
    struct sip128 sip;
    sip128_init(&sip);
    sip128_add(&sip, a->source, strlen(a->source) + 1);
    sip128_add(&sip, a->kind, strlen(a->kind) + 1);
    sip128_add(&sip, &a->partition, sizeof(a->partition));
    sip128_add(&sip, a->text, strlen(a->text));
    struct u128 id = sip128_end(&sip);
    AUTO_DONE(buf) sql = {0};
    /* INSERT … SELECT would be dropped by its content as well; the WHERE keeps the first time it was raised. */
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

enum err_code alarm_is_open(struct store *s, const char *database, const char *source,
                            const char *kind, bool *ret, char *id, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) answer = {0};
    buf_printf(&sql, "SELECT id FROM %s.weir_alarms WHERE source = ", database);
    print_string_literal(&sql, str_of(source));
    buf_text(&sql, " AND kind = ");
    print_string_literal(&sql, str_of(kind));
    buf_printf(&sql, " AND id NOT IN (SELECT id FROM %s.weir_acks) ORDER BY raised LIMIT 1", database);
    TRY(store_text(s, buf_cstr(&sql), &answer, e));
    *ret = answer.n > 1;
    if (*ret)
        snprintf(id, 33, "%.*s", (int)(answer.n - 1), answer.p);
    return ERR_OK;
}
