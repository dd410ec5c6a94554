/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CODEC_VALUE_PRIV_H
#define CODEC_VALUE_PRIV_H

#include "codec/value.h"

/* The kinds that value.c leaves to value_more.c and value_compound.c. */
const char *value_parse_more(void *out, struct type type, struct str text, struct arena *arena);
void value_print_more(struct buf *out, struct type type, const void *value);
const char *value_parse_compound(void *out, struct type type, struct str text, struct arena *arena);
void value_print_compound(struct buf *out, struct type type, const void *value);

#endif
