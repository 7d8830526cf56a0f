/* SPDX-License-Identifier: MIT */
/*
 * inode - the one table of what libwt knows of a file, by wt_inode_hash of its device and number.
 *
 * What concerns the file itself lies in memory that is shared with every process forked from here
 * on. What concerns this process's own openings of it is wiped in a forked child, which has none of
 * them. Files share an entry by their hash, so an entry may only ever make its user more careful: a
 * sync is carried out, a success is looked into, a write waits. What is owed after an error must
 * not be mixed up and lies elsewhere (pending_error.h). Words and holds only, no lock.
 */
#ifndef WT_INODE_H
#define WT_INODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/hold.h"

struct wt_inode {
	_Atomic uint32_t errors;   /* suspect.c: under way, and ever begun */
	_Atomic uint32_t latest_s; /* suspect.c: when the latest began */
	_Atomic uint32_t doubts;   /* elide.c: what happened that may not be stable */
	_Atomic uint32_t never;	   /* elide.c: something that cannot be watched */
	_Atomic uint64_t synced;   /* elide.c: the file that was synced, and the doubts it ended */
	struct wt_hold sync;	   /* one sync at a time (WT_FS_ONE_SYNC) */
};

/* Of this process only. */
struct wt_inode_here {
	_Atomic uint64_t dio;	    /* dio_exclusion.c: writes under way, direct and cached */
	_Atomic uint32_t closings;  /* mirror.c: how often its last descriptor was closed */
	_Atomic uint32_t is_opened; /* mirror.c: a ring has opened it */
};

/* Maps the shared part. 0 or -errno; without it all is this process's own. */
int wt_inode_init(void);

/* Whether it is shared with forked processes. */
bool wt_inode_is_shared(void);

struct wt_inode *wt_inode_of(uint64_t file);

/* Mapped with its first use; NULL where there is no memory. */
struct wt_inode_here *wt_inode_here(uint64_t file);

/* The same; NULL where nothing was ever noted of any file. */
struct wt_inode_here *wt_inode_here_known(uint64_t file);

#endif
