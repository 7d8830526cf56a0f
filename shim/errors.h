/* SPDX-License-Identifier: MIT */
/*
 * errors - writeback errors that libwt has taken out of the kernel's record.
 *
 * The kernel tells a writeback error once to each open file description
 * (Documentation/core-api/errseq.rst). Waiting in sync_file_range or RWF_DSYNC
 * takes it, and the program's own fsync on that description would be told
 * success. What a write returned as an error is therefore kept for the inode
 * until an fsync or fdatasync through libwt has returned it too.
 *
 * A small fixed table without a lock; a program without errors pays one load.
 * When it is full the newest error takes the place of another inode's of the
 * same slot, and that inode's is lost, which is logged.
 */
#ifndef WT_ERRORS_H
#define WT_ERRORS_H

#include <stdatomic.h>
#include <stdbool.h>

extern _Atomic unsigned int wt_errors_kept;

static inline bool wt_errors_any(void)
{
	return atomic_load_explicit(&wt_errors_kept, memory_order_relaxed);
}

/* Keeps err (-EIO, -ENOSPC, ...) for the file behind fd. */
void wt_errors_keep(int fd, int err);

/* Takes what is kept for the file behind fd: -errno, or 0. */
int wt_errors_take(int fd);

#endif
