/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "base/base.h"
#include "os/sys.h"

#define KNOWN 63

static struct wt_filesystem table[KNOWN];

/* The entry, with index KNOWN, of file systems that cannot be asked or found no place. */
static const struct wt_fs_kind unknown = {
	0, WT_FS_ONE_SYNC | WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION, "unknown"
};
static struct wt_filesystem others = { .state = 2,
				       .kind = &unknown,
				       .mount = { WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC },
				       .read_only = -ENOENT };

struct wt_filesystem *wt_filesystem_at(unsigned int index)
{
	return index < KNOWN ? &table[index] : &others;
}

/* A file system without a disk counts as writable: nothing depends on it. */
static bool is_read_only(const struct statfs *fs, const struct wt_fs_kind *kind)
{
	return fs->f_flags & ST_RDONLY && !(kind->flags & WT_FS_NO_DISK);
}

/* What identifies a file system besides its device number. */
struct identity {
	const struct wt_fs_kind *kind;
	uint64_t fsid;
};

/* 0 or the -errno of fstatfs(2); then the kind is `unknown`. */
static int identify(int fd, struct statfs *fs, struct identity *is)
{
	int err = wt_sys.fstatfs(fd, fs);

	_Static_assert(sizeof(fs->f_fsid) == sizeof(is->fsid), "fsid is 64 bits");
	memcpy(&is->fsid, &fs->f_fsid, sizeof(is->fsid));
	is->kind = err ? &unknown : wt_fs_kind_of(fs->f_type);
	return err;
}

static bool is_at(const struct wt_filesystem *at, const struct identity *is)
{
	return atomic_load_explicit(&at->state, memory_order_acquire) == 2 &&
	       at->fsid == is->fsid && at->kind == is->kind;
}

/*
 * Whether the mount could not be looked at only because the process has no descriptor left. That
 * may be different in a moment, so the result must not be remembered.
 */
static bool is_unseen_for_now(const struct wt_mount *mount)
{
	if (likely(!mount->why || mount->keeps != WT_LEVEL_SYNC))
		return false;
	int fd = wt_sys.open("/", O_PATH | O_CLOEXEC, 0);
	if (fd >= 0)
		wt_sys.close(fd);
	return fd == -EMFILE || fd == -ENFILE;
}

int wt_filesystem_of(int fd, dev_t dev)
{
	struct statfs fs;
	struct identity is;
	int err = identify(fd, &fs, &is);

	/* A file system that cannot be asked gets the entry with the strongest engine. */
	if (err)
		return err == -EBADF ? err : KNOWN;
	for (size_t i = 0; i < KNOWN; i++) {
		struct wt_filesystem *at = &table[i];

		if (is_at(at, &is) && at->dev == dev) {
			if (unlikely(atomic_load(&at->read_only)) && !is_read_only(&fs, is.kind))
				atomic_store(&at->read_only, 0);
			return i;
		}
		int unused = 0;
		if (atomic_load(&at->state) ||
		    !atomic_compare_exchange_strong(&at->state, &unused, 1))
			continue;
		at->dev = dev;
		at->fsid = is.fsid;
		at->kind = is.kind;
		at->mount = wt_mount_look(fd, dev, is.kind->flags);
		at->read_only = is_read_only(&fs, is.kind) ? wt_mount_all_read_only(fd, dev) : 0;
		bool is_known = !is_unseen_for_now(&at->mount);
		atomic_store_explicit(&at->state, is_known ? 2 : 0, memory_order_release);
		return is_known ? i : KNOWN;
	}
	return KNOWN;
}

bool wt_filesystem_is_known(int fd)
{
	struct statfs fs;
	struct identity is;

	if (identify(fd, &fs, &is))
		return false;
	for (size_t i = 0; i < KNOWN; i++)
		if (is_at(&table[i], &is))
			return true;
	return false;
}
