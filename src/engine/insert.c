/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/insert.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "lang/parse.h"

int64_t slot_of(const struct slot_grid *g, int64_t s)
{
    int64_t d = s - g->t0;
    return d >= 0 ? d / g->slot_s : -((-d + g->slot_s - 1) / g->slot_s);
}

int64_t slot_deadline(const struct slot_grid *g, int64_t k)
{
    return g->t0 + (k + 1) * g->slot_s - g->margin_s;
}

int64_t slot_wait(const struct slot_grid *g, int64_t s)
{
    int64_t end = g->t0 + (slot_of(g, s) + 1) * g->slot_s;
    return end - s <= g->margin_s ? end - s : 0;
}

void attempt_next(struct attempt *a, const struct slot_grid *g, int64_t s)
{
    int64_t k = slot_of(g, s);
    if (a->slot != k)
        *a = (struct attempt){.slot = k}; /* a new slot begins at attempt 0 */
    else if (a->is_acknowledged)
        a->number++; /* acknowledged, yet absent within the slot: the token was burned */
    a->is_acknowledged = false;
}

enum err_code insert_wait_running(struct store *s, const char *prefix, const _Atomic bool *stop,
                                  struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) token = {0};
    /* As the token stands in the text of the INSERT: a literal, so it begins after a quote. */
    print_string_literal(&token, str_of(prefix));
    token.n--;
    buf_text(&sql, "SELECT count() FROM system.processes WHERE startsWith(query, 'INSERT') AND "
                   "position(query, ");
    print_string_literal(&sql, buf_view(&token));
    buf_text(&sql, ") > 0");
    for (;;) {
        AUTO_DONE(buf) answer = {0};
        TRY(store_text(s, buf_cstr(&sql), &answer, e));
        if (strtoll(buf_cstr(&answer), NULL, 10) == 0)
            return ERR_OK;
        if (stop != NULL && *stop)
            return err_set(e, ERR_STOPPED, "stopped while an earlier INSERT of %s runs", prefix);
        log_info("epoch", "wait_running", "prefix=%s", prefix);
        clock_sleep_ms(200);
    }
}

enum err_code insert_send(struct store *s, const char *table, const char *columns,
                          const char *family, const struct attempt *a, const struct slot_grid *g,
                          struct str body, struct err *e)
{
    AUTO_DONE(buf) sql = {0};
    AUTO_DONE(buf) token = {0};
    buf_printf(&token, "%s@%" PRId64 "/%" PRId64, family, a->slot, a->number);
    buf_printf(&sql,
               "INSERT INTO %s (%s) SETTINGS async_insert = 0, insert_deduplicate = 1, "
               "deduplicate_insert = 'enable', "
               "max_partitions_per_insert_block = 1, min_insert_block_size_rows = 4000000, "
               "min_insert_block_size_bytes = 2000000000, "
               "max_insert_block_size = 4000000, max_execution_time = %" PRId64
               ", insert_deduplication_token = ",
               table, columns, g->margin_s);
    print_string_literal(&sql, buf_view(&token));
    buf_text(&sql, " FORMAT Native");
    /* The client gives up later than the server does, so a time-out here is rare and only means
     * "unknown". */
    struct store_call call = {
        .sql = buf_cstr(&sql), .body = body, .timeout_s = (long)(g->margin_s * 2 + 5)};
    return store_call(s, &call, e);
}
