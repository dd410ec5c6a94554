/* SPDX-License-Identifier: Apache-2.0 */
#ifndef LANG_DIAGNOSE_PRIV_H
#define LANG_DIAGNOSE_PRIV_H

#include "lang/parse.h"

/* In the order of the text; for free(). */
const struct diagnostic **diagnostics_sorted(const struct diagnostics *d);

#endif
