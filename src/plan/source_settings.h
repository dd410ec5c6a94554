/* SPDX-License-Identifier: Apache-2.0
 *
 * What SETTINGS behind a FORMAT mean for its decoder. */
#ifndef PLAN_SOURCE_SETTINGS_H
#define PLAN_SOURCE_SETTINGS_H

#include "codec/decoder.h"
#include "lang/ast.h"

/* The defaults of a source, where they are not zero. */
void source_settings_init(struct decoder_spec *spec);
/* One setting; false: there is none of this name, or not with this value. `value` is borrowed. */
bool source_setting_apply(struct decoder_spec *spec, struct str name, struct str value);
/* All of a definition. plan/build.c has refused what they must not say. */
void source_settings_apply(struct decoder_spec *spec, const struct source_def *def);
/* The names in the order of the reference; NULL behind the last. */
const char *source_setting_name(size_t i);

#endif
