/* SPDX-License-Identifier: Apache-2.0
 *
 * The bytes of a lookup's files as one run: what a version is made from, what its name (a hash) is
 * taken of, and what the store keeps of it.
 *
 *     for each file, in order of names: | length 8 | bytes as they lie on disk | */
#ifndef LOOKUP_FILES_H
#define LOOKUP_FILES_H

#include "base/buf.h"
#include "base/err.h"

/* Appends a file's bytes. ERR_NOT_FOUND, ERR_IO; ERR_LIMIT: longer than max_bytes; ERR_UNAVAILABLE:
 * it changed while it was read. */
MUST_CHECK enum err_code lookup_files_add(struct buf *out, const char *path, size_t max_bytes,
                                          struct err *e);
/* The next file's bytes; false at the end. */
bool lookup_files_next(struct str *files, struct str *bytes);

/* 32 hexadecimal digits and a NUL. */
enum { LOOKUP_HASH_TEXT = 33 };
void lookup_files_hash(struct str files, char text[LOOKUP_HASH_TEXT]);

#endif
