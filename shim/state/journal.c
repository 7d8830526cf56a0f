/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "base/reason.h"
#include "os/fd_path.h"
#include "os/sys.h"
#include "report/stats.h"

/* No file has this attribute. To remove it begins a transaction, which then finds nothing to do. */
#define ABSENT_ATTRIBUTE "user.libwt.none"

/*
 * `alive` is what a living file system answers. Every other error but EIO is about the question: no
 * permission, not supported, refused by a sandbox.
 */
static enum wt_journal_state state_of(int err, int alive)
{
	if (err == -EIO)
		return WT_JOURNAL_DIED;
	return err == alive ? WT_JOURNAL_LIVES : WT_JOURNAL_SILENT;
}

static bool is_read_only(int err, const struct statfs *fs)
{
	return !err && fs->f_flags & ST_RDONLY;
}

static bool can_write(int fd)
{
	int fl = wt_sys.getfl(fd);

	return fl >= 0 && (fl & O_ACCMODE) != O_RDONLY && !(fl & O_PATH);
}

/*
 * For a file whose mount is read-only. A descriptor that can write was opened before that, so the
 * file system failed. One that only reads may be on a file system that was never writable, or the
 * mount alone may be read-only (a bind mount, a container): such a mount returns EROFS to every
 * request, which says nothing of the file system.
 */
static enum wt_journal_state state_of_read_only(const struct wt_filesystem *fs, int fd)
{
	int all = atomic_load(&fs->read_only);

	if (can_write(fd))
		return WT_JOURNAL_DIED;
	if (all)
		return all < 0 ? WT_JOURNAL_SILENT : WT_JOURNAL_LIVES;
	return wt_mount_all_read_only(fd, fs->dev) ? WT_JOURNAL_DIED : WT_JOURNAL_SILENT;
}

/* EROFS comes from the mount, or from a file system that failed. */
static enum wt_journal_state state_of_erofs(const struct wt_filesystem *fs, int fd)
{
	struct statfs file;

	return is_read_only(wt_sys.fstatfs(fd, &file), &file) ? state_of_read_only(fs, fd)
							      : WT_JOURNAL_DIED;
}

/*
 * By a transaction: none can be begun once the journal or log has failed (ext4_journal_check_start,
 * fs/ext4/ext4_jbd2.c; xfs_log_reserve, fs/xfs/xfs_log.c). This takes the inode's lock.
 */
static enum wt_journal_state ask_by_attribute(const struct wt_filesystem *fs, int fd)
{
	int err = wt_sys.fremovexattr(fd, ABSENT_ATTRIBUTE);

	return err == -EROFS ? state_of_erofs(fs, fd) : state_of(err, -ENODATA);
}

/*
 * By statx(2), which needs no permission. XFS marks its log as dead first, and then the mount,
 * which is what this sees (xlog_force_shutdown, fs/xfs/xfs_log.c). Between the two a sync may
 * already return a false success, so this is only the second best way.
 */
static enum wt_journal_state ask_by_stat(int fd)
{
	struct statx stx;

	return state_of(wt_sys.statx(fd, "", AT_EMPTY_PATH, STATX_INO, &stx), 0);
}

/* EROFS from the directory, whose mount may be read-only though the file's is not. */
static enum wt_journal_state state_of_directory_erofs(const struct wt_filesystem *fs, int fd,
						      const char *directory)
{
	struct statfs file, dir;

	if (!is_read_only(wt_sys.statfs(directory, &dir), &dir))
		return WT_JOURNAL_DIED;
	return is_read_only(wt_sys.fstatfs(fd, &file), &file) ? state_of_read_only(fs, fd)
							      : WT_JOURNAL_SILENT;
}

/* By a transaction on a directory of the file system, which spares the file its inode's lock. */
static enum wt_journal_state ask_directory(const struct wt_filesystem *fs, int fd, const char *path)
{
	struct statx stx;

	/* The file may be mounted alone, or another file system over its directory. */
	if (wt_sys.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &stx) ||
	    makedev(stx.stx_dev_major, stx.stx_dev_minor) != fs->dev)
		return WT_JOURNAL_SILENT;
	int err = wt_sys.removexattr(path, ABSENT_ATTRIBUTE);
	return err == -EROFS ? state_of_directory_erofs(fs, fd, path) : state_of(err, -ENODATA);
}

