/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting CSV with quotes at memory speed. Inside or outside of quotes is the parity of the
 * quotes before, as long as every opening quote stands where a field may begin (or doubles a
 * closing one); then it is what the decoder finds by walking field by field. Where one does not,
 * the proof ends. */
#ifndef SOURCE_QUOTES_H
#define SOURCE_QUOTES_H

#include <stdbool.h>
#include <stddef.h>

struct quotes_cut {
    size_t length;    /* of the longest prefix of whole records that was proved */
    bool is_complete; /* all of the data was looked at */
};

/* data starts at a record. Every byte is looked at once. */
struct quotes_cut quotes_cut(char delimiter, const char *data, size_t n);
struct quotes_cut quotes_cut_plain(char delimiter, const char *data, size_t n); /* the reference */

#endif
