/* SPDX-License-Identifier: MIT */
/* unseen - descriptors of the process that no symbol showed. No lock, no allocation. */
#ifndef WT_UNSEEN_H
#define WT_UNSEEN_H

#include <stdbool.h>

/*
 * Whether a descriptor of the thread is an io_uring (/proc/thread-self/fd); false if /proc is not
 * mounted. A ring whose descriptor was closed, as libwt's own, is not found. Takes some
 * microseconds a descriptor.
 */
bool wt_unseen_ring(void);
/* The same for the low numbers, where most programs have theirs: 0.2 us a descriptor. */
bool wt_unseen_ring_low(void);

#endif
