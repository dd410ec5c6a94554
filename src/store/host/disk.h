/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes that find the disk full. libchdb 26.7 passes over a failed write(2): the part is committed
 * all the same, with empty files, and a merge may put such a part in the place of good ones (seen:
 * ENOSPC on every file of a part, then its rename). So this program has its own write, pwrite and
 * writev, which libchdb's calls resolve to: they wait until there is room. A write that failed for
 * another reason (EIO) ends the process: what is half written then is not committed, and the next
 * start finds the folder as it was.
 */
#ifndef STORE_HOST_DISK_H
#define STORE_HOST_DISK_H

/* The process is about to end: writes wait DISK_LAST_WAIT_MS more, then it ends at once. Any
 * thread. */
enum { DISK_LAST_WAIT_MS = 10000 };
void disk_end_soon(void);

#endif
