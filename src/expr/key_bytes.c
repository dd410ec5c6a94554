/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays, tuples and maps as keys: their bytes, which are equal where ClickHouse would group them
 * together. */
#include "column/row_binary.h"
#include "expr/compound.h"

static void run_key_bytes(struct call *c)
{
    struct type t = call_type(c, 0);
    AUTO_DONE(buf) bytes = {0};

    for (size_t i = 0; i < c->n; i++) {
        buf_reset(&bytes);
        row_binary_put(&bytes, t, call_value(c, 0, i));
        RESULT(struct str)[i] = arena_str(c->arena, buf_view(&bytes));
    }
}
static const struct op op_key_bytes = {"keyBytes", run_key_bytes, 0};

value_id builder_key_bytes(struct builder *b, value_id value)
{
    return emit_typed(b, &op_key_bytes, type_of(TYPE_STRING), &value, 1, (struct param){0});
}
