/* SPDX-License-Identifier: MIT */
/* unseen - what the process has that no symbol told of. No lock, no allocation. */
#ifndef WT_UNSEEN_H
#define WT_UNSEEN_H

#include <stdbool.h>

/*
 * Whether a descriptor of the thread is an io_uring (/proc/thread-self/fd); false where /proc is
 * not mounted. One whose descriptor was closed, as libwt's own are, is not found. Some microseconds
 * a descriptor; those of the low numbers, where most programs have theirs, 0.2 us each.
 */
bool wt_unseen_ring(void);
bool wt_unseen_ring_low(void);

#endif
