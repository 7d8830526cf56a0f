/* SPDX-License-Identifier: MIT */
/*
 * filesystem - what is known of a mounted file system: its kind, what its mount makes of a sync,
 * and which mechanisms it has refused so far.
 *
 * A fixed table, filled without a lock. Entries are never freed, and never change but for their
 * atomic fields. A file system is identified by device number, type and fsid together, because the
 * device numbers of tmpfs, overlayfs, FUSE and btrfs are given out again after an unmount. A
 * remount is not noticed.
 */
#ifndef WT_FILESYSTEM_H
#define WT_FILESYSTEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "state/fs_kind.h"
#include "state/mount.h"

/* The mechanisms that a file system has refused are remembered and not tried again. */
#define WT_REFUSED_RANGE_SYNC 0x1 /* sync_file_range */
#define WT_REFUSED_RWF_DSYNC 0x2  /* pwritev2 with RWF_DSYNC */

#define WT_FS_DIRECTORY_BYTES 200 /* enough for most; a longer path is looked up each time */

struct wt_filesystem {
	_Atomic int state; /* 0 free, 1 being filled, 2 ready */
	dev_t dev;
	uint64_t fsid;
	const struct wt_fs_kind *kind;
	struct wt_mount mount;
	/* 1: read-only whenever it was looked at. 0: it was writable once. -errno: not known. */
	_Atomic int read_only;
	_Atomic unsigned int refused;
	_Atomic int directory_state; /* as `state`, for the directory that is asked (journal.h) */
	char directory[WT_FS_DIRECTORY_BYTES];
};

/* Why the file system cannot keep `level`; WT_WHY_NONE if it can. */
static inline enum wt_reason wt_filesystem_lacks(const struct wt_filesystem *fs,
						 enum wt_level level)
{
	if (fs->kind->flags & WT_FS_NO_DISK)
		return WT_WHY_NO_DISK;
	return level > fs->mount.keeps ? fs->mount.why : WT_WHY_NONE;
}

/* Whether, for this lack, no byte even gets on its way to a disk, so that no engine is of use. */
static inline bool wt_filesystem_is_hopeless(enum wt_reason lacks)
{
	return lacks == WT_WHY_NO_DISK || lacks == WT_WHY_VOLATILE;
}

/* The index of the file system that holds the open file, whose st_dev is `dev`; or -EBADF. */
int wt_filesystem_of(int fd, dev_t dev);

/* Whether the file system that holds the open file has had a file under a rule so far. */
bool wt_filesystem_is_known(int fd);

/* The entry of an index; never NULL. */
struct wt_filesystem *wt_filesystem_at(unsigned int index);

/* Whether the file system has refused the mechanism (WT_REFUSED_) so far. */
static inline bool wt_filesystem_refused(struct wt_filesystem *fs, unsigned int mechanism)
{
	return atomic_load_explicit(&fs->refused, memory_order_relaxed) & mechanism;
}

/* Remembers such a refusal. */
static inline void wt_filesystem_refuse(struct wt_filesystem *fs, unsigned int mechanism)
{
	atomic_fetch_or_explicit(&fs->refused, mechanism, memory_order_relaxed);
}

#endif
