/* SPDX-License-Identifier: MIT */
/* Whether a file system died: what each answer means, and who is asked. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/journal.h"

#define XFS_MAGIC 0x58465342
#define DEVICE makedev(8, 1)
#define FD 5

/* What the system calls answer, and how often each was made. */
static struct {
	int own, directory, stat;
	int flags;			  /* of fcntl(2), F_GETFL */
	const char *mountinfo;		  /* NULL: there is none */
	long file_flags, directory_flags; /* of statfs(2), f_flags */
	dev_t directory_device;
} says;

static struct {
	int own, directory, stat, lookups;
} asked;

static int fake_fremovexattr(int fd, const char *name)
{
	(void)name;
	cr_assert_eq(fd, FD);
	asked.own++;
	return says.own;
}

static int fake_removexattr(const char *path, const char *name)
{
	(void)name;
	cr_assert_str_eq(path, "/data/base");
	asked.directory++;
	return says.directory;
}

static int fake_statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	(void)flags, (void)mask;
	*stx = (struct statx){ .stx_dev_major = major(says.directory_device),
			       .stx_dev_minor = minor(says.directory_device) };
	if (*path)
		return 0;
	cr_assert_eq(fd, FD);
	asked.stat++;
	return says.stat;
}

static int fake_fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	*fs = (struct statfs){ .f_flags = says.file_flags };
	return 0;
}

static int fake_statfs(const char *path, struct statfs *fs)
{
	(void)path;
	*fs = (struct statfs){ .f_flags = says.directory_flags };
	return 0;
}

static ssize_t fake_readlink(const char *path, char *buf, size_t size)
{
	static const char name[] = "/data/base/file";

	(void)path, (void)size;
	asked.lookups++;
	memcpy(buf, name, sizeof(name) - 1);
	return sizeof(name) - 1;
}

static int fake_getfl(int fd)
{
	(void)fd;
	return says.flags;
}

static const char *rest; /* of mountinfo, to be read */

static int fake_open(const char *path, int flags, mode_t mode)
{
	(void)flags, (void)mode;
	cr_assert_str_eq(path, "/proc/thread-self/mountinfo");
	rest = says.mountinfo;
	return rest ? FD + 1 : -ENOENT;
}

static ssize_t fake_read(int fd, void *buf, size_t size)
{
	size_t len = strlen(rest);

	(void)fd;
	cr_assert_lt(len, size);
	memcpy(buf, rest, len);
	rest += len;
	return len;
}

static int fake_close(int fd)
{
	(void)fd;
	return 0;
}

static struct wt_filesystem fs;

static void setup(void)
{
	wt_sys.fremovexattr = fake_fremovexattr;
	wt_sys.removexattr = fake_removexattr;
	wt_sys.statx = fake_statx;
	wt_sys.fstatfs = fake_fstatfs;
	wt_sys.statfs = fake_statfs;
	wt_sys.readlink = fake_readlink;
	wt_sys.getfl = fake_getfl;
	wt_sys.open = fake_open;
	wt_sys.read = fake_read;
	wt_sys.close = fake_close;
	says.flags = O_RDWR;
	fs = (struct wt_filesystem){ .dev = DEVICE, .kind = wt_fs_kind_of(EXT4_SUPER_MAGIC) };
	says.own = says.directory = -ENODATA;
	says.directory_device = DEVICE;
}

TestSuite(journal, .init = setup);

Test(journal, only_eio_and_erofs_mean_death)
{
	static const struct {
		int answer;
		enum wt_journal_state state;
	} rows[] = {
		{ -ENODATA, WT_JOURNAL_LIVES },	      { -EIO, WT_JOURNAL_DIED },
		{ -EROFS, WT_JOURNAL_DIED },	      { -EPERM, WT_JOURNAL_SILENT },
		{ -EACCES, WT_JOURNAL_SILENT },	      { -EOPNOTSUPP, WT_JOURNAL_SILENT },
		{ -ENOSYS, WT_JOURNAL_SILENT },	      { -EBADF, WT_JOURNAL_SILENT },
		{ -ENAMETOOLONG, WT_JOURNAL_SILENT },
	};

	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		says.own = says.directory = rows[i].answer;
		cr_expect_eq(wt_journal_ask(&fs, FD, false), rows[i].state, "%d", rows[i].answer);
		cr_expect_eq(wt_journal_ask(&fs, FD, true), rows[i].state, "%d", rows[i].answer);
	}
}

