/* SPDX-License-Identifier: MIT */
/*
 * dio_exclusion - direct and cached writes of one file take turns within a process.
 *
 * A page that is dirtied through the cache while an O_DIRECT write of its range
 * is under way makes the kernel record -EIO for the whole file
 * (dio_warn_stale_pagecache, mm/filemap.c), and the next RWF_DSYNC or fsync is
 * told of an error that never was. Where folios are large, a neighbour's page is
 * enough. So a direct write steps aside for cached ones, and a cached write
 * waits for the direct ones that are under way.
 *
 * Only writes of this process to files under the direct engine take part; a
 * forked child starts with none (MADV_WIPEONFORK). Files share a fixed table by
 * hash, which can only make them wait for one another. A cached write that finds
 * the thread's own direct write under way, in a signal handler, does not wait.
 */
#ifndef WT_DIO_EXCLUSION_H
#define WT_DIO_EXCLUSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct wt_dio_exclusion; /* of one file, or of several with one hash */

/* The table is mapped with its first use. NULL where there is no memory: then nobody waits. */
struct wt_dio_exclusion *wt_dio_exclusion_of(dev_t dev, ino_t ino);

/* False where cached writes are under way: then the write has to go through the cache too. */
bool wt_dio_exclusion_take_direct(struct wt_dio_exclusion *exclusion);
void wt_dio_exclusion_leave_direct(struct wt_dio_exclusion *exclusion);

/* Whether direct writes are under way of the file with this wt_inode_hash. */
bool wt_dio_exclusion_any_direct(uint64_t file);

/* Waits for direct writes under way, a second at most: a device that hangs is not ours to judge. */
void wt_dio_exclusion_take_cached(struct wt_dio_exclusion *exclusion, bool wait);
void wt_dio_exclusion_leave_cached(void *exclusion);

#endif
