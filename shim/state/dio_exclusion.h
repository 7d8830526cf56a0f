/* SPDX-License-Identifier: MIT */
/*
 * dio_exclusion - direct and cached writes of one file exclude each other within a process.
 *
 * A page that is dirtied through the cache while an O_DIRECT write of its range
 * is under way makes the kernel record -EIO for the whole file
 * (dio_warn_stale_pagecache, mm/filemap.c), and the next RWF_DSYNC or fsync is
 * told of an error that never was. Where folios are large, a neighbour's page is
 * enough. So a direct write steps aside for cached ones, and a cached write
 * waits for the direct ones that are under way.
 *
 * Only writes of this process to files under the direct engine take part; a
 * forked child starts with none (inode.h). A cached write that finds
 * the thread's own direct write under way, in a signal handler, does not wait.
 */
#ifndef WT_DIO_EXCLUSION_H
#define WT_DIO_EXCLUSION_H

#include <stdbool.h>
#include <stdint.h>

#include "state/inode.h"

/* Of a NULL, as there is no memory for, nobody waits. False where cached writes are under way: then
 * the write has to go through the cache too. */
bool wt_dio_exclusion_take_direct(struct wt_inode_here *inode);
void wt_dio_exclusion_leave_direct(struct wt_inode_here *inode);

/* Whether direct writes are under way of the file with this wt_inode_hash. */
bool wt_dio_exclusion_any_direct(uint64_t file);

/* Waits for direct writes under way, a second at most: a device that hangs is not ours to judge. */
void wt_dio_exclusion_take_cached(struct wt_inode_here *inode, bool wait);
void wt_dio_exclusion_leave_cached(struct wt_inode_here *inode);

#endif