Test(journal, the_inode_that_is_written_directly_is_not_asked)
{
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_LIVES);
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_LIVES);
	cr_assert_eq(asked.own, 0);
	cr_assert_eq(asked.directory, 2);
	cr_assert_eq(asked.lookups, 1, "the directory is remembered");
}

Test(journal, where_the_file_is_not_to_be_asked_its_directory_is)
{
	says.own = -EPERM;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_LIVES);
	says.directory = -EIO;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_DIED);
}

Test(journal, a_directory_of_another_file_system_is_not_asked)
{
	says.directory_device = makedev(8, 2);
	says.directory = -EIO;
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_LIVES, "the file itself answers");
	cr_assert_eq(asked.directory, 0);
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_LIVES);
	says.directory_device = DEVICE;
	says.directory = -ENODATA;
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_LIVES);
	says.directory_device = makedev(8, 2);
	says.own = -EIO;
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_DIED,
		     "something else was mounted over the one that is remembered");
}

Test(journal, a_mount_that_is_read_only_says_nothing_of_the_file_system)
{
	says.own = -EPERM;
	says.directory = -EROFS;
	says.directory_flags = ST_RDONLY;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_SILENT);
	says.file_flags = ST_RDONLY;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_DIED);
}

/* A directory, as a rule: `since` is what was seen of the file system first. */
Test(journal, what_cannot_write_may_be_read_only_and_alive)
{
	static const char alone[] = "30 1 8:1 / /data ro,relatime - ext4 /dev/a rw,ro=1\n";
	static const char all[] = "30 1 8:1 / /data rw,relatime - ext4 /dev/a ro,rw=1\n";
	static const struct {
		const char *mountinfo;
		int since, flags;
		long file_flags;
		enum wt_journal_state state;
	} rows[] = {
		{ all, 1, O_RDONLY, ST_RDONLY, WT_JOURNAL_LIVES },
		{ all, 1, O_PATH, ST_RDONLY, WT_JOURNAL_LIVES },
		{ all, -ENOENT, O_RDONLY, ST_RDONLY, WT_JOURNAL_SILENT },
		{ alone, 0, O_RDONLY, ST_RDONLY, WT_JOURNAL_SILENT },
		{ all, 0, O_RDONLY, ST_RDONLY, WT_JOURNAL_DIED },
		{ NULL, 0, O_RDONLY, ST_RDONLY, WT_JOURNAL_DIED },
		/* EROFS is not the mount's. */
		{ alone, 1, O_RDONLY, 0, WT_JOURNAL_DIED },
		/* It was opened when it could be written. */
		{ all, 1, O_WRONLY, ST_RDONLY, WT_JOURNAL_DIED },
	};

	says.own = says.directory = -EROFS;
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		says.mountinfo = rows[i].mountinfo;
		says.flags = rows[i].flags;
		says.file_flags = says.directory_flags = rows[i].file_flags;
		fs.read_only = rows[i].since;
		cr_expect_eq(wt_journal_ask(&fs, FD, false), rows[i].state, "row %zu", i);
	}
}

Test(journal, xfs_is_asked_by_stat_where_nothing_else_answers)
{
	fs.kind = wt_fs_kind_of(XFS_MAGIC);
	says.own = says.directory = -EACCES;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_LIVES);
	says.stat = -EIO;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_DIED);
	says.stat = -ENOSYS;
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_SILENT);
}

Test(journal, btrfs_is_read_only_once_it_died)
{
	fs.kind = wt_fs_kind_of(BTRFS_SUPER_MAGIC);
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_LIVES);
	says.file_flags = ST_RDONLY;
	cr_assert_eq(wt_journal_ask(&fs, FD, true), WT_JOURNAL_DIED);
	cr_assert_eq(asked.own + asked.directory, 0);
}

Test(journal, what_keeps_none_is_not_asked)
{
	fs.kind = wt_fs_kind_of(NFS_SUPER_MAGIC);
	cr_assert_eq(wt_journal_ask(&fs, FD, false), WT_JOURNAL_LIVES);
	cr_assert_eq(asked.own + asked.directory + asked.stat, 0);
}
