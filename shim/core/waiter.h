/* SPDX-License-Identifier: MIT */
/*
 * waiter - one wait for bytes, among those that wait on the same open file description.
 *
 * A write and the program's own fsync enter this scope before they ask the kernel, and leave it
 * when it has answered. Meanwhile
 *   - signals are held off, as they are in a write(2) to a file: a handler could jump out and
 *     leave the wait behind;
 *   - other syncs of the file wait, where only one sync of a file at a time returns the truth
 *     (WT_FS_ONE_SYNC): btrfs returns from an fsync whose changes are in the log of another one,
 *     before that log is on the disk;
 *   - the wait is registered with its description (description.h), so that each waiter knows
 *     whether another may have got its error.
 *
 * A waiter lies on the stack of the call, zeroed but for the description and the file. Leaving
 * releases whatever is still held, once, so it may also be called for a thread that is cancelled.
 */
#ifndef WT_WAITER_H
#define WT_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "os/sys.h"
#include "state/description.h"
#include "state/filesystem.h"

struct wt_waiter {
	uint64_t description;
	uint64_t file; /* wt_inode_hash; needed for wt_waiter_exclude only */
	struct wt_wait wait;
	bool waits; /* registered, and not ended yet */
	bool holds_signals;
	uint32_t sync_token; /* of the file's one sync; 0: not held */
	struct wt_signals signals;
};

/* Holds signals off, if they are not yet. */
void wt_waiter_hold_signals(struct wt_waiter *waiter);

/* Holds signals off, and waits for other syncs of the file if the file system needs that. */
void wt_waiter_exclude(struct wt_waiter *waiter, const struct wt_filesystem *fs);
/* Lets other syncs of the file go on. */
void wt_waiter_include(struct wt_waiter *waiter);

/* Registers the wait, before the bytes are copied. */
void wt_waiter_begin(struct wt_waiter *waiter);
/* Ends it. `failed`: it got an error. */
void wt_waiter_end(struct wt_waiter *waiter, bool failed);

/*
 * Ends the wait, lets other syncs go on and lets signals through, as far as that is not done yet.
 */
void wt_waiter_leave(struct wt_waiter *waiter, bool failed);

#endif
