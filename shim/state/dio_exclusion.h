/* SPDX-License-Identifier: MIT */
/*
 * dio_exclusion - direct (O_DIRECT) and cached writes of one file exclude each other in a process.
 *
 * If a page is dirtied in the cache while an O_DIRECT write of its range is under way, the kernel
 * records -EIO for the whole file (dio_warn_stale_pagecache, mm/filemap.c), and the next RWF_DSYNC
 * or fsync returns an error though nothing was lost. With large folios a write to a page beside it
 * is enough. So a direct write gives way to cached writes, and a cached write waits for the direct
 * ones under way.
 *
 * Only this process's writes to files under the direct engine take part; a forked child starts with
 * none (inode.h). Other processes and mappings are not excluded. A cached write in a signal handler
 * that interrupted the thread's own direct write does not wait. The counts are one atomic word of
 * the inode's entry; no lock.
 */
#ifndef WT_DIO_EXCLUSION_H
#define WT_DIO_EXCLUSION_H

#include <stdbool.h>
#include <stdint.h>

#include "state/inode.h"

/*
 * Begins a direct write. False if cached writes are under way: then it has to go through the cache
 * too. With NULL, for want of memory, nothing is excluded, here and below.
 */
bool wt_dio_exclusion_take_direct(struct wt_inode_here *inode);
void wt_dio_exclusion_leave_direct(struct wt_inode_here *inode);

/* Whether direct writes of the file with this wt_inode_hash are under way. */
bool wt_dio_exclusion_any_direct(uint64_t file);

/*
 * Begins a cached write. `wait`: waits for the direct writes under way, a second at most, as their
 * device may hang.
 */
void wt_dio_exclusion_take_cached(struct wt_inode_here *inode, bool wait);
void wt_dio_exclusion_leave_cached(struct wt_inode_here *inode);

#endif
