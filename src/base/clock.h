/* SPDX-License-Identifier: Apache-2.0
 *
 * Time of this machine. No result may depend on it (results use the epoch's `now`, which is the
 * store's); it serves waiting, progress and logs. WEIR_CLOCK_STEP=seconds shifts clock_wall_s (a
 * seam for fault tests). any thread */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ns(void); /* since some start, never steps */
int64_t clock_wall_s(void);  /* UTC seconds */
int64_t clock_cpu_ns(void);  /* CPU time of the whole process */
void clock_sleep_ms(int ms);

#endif
