/* SPDX-License-Identifier: MIT */
/*
 * filesystem - what is known of a mounted file system: what it is, what its
 * kind can do, what its mount makes of a sync, and which mechanisms it has refused so far.
 *
 * A fixed table filled without a lock; entries are never changed but for the
 * set of refusals and never freed. A file system is told apart by device
 * number, type and fsid together: device numbers of tmpfs, overlayfs, FUSE and
 * btrfs are given out again after an unmount.
 */
#ifndef WT_FILESYSTEM_H
#define WT_FILESYSTEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "state/fs_kind.h"
#include "state/mount.h"

/* What one of them has refused: remembered, not tried again (rule 6 of the design). */
#define WT_REFUSED_RANGE_SYNC 0x1 /* sync_file_range */
#define WT_REFUSED_RWF_DSYNC 0x2  /* pwritev2 with RWF_DSYNC */

#define WT_FS_DIRECTORY_BYTES 200 /* for most; a longer path is looked up each time */

struct wt_filesystem {
	_Atomic int state; /* 0 free, 1 being filled, 2 ready */
	dev_t dev;
	uint64_t fsid;
	const struct wt_fs_kind *kind;
	struct wt_mount mount;
	/* 1: each time that it was seen it was read-only, 0: not, -errno: that is not known. */
	_Atomic int read_only;
	_Atomic unsigned int refused;
	_Atomic int directory_state; /* as above; of the directory that is asked (journal.h) */
	char directory[WT_FS_DIRECTORY_BYTES];
};

/* Why a level cannot be kept there, or WT_WHY_NONE. */
static inline enum wt_reason wt_filesystem_lacks(const struct wt_filesystem *fs,
						 enum wt_level level)
{
	if (fs->kind->flags & WT_FS_NO_DISK)
		return WT_WHY_NO_DISK;
	return level > fs->mount.keeps ? fs->mount.why : WT_WHY_NONE;
}

/* Whether nothing of a level is to be had where that is lacking: not even on the way to a disk. */
static inline bool wt_filesystem_is_hopeless(enum wt_reason lacks)
{
	return lacks == WT_WHY_NO_DISK || lacks == WT_WHY_VOLATILE;
}

/* The index of the file system that holds the open file, or -errno. */
int wt_filesystem_of(int fd, dev_t dev);

/* Whether a file of the file system that holds the open file has come under a rule so far. */
bool wt_filesystem_is_known(int fd);

/* Never NULL. */
struct wt_filesystem *wt_filesystem_at(unsigned int index);

static inline bool wt_filesystem_refused(struct wt_filesystem *fs, unsigned int mechanism)
{
	return atomic_load_explicit(&fs->refused, memory_order_relaxed) & mechanism;
}

static inline void wt_filesystem_refuse(struct wt_filesystem *fs, unsigned int mechanism)
{
	atomic_fetch_or_explicit(&fs->refused, mechanism, memory_order_relaxed);
}

#endif
