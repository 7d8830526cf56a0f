/* SPDX-License-Identifier: MIT */
/*
 * mount - what a mounted file system makes of a sync: how it is mounted, and what is below it.
 *
 * fsync(2) can succeed and keep nothing: overlayfs mounted volatile ignores it, `nobarrier` leaves
 * the bytes in the disk's own cache, a disk can be memory, and a server answers for itself. None of
 * that shows in a call; it is read once for each file system, out of mountinfo and sysfs, when
 * filesystem.c makes its entry. A later remount is not seen.
 *
 * Owns nothing, takes no lock, and opens a descriptor for a moment.
 */
#ifndef WT_MOUNT_H
#define WT_MOUNT_H

#include <sys/types.h>

#include "base/policy.h"
#include "base/reason.h"

struct wt_mount {
	/* What is to be told of it. WT_WHY_NONE: a sync is known to be one. */
	enum wt_reason why;

	/*
	 * The highest level that can be kept in spite of that: WT_LEVEL_SYNC where all can, as far
	 * as is known, WT_LEVEL_OFF where none.
	 */
	enum wt_level keeps;
};

/*
 * Looks at the mount of an open file. `dev` is its st_dev, `fs_flags` what its kind is (WT_FS_
 * in filesystem.h).
 */
struct wt_mount wt_mount_look(int fd, dev_t dev, unsigned int fs_flags);

/*
 * Whether the file system of an open file is read-only as a whole, at this moment: 1, or 0 where at
 * most this mount of it is; -errno where mountinfo does not say.
 */
int wt_mount_all_read_only(int fd, dev_t dev);

#endif
