/* SPDX-License-Identifier: MIT */
/*
 * setup - makes the io_uring of a thread's ring (ring.h). It has a descriptor for some
 * microseconds. The caller owns the result and sees to it that no signal handler runs.
 */
#ifndef WT_RING_SETUP_H
#define WT_RING_SETUP_H

struct io_uring;

/*
 * Makes a ring with WT_MIRRORS empty places for files, registers it with the thread and closes its
 * descriptor. 0 or -errno.
 */
int wt_ring_setup(struct io_uring *uring);

#endif
