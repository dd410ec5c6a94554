/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements from a person or a pipe. */
#ifndef CLI_PROMPT_H
#define CLI_PROMPT_H

#include <stdbool.h>

#include "base/str.h"

/* The first statement of text without its `;`; *rest = what follows. False when no `;` ends it
 * (rest = text). */
bool next_statement(struct str text, struct str *statement, struct str *rest);

/* Reads statements (each up to its `;`) with line editing and a history, until \q or the end of
 * input; calls run for each. */
void prompt_loop(void (*run)(void *context, const char *sql), void *context);

#endif
