/* SPDX-License-Identifier: MIT */
/* apart - whether a descriptor number means the same to all that run in this memory. One word. */
#ifndef WT_APART_H
#define WT_APART_H

#include <stdatomic.h>

/* Why a number may not mean the same to all that run in this memory; 0 where it does. */
enum wt_apart {
	/* A thread has descriptors of its own: nothing is known of any number. */
	WT_APART_SPLIT = 1,
	/* There were more vfork children at once than places for them. */
	WT_APART_CROWD = 2,
	/* A thread may make no other system call than its write. */
	WT_APART_STRICT = 4,
	/* Times the vfork children that have a place (vfork_child.h). */
	WT_APART_VFORK_CHILD = 8
};

extern _Atomic int wt_apart;

#endif
