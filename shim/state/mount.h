/* SPDX-License-Identifier: MIT */
/*
 * mount - what a mounted file system makes of a sync: how it is mounted, and what is below it.
 *
 * fsync(2) can succeed and keep nothing. An overlayfs mounted volatile ignores it, `nobarrier`
 * leaves the bytes in the disk's own cache, a disk can be memory, and a server answers for itself.
 * No system call shows that. It is read from mountinfo and sysfs, once for each file system, when
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
	/* What there is to report of it. WT_WHY_NONE: nothing, a sync is known to be one. */
	enum wt_reason why;

	/*
	 * The highest level that is kept in spite of that: WT_LEVEL_SYNC if all are, as far as is
	 * known, WT_LEVEL_OFF if none is.
	 */
	enum wt_level keeps;
};

/*
 * Looks at the mount of an open file. `dev` is the file's st_dev, `fs_flags` are the flags of its
 * kind of file system (WT_FS_, fs_kind.h).
 */
struct wt_mount wt_mount_look(int fd, dev_t dev, unsigned int fs_flags);

/*
 * Whether the file system of an open file is read-only as a whole at this moment: 1; 0 if at most
 * this mount of it is; -errno if mountinfo does not say.
 */
int wt_mount_all_read_only(int fd, dev_t dev);

#endif
