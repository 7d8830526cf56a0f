/* SPDX-License-Identifier: MIT */
/* setup - makes the io_uring of a thread's ring (ring.h), which has a descriptor meanwhile. */
#ifndef WT_RING_SETUP_H
#define WT_RING_SETUP_H

struct io_uring;

/* With WT_MIRRORS empty places for files, registered with the thread, its descriptor closed. */
int wt_ring_setup(struct io_uring *uring);

#endif