/* Keeps a directory that answered, for the whole file system: to find one costs most. */
static void remember(struct wt_filesystem *fs, const char *path)
{
	int unused = 0;

	if (strlen(path) >= sizeof(fs->directory) ||
	    !atomic_compare_exchange_strong(&fs->directory_state, &unused, 1))
		return;
	strcpy(fs->directory, path);
	atomic_store_explicit(&fs->directory_state, 2, memory_order_release);
}

/* Asks the directory that has answered before, or else that of the file. */
static enum wt_journal_state ask_by_directory(struct wt_filesystem *fs, int fd)
{
	enum wt_journal_state state = WT_JOURNAL_SILENT;
	char path[512];

	if (likely(atomic_load_explicit(&fs->directory_state, memory_order_acquire) == 2))
		state = ask_directory(fs, fd, fs->directory);
	if (state != WT_JOURNAL_SILENT)
		return state;
	int len = wt_fd_path(fd, path, sizeof(path));
	char *slash = len < 0 ? NULL : strrchr(path, '/');
	if (!slash)
		return WT_JOURNAL_SILENT;
	slash[slash == path] = '\0';
	state = ask_directory(fs, fd, path);
	if (state == WT_JOURNAL_LIVES)
		remember(fs, path);
	return state;
}

static enum wt_journal_state ask_by_transaction(struct wt_filesystem *fs, int fd, bool is_direct)
{
	enum wt_journal_state state =
		is_direct ? ask_by_directory(fs, fd) : ask_by_attribute(fs, fd);

	if (unlikely(state == WT_JOURNAL_SILENT))
		state = is_direct ? ask_by_attribute(fs, fd) : ask_by_directory(fs, fd);
	return state;
}

/*
 * By the mount: btrfs, and ext4 with errors=remount-ro, are read-only after an aborted transaction.
 */
static enum wt_journal_state ask_by_mount(const struct wt_filesystem *fs, int fd,
					  enum wt_journal_state otherwise)
{
	struct statfs file;
	int err = wt_sys.fstatfs(fd, &file);

	if (is_read_only(err, &file))
		return state_of_read_only(fs, fd);
	return err ? WT_JOURNAL_SILENT : otherwise;
}

enum wt_journal_state wt_journal_ask(struct wt_filesystem *fs, int fd, bool is_direct)
{
	const unsigned int by = fs->kind->flags & WT_FS_JOURNAL;
	enum wt_journal_state state = WT_JOURNAL_LIVES;

	if (by & WT_FS_JOURNAL_TRANSACTION)
		state = ask_by_transaction(fs, fd, is_direct);
	else if (by & WT_FS_JOURNAL_MOUNT)
		state = ask_by_mount(fs, fd, WT_JOURNAL_LIVES);
	if (likely(state != WT_JOURNAL_SILENT))
		return state;
	if (by & WT_FS_JOURNAL_STAT)
		state = ask_by_stat(fd);
	return state == WT_JOURNAL_SILENT ? ask_by_mount(fs, fd, WT_JOURNAL_SILENT) : state;
}

bool wt_journal_has_died(struct wt_filesystem *fs, int fd, bool is_direct)
{
	enum wt_journal_state state = wt_journal_ask(fs, fd, is_direct);

	if (unlikely(state == WT_JOURNAL_SILENT))
		wt_stats_event(WT_EVENT_NOT_COVERED, fd, NULL, NULL,
			       wt_reason_text(WT_WHY_JOURNAL_SILENT));
	return state == WT_JOURNAL_DIED;
}

int wt_journal_confirm(int fd)
{
	struct stat st;
	int err = wt_sys.identify(fd, &st);

	/* A dead XFS answers EIO even to this question. */
	if (err)
		return err == -EIO ? err : 0;
	int fs = wt_filesystem_of(fd, st.st_dev);
	return fs >= 0 && wt_journal_has_died(wt_filesystem_at(fs), fd, false) ? -EIO : 0;
}

int wt_journal_confirm_names(int fd)
{
	struct stat st;

	if (!wt_filesystem_is_known(fd))
		return 0;
	return !wt_sys.identify(fd, &st) && !S_ISDIR(st.st_mode) ? 0 : wt_journal_confirm(fd);
}
