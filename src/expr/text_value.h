/* SPDX-License-Identifier: Apache-2.0
 *
 * Text to values as ClickHouse's to…() and CAST read it, which is not quite how its input
 * formats do: integers wrap (except in …OrNull, …OrZero), times out of range are cut to the
 * nearest. */
#ifndef EXPR_TEXT_VALUE_H
#define EXPR_TEXT_VALUE_H

#include "column/zone.h"
#include "expr/expr_priv.h"

enum text_mode { TEXT_THROW, TEXT_NULL, TEXT_ZERO };

/* Emits the conversion of a String value to `type` (bare). is_best_effort: for DateTime and
 * DateTime64 under TEXT_NULL and TEXT_ZERO, which otherwise know only the plain form. */
value_id emit_text_to(struct builder *b, value_id v, struct type type, enum text_mode mode,
                      bool is_best_effort);
/* Best effort, 01/02/2024 is 2 January. */
value_id emit_us_text_to(struct builder *b, value_id v, struct type type, enum text_mode mode);
/* One text by those rules, times in any form; to a bare type that is no number. False if it is
 * none. */
bool text_to_other(void *out, struct str text, struct type type, struct arena *arena);
/* Any value as String, in type's zone. */
value_id emit_to_text(struct builder *b, value_id v, struct type type);
/* The same of Date and DateTime. */
value_id emit_time_text(struct builder *b, value_id v, struct type type);

#endif
