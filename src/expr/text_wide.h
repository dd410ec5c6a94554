/* SPDX-License-Identifier: Apache-2.0
 *
 * Kernels over texts that exist more than once: plainly, and for AVX-512. The best that the machine
 * can run is chosen when the program starts. */
#ifndef EXPR_TEXT_WIDE_H
#define EXPR_TEXT_WIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "expr/text_kit.h"

/* One bit a byte value: a class of ASCII characters. */
struct byte_class {
    uint8_t has[256]; /* 0xff where it is in the class, else 0; 0 from 128 on */
};

struct text_kernels {
    /* First place of the needle, of at least one byte and not longer than s; NULL if there is none. */
    const char *(*find)(struct str s, struct str needle);
    const char *(*find_any_case)(struct str s, struct str needle); /* of ASCII letters */
    /* The same for many rows, any of them shorter: offsets, or TEXT_NOWHERE. */
    void (*find_rows)(uint32_t *at, const struct str *rows, size_t n, struct str needle);
    void (*find_rows_any_case)(uint32_t *at, const struct str *rows, size_t n, struct str needle);
    /* First byte that is of the class, or s.n. */
    size_t (*find_class)(struct str s, const struct byte_class *class);
    /* Where runs of the class begin and end, in turns: at most s.n + 1 places. Returns how many. */
    size_t (*class_runs)(uint32_t *bounds, struct str s, const struct byte_class *class);
    /* Copies the rows one behind another to `out`, which has 64 bytes of room behind them, letters
     * from `first` ('A' or 'a') on in the other case; the views of the copies are written to `to`. */
    void (*swap_case)(struct str *to, char *out, const struct str *rows, size_t n, char first);
    bool (*is_ascii)(struct str s);
    size_t (*count_starts)(struct str s); /* bytes that do not continue a character of UTF-8 */
    size_t (*count_byte)(struct str s, char c);
};

extern const struct text_kernels text_plain;
#if defined(__x86_64__)
extern const struct text_kernels text_avx512;
#endif
bool text_kernels_is_usable(const struct text_kernels *k);

extern const struct text_kernels *text_best; /* set before main */

#endif
