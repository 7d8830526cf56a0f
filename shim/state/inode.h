/* SPDX-License-Identifier: MIT */
/*
 * inode - the one table of what libwt knows of a file, by wt_inode_hash of its device and number.
 *
 * What concerns the file itself lies in memory that is shared with every process forked from here
 * on. What concerns this process's own openings of it is wiped in a forked child, which has none of
 * them. Files whose hashes collide share an entry, so an entry may only ever make its user more
 * careful: a sync is carried out, a success is checked, a write waits. Pending errors must not be
 * mixed up and are kept elsewhere (pending_error.h). Words and holds only, no lock; each belongs to
 * the file that its comment names.
 */
#ifndef WT_INODE_H
#define WT_INODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/hold.h"

struct wt_inode {
	_Atomic uint32_t errors;   /* suspect.c: investigations under way, and ever begun */
	_Atomic uint32_t latest_s; /* suspect.c: when the latest began, in seconds */
	_Atomic uint32_t doubts;   /* elide.c: how often unstable changes happened */
	_Atomic uint32_t never;	   /* elide.c: 1 once something happened that cannot be watched */
	_Atomic uint64_t synced;   /* elide.c: the file last synced, and its doubts at that time */
	struct wt_hold sync;	   /* one sync of the file at a time (WT_FS_ONE_SYNC) */
};

/* What concerns this process's own openings. */
struct wt_inode_here {
	_Atomic uint64_t dio;	    /* dio_exclusion.c: writes under way, direct and cached */
	_Atomic uint32_t closings;  /* mirror.c: how often its last descriptor was closed */
	_Atomic uint32_t is_opened; /* mirror.c: a ring has opened it */
};

/* Maps the shared table. 0 or -errno; without it this process has one of its own. */
int wt_inode_init(void);

/* Whether the table is shared with forked processes. */
bool wt_inode_is_shared(void);

/* The shared entry of a file (wt_inode_hash); never NULL. */
struct wt_inode *wt_inode_of(uint64_t file);

/* This process's own entry of a file, mapped with the first use; NULL without memory. */
struct wt_inode_here *wt_inode_here(uint64_t file);

/* The same, but never mapped here; NULL if nothing was noted of any file so far. */
struct wt_inode_here *wt_inode_here_known(uint64_t file);

#endif
