/* SPDX-License-Identifier: MIT */
/*
 * sync - the program's own fsync, and the syncs that libwt makes for a change that is no write.
 *
 * Returns 0 or -errno; nothing here sets errno for the program. Owns nothing, no lock of its own
 * (waiter.h).
 */
#ifndef WT_CORE_SYNC_H
#define WT_CORE_SYNC_H

#include "os/io.h"
#include "state/fdtable.h"

/*
 * Carries out a sync that the program asked for. 0 or -errno: the kernel's, or the pending error
 * that a write took from the description (pending_error.h). Under fsync=elide an fdatasync with
 * nothing to do is left out (elide.h).
 */
int wt_core_sync(const struct wt_sync *sync, union wt_verdict verdict);

/*
 * Brings a whole file under a rule to its level (at `async`: starts its writeback), after a change
 * that was no write. An error that the wait takes is pending for the program's own syncs. 0 or
 * -errno.
 */
int wt_core_settle(int fd, union wt_verdict verdict);

#endif
