/* SPDX-License-Identifier: MIT */
/* unseen - what the process has that no symbol told of. No lock, no allocation. */
#ifndef WT_UNSEEN_H
#define WT_UNSEEN_H

#include <stdbool.h>

/*
 * Whether a descriptor of the process is an io_uring (/proc/self/fd); false where /proc is not
 * mounted. One whose descriptor was closed, as libwt's own are, is not found. A few microseconds
 * a descriptor.
 */
bool wt_unseen_ring(void);

#endif
