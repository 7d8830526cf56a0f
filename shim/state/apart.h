/* SPDX-License-Identifier: MIT */
/*
 * apart - whether a descriptor number means the same to all threads and children in this memory.
 *
 * One atomic word, set by fdtable.c and vfork_child.c, read before each look-up of a descriptor. No
 * lock.
 */
#ifndef WT_APART_H
#define WT_APART_H

#include <stdatomic.h>

/* Why a number may not mean the same to all of them. The word is 0 where it does. */
enum wt_apart {
	/* A thread has descriptors of its own (unshare(2), CLONE_FILES): no number is known. */
	WT_APART_SPLIT = 1,
	/* More vfork children changed descriptors at once than there are places for them. */
	WT_APART_CROWD = 2,
	/* A thread is in seccomp's strict mode: it may make no system call but its write. */
	WT_APART_STRICT = 4,
	/* Added once for each vfork child that has a place (vfork_child.h). */
	WT_APART_VFORK_CHILD = 8
};

extern _Atomic int wt_apart;

#endif
