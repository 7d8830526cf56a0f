/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "filesystem.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statfs.h>

#include "base.h"
#include "sys.h"

/*
 * WT_FS_WRITEBACK was measured for each: cachestat(2) shows nothing dirty nor
 * under writeback after it, and the device has counted the sectors. ext4 with
 * data=journal passes as well; btrfs with compression may only queue the pages. WT_FS_FLUSHES
 * is what ext4_sync_file and xfs_file_fsync do; btrfs_sync_file returns early. On overlayfs the
 * dirty pages belong to the inode below and the call does nothing; FUSE may hold them in its
 * server.
 */
static const struct wt_fs_kind kinds[] = {
	{ EXT4_SUPER_MAGIC, WT_FS_WRITEBACK | WT_FS_FLUSHES | WT_FS_JOURNAL_TRANSACTION, "ext4" },
	{ 0x58465342,
	  WT_FS_WRITEBACK | WT_FS_FLUSHES | WT_FS_JOURNAL_TRANSACTION | WT_FS_JOURNAL_STAT, "xfs" },
	{ BTRFS_SUPER_MAGIC,
	  WT_FS_WRITEBACK | WT_FS_DIRECT | WT_FS_QUEUES | WT_FS_ONE_SYNC | WT_FS_EXTENTS |
		  WT_FS_JOURNAL_MOUNT,
	  "btrfs" },
	/* On whatever is below. */
	{ OVERLAYFS_SUPER_MAGIC, WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION,
	  "overlayfs" },
	{ FUSE_SUPER_MAGIC, 0, "fuse" },
	{ NFS_SUPER_MAGIC, 0, "nfs" },
	{ TMPFS_MAGIC, WT_FS_NO_DISK, "tmpfs" },
	{ RAMFS_MAGIC, WT_FS_NO_DISK, "ramfs" },
	{ HUGETLBFS_MAGIC, WT_FS_NO_DISK, "hugetlbfs" },
	{ PROC_SUPER_MAGIC, WT_FS_NO_DISK, "proc" },
	{ SYSFS_MAGIC, WT_FS_NO_DISK, "sysfs" },
	{ CGROUP_SUPER_MAGIC, WT_FS_NO_DISK, "cgroup" },
	{ CGROUP2_SUPER_MAGIC, WT_FS_NO_DISK, "cgroup2" },
	{ DEBUGFS_MAGIC, WT_FS_NO_DISK, "debugfs" },
	{ TRACEFS_MAGIC, WT_FS_NO_DISK, "tracefs" },
	{ SECURITYFS_MAGIC, WT_FS_NO_DISK, "securityfs" },
	{ DEVPTS_SUPER_MAGIC, WT_FS_NO_DISK, "devpts" },
};

static const struct wt_fs_kind other = { 0, 0, "other" };

/* The last entry is shared by all that came after the table was full, or cannot be asked. */
static const struct wt_fs_kind unknown = {
	0, WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION, "unknown"
};
static struct wt_filesystem table[64] = { [63] = { .state = 2, .kind = &unknown } };

const struct wt_fs_kind *wt_filesystem_kind(uint32_t magic)
{
	for (size_t i = 0; i < WT_LENGTH(kinds); i++)
		if (kinds[i].magic == magic)
			return &kinds[i];
	return &other;
}

struct wt_filesystem *wt_filesystem_at(unsigned int index)
{
	return &table[index < WT_LENGTH(table) ? index : WT_LENGTH(table) - 1];
}

int wt_filesystem_of(int fd, dev_t dev)
{
	struct statfs fs;
	uint64_t fsid;
	int err = wt_sys.fstatfs(fd, &fs);

	/* Not known is not without: the one that knows nothing gets the strongest engine. */
	if (err)
		return err == -EBADF ? err : (int)WT_LENGTH(table) - 1;
	_Static_assert(sizeof(fs.f_fsid) == sizeof(fsid), "fsid is 64 bits");
	memcpy(&fsid, &fs.f_fsid, sizeof(fsid));
	const struct wt_fs_kind *kind = wt_filesystem_kind(fs.f_type);

	for (size_t i = 0; i < WT_LENGTH(table) - 1; i++) {
		struct wt_filesystem *at = &table[i];
		int state = atomic_load_explicit(&at->state, memory_order_acquire);

		if (state == 2 && at->dev == dev && at->fsid == fsid && at->kind == kind)
			return i;
		int unused = 0;
		if (state || !atomic_compare_exchange_strong(&at->state, &unused, 1))
			continue;
		at->dev = dev;
		at->fsid = fsid;
		at->kind = kind;
		atomic_store_explicit(&at->state, 2, memory_order_release);
		return i;
	}
	return WT_LENGTH(table) - 1;
}
