/* SPDX-License-Identifier: MIT */
/*
 * sync - the program's own fsync, and what libwt syncs for a change that is no write.
 *
 * Returns 0 or -errno; nothing here sets errno for the program. No lock.
 */
#ifndef WT_CORE_SYNC_H
#define WT_CORE_SYNC_H

#include "os/io.h"
#include "state/fdtable.h"

/*
 * Makes a sync that the program asked for on a descriptor under a rule. 0 or -errno: the kernel's,
 * or the error that a write took out of the kernel's record (description.h). An fdatasync
 * under fsync=elide is left out where it has nothing to do (elide.h).
 */
int wt_core_sync(const struct wt_sync *sync, union wt_verdict verdict);

/*
 * Brings all of a file under a rule to its level, which at `async` is to start it, for a change
 * that was no write: what the wait takes out of the kernel's record is owed to the program's own
 * syncs. 0 or -errno.
 */
int wt_core_settle(int fd, union wt_verdict verdict);

#endif
