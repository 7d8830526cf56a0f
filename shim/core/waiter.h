/* SPDX-License-Identifier: MIT */
/*
 * waiter - one wait for bytes, among those who wait on the same open file description.
 *
 * A write and the program's own fsync enter this scope before the kernel is asked, and leave it
 * when it has answered. Meanwhile signals are held off, as they are in a write(2) to a file: a
 * handler could jump out and leave the wait behind. Where only one sync of a file at a time tells
 * the truth (WT_FS_ONE_SYNC: btrfs returns from an fsync whose changes another one has in its log,
 * before that is on the disk), the others of the file wait for this one. And the wait is registered
 * with its description (description.h), so that each waiter knows whether another may have been
 * told its error.
 *
 * It lies on the stack of the call, zeroed but for the description and the file. Leaving releases
 * whatever is still held, once; so it may also be called for a thread that is cancelled.
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

void wt_waiter_hold_signals(struct wt_waiter *waiter);

/* Holds signals, and waits for other syncs of the file where the file system needs that. */
void wt_waiter_exclude(struct wt_waiter *waiter, const struct wt_filesystem *fs);
void wt_waiter_include(struct wt_waiter *waiter);

/* Registers the wait, before the bytes are copied; ends it, with whether it was told an error. */
void wt_waiter_begin(struct wt_waiter *waiter);
void wt_waiter_end(struct wt_waiter *waiter, bool failed);

/* Ends what is not ended yet, and lets signals through. */
void wt_waiter_leave(struct wt_waiter *waiter, bool failed);

#endif
