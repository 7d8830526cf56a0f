/* SPDX-License-Identifier: MIT */
/*
 * What a mount makes of a sync, told from lines of mountinfo and words of sysfs that this machine
 * cannot have: the line is found, taken apart, and judged. The files are pipes with those texts.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/filesystem.h"
#include "state/mount.h"

#define MOUNT_ID 77
#define DEVICE makedev(8, 1)

static const char *mountinfo, *queue, *disk_link;
static struct wt_sys real;
static int left_open;

static int file_of(const char *text)
{
	int fd = memfd_create("text", MFD_CLOEXEC);

	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	lseek(fd, 0, SEEK_SET);
	left_open++;
	return fd;
}

static int shown_open(const char *path, int flags, mode_t mode)
{
	if (!strcmp(path, "/proc/thread-self/mountinfo"))
		return mountinfo ? file_of(mountinfo) : -ENOENT;
	/* As for a partition: its queue lies one above. */
	if (!strcmp(path, "/sys/dev/block/8:1/../queue/write_cache") && queue)
		return file_of(queue);
	if (!strncmp(path, "/sys/", 5))
		return -ENOENT;
	int fd = real.open(path, flags, mode);
	left_open += fd >= 0;
	return fd;
}

static int counted_dupfd(int fd, int least)
{
	int duplicate = real.dupfd(fd, least);

	left_open += duplicate >= 0;
	return duplicate;
}

static int counted_close(int fd)
{
	left_open--;
	return real.close(fd);
}

static int shown_statx(int fd, const char *path, int flags, unsigned int mask, struct statx *stx)
{
	int err = real.statx(fd, path, flags, mask, stx);

	if (!err && mask == STATX_MNT_ID)
		stx->stx_mnt_id = MOUNT_ID;
	return err;
}

static ssize_t shown_readlink(const char *path, char *buf, size_t size)
{
	size_t len = disk_link ? strlen(disk_link) : 0;

	if (strncmp(path, "/sys/dev/block/", 15) || !disk_link)
		return -ENOENT;
	memcpy(buf, disk_link, len < size ? len : size);
	return len < size ? len : size;
}

static void setup(void)
{
	real = wt_sys;
	wt_sys.open = shown_open;
	wt_sys.dupfd = counted_dupfd;
	wt_sys.close = counted_close;
	wt_sys.statx = shown_statx;
	wt_sys.readlink = shown_readlink;
	mountinfo = queue = disk_link = NULL;
}

TestSuite(mount, .init = setup);

#define OTHERS "20 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
#define LINE(type, source, options)                                                                \
	OTHERS "77 20 8:1 / /srv/a\\040b rw,relatime shared:1 master:2 - " type " " source         \
	       " " options "\n30 1 0:5 / /tmp rw - tmpfs tmpfs rw\n"
#define EXT4(options) LINE("ext4", "/dev/sda1", options)
#define OVERLAY(options) LINE("overlay", "overlay", options)
#define BACK "write back\n"
#define THROUGH "write through\n"
#define SDA "../../devices/pci0000:00/0000:00:01.0/ata1/block/sda/sda1"

static const struct {
	const char *what, *mountinfo, *queue, *link;
	unsigned int flags;
	enum wt_reason why;
	enum wt_level keeps;
} cases[] = {
	{ "a disk", EXT4("rw"), BACK, SDA, WT_FS_WRITEBACK, WT_WHY_NONE, WT_LEVEL_SYNC },
	{ "nobarrier", EXT4("rw,nobarrier"), BACK, SDA, WT_FS_WRITEBACK, WT_WHY_NO_FLUSH,
	  WT_LEVEL_THROUGH },
	{ "nobarrier first", EXT4("nobarrier,data=ordered"), BACK, SDA, WT_FS_WRITEBACK,
	  WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "barrier=0", EXT4("rw,barrier=0,stripe=4"), BACK, SDA, WT_FS_WRITEBACK, WT_WHY_NO_FLUSH,
	  WT_LEVEL_THROUGH },
	{ "barrier=none", LINE("reiserfs", "/dev/sda1", "rw,barrier=none"), BACK, SDA,
	  WT_FS_WRITEBACK, WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "barrier=1", EXT4("rw,barrier=1"), BACK, SDA, WT_FS_WRITEBACK, WT_WHY_NONE,
	  WT_LEVEL_SYNC },
	{ "words that begin so", EXT4("rw,nobarriers,xnobarrier,barrier=01"), BACK, SDA,
	  WT_FS_WRITEBACK, WT_WHY_NONE, WT_LEVEL_SYNC },
	{ "nobarrier without a cache", EXT4("rw,nobarrier"), THROUGH, SDA, WT_FS_WRITEBACK,
	  WT_WHY_NONE, WT_LEVEL_SYNC },
	{ "nobarrier without sysfs", EXT4("rw,nobarrier"), NULL, NULL, WT_FS_WRITEBACK,
	  WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "f2fs without flushes", LINE("f2fs", "/dev/sda1", "rw,fsync_mode=nobarrier"), BACK, SDA,
	  0, WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "f2fs without checkpoints", LINE("f2fs", "/dev/sda1", "rw,checkpoint=disable"), THROUGH,
	  SDA, 0, WT_WHY_VOLATILE, WT_LEVEL_OFF },
	{ "bcachefs", LINE("bcachefs", "/dev/sda1", "rw,journal_flush_disabled"), THROUGH, SDA, 0,
	  WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "a server that is not asked to flush",
	  LINE("cifs", "//host/share", "rw,vers=3.1.1,nostrictsync"), NULL, NULL, WT_FS_SERVED,
	  WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "a server", LINE("nfs4", "host:/export", "rw,vers=4.2"), NULL, NULL, WT_FS_SERVED,
	  WT_WHY_SERVED, WT_LEVEL_SYNC },
	{ "a server of block devices", LINE("fuseblk", "/dev/sda1", "rw,user_id=0"), BACK, SDA,
	  WT_FS_SERVED, WT_WHY_SERVED, WT_LEVEL_SYNC },
	{ "volatile", OVERLAY("rw,lowerdir=/l,upperdir=/u,workdir=/w,volatile"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_VOLATILE, WT_LEVEL_OFF },
	{ "fsync=volatile", OVERLAY("rw,upperdir=/u,fsync=volatile,uuid=on"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_VOLATILE, WT_LEVEL_OFF },
	{ "volatile is overlayfs's word", EXT4("rw,volatile"), BACK, SDA, WT_FS_WRITEBACK,
	  WT_WHY_NONE, WT_LEVEL_SYNC },
	{ "an upper layer that is not there", OVERLAY("rw,lowerdir=/l,upperdir=/none/such"), NULL,
	  NULL, WT_FS_STACKED, WT_WHY_BELOW_UNSEEN, WT_LEVEL_SYNC },
	{ "an upper layer by a relative name", OVERLAY("rw,lowerdir=l,upperdir=tmp"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_BELOW_UNSEEN, WT_LEVEL_SYNC },
	{ "no upper layer", OVERLAY("ro,lowerdir=/l:/m"), NULL, NULL, WT_FS_STACKED,
	  WT_WHY_BELOW_UNSEEN, WT_LEVEL_SYNC },
	{ "an upper layer in /proc", OVERLAY("rw,lowerdir=/l,upperdir=/proc/self"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_NO_DISK, WT_LEVEL_OFF },
	{ "the same, escaped", OVERLAY("rw,upperdir=/pr\\157c/\\134self"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_NO_DISK, WT_LEVEL_OFF },
	{ "ecryptfs above /proc", LINE("ecryptfs", "/proc/self", "rw,ecryptfs_sig=1"), NULL, NULL,
	  WT_FS_STACKED, WT_WHY_NO_DISK, WT_LEVEL_OFF },
	{ "zram", EXT4("rw"), BACK, "../../devices/virtual/block/zram0", WT_FS_WRITEBACK,
	  WT_WHY_MEMORY_DISK, WT_LEVEL_OFF },
	{ "a part of zram", EXT4("rw"), BACK, "../../devices/virtual/block/zram0/zram0p1",
	  WT_FS_WRITEBACK, WT_WHY_MEMORY_DISK, WT_LEVEL_OFF },
	{ "brd", EXT4("rw"), THROUGH, "../../devices/virtual/block/ram15", WT_FS_WRITEBACK,
	  WT_WHY_MEMORY_DISK, WT_LEVEL_OFF },
	{ "a disk with such a name", EXT4("rw"), BACK, "../../devices/virtual/block/ramsan1",
	  WT_FS_WRITEBACK, WT_WHY_NONE, WT_LEVEL_SYNC },
	{ "nothing that is known", OTHERS "77 20 0:44 / /a rw - zfs pool/a rw,xattr\n", NULL, NULL,
	  0, WT_WHY_UNKNOWN_FS, WT_LEVEL_SYNC },
	{ "no mountinfo", NULL, BACK, SDA, WT_FS_WRITEBACK, WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC },
	{ "an empty one", "", BACK, SDA, WT_FS_WRITEBACK, WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC },
	{ "a mount that is not in it", OTHERS, BACK, SDA, WT_FS_WRITEBACK, WT_WHY_MOUNT_UNSEEN,
	  WT_LEVEL_SYNC },
	{ "half a line", OTHERS "77 20 8:1 / /a rw,relatime\n", BACK, SDA, WT_FS_WRITEBACK,
	  WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC },
	{ "by its device, the mount being elsewhere",
	  OTHERS "78 20 8:1 / /a rw - ext4 /dev/sda1 rw,nobarrier\n", BACK, SDA, WT_FS_WRITEBACK,
	  WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH },
	{ "a number that begins so", OTHERS "777 20 8:11 / /a rw - ext4 /dev/sdb rw,nobarrier\n",
	  BACK, SDA, WT_FS_WRITEBACK, WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC },
	{ "memory", NULL, NULL, NULL, WT_FS_NO_DISK, WT_WHY_NO_DISK, WT_LEVEL_OFF },
};

static void expect(const char *what, unsigned int flags, enum wt_reason why, enum wt_level keeps)
{
	int fd = open("/", O_PATH);
	left_open = 0;
	struct wt_mount found = wt_mount_look(fd, DEVICE, flags);

	cr_expect_eq(found.why, why, "%s: %s", what, wt_reason_text(found.why));
	cr_expect_eq(found.keeps, keeps, "%s: keeps %s", what, wt_level_name(found.keeps));
	cr_expect_eq(left_open, 0, "%s: descriptors left", what);
	close(fd);
}

Test(mount, is_judged_by_its_options_its_disk_and_what_is_below)
{
	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		mountinfo = cases[i].mountinfo;
		queue = cases[i].queue;
		disk_link = cases[i].link;
		expect(cases[i].what, cases[i].flags, cases[i].why, cases[i].keeps);
	}
}

/* As many mounts as a large host of containers has, and layers as no mount should. */
Test(mount, is_found_among_many_and_behind_long_lines)
{
	enum { MANY = 20000, LONG = 60000 };
	size_t size = MANY * 80 + 2 * LONG + 1000;
	char *text = malloc(size), *layers = malloc(LONG + 1), *at = text;

	memset(layers, 'l', LONG);
	layers[LONG] = '\0';
	for (int i = 0; i < MANY; i++)
		at += sprintf(at, "%d 1 0:%d / /m/%d rw - tmpfs none rw,size=1k\n", 1000 + i, i, i);
	at += sprintf(at, "900 1 0:9 / /o rw - overlay o rw,lowerdir=%s\n", layers);
	sprintf(at, "77 1 0:10 / /p rw - overlay o rw,lowerdir=%s,volatile\n", layers);
	mountinfo = text;
	expect("the last of them", WT_FS_STACKED, WT_WHY_VOLATILE, WT_LEVEL_OFF);
	free(layers);
	free(text);
}

/* The answer is not "well kept" where the line does not fit. */
Test(mount, is_not_seen_by_a_line_without_end)
{
	size_t len = 1 << 20;
	char *text = malloc(len + 1);

	memset(text, ',', len);
	text[len] = '\0';
	memcpy(text, "77 1 8:1 / /p rw - ext4 /dev/sda1 rw,", 37);
	mountinfo = text;
	disk_link = SDA;
	expect("a line of 1 MiB", WT_FS_WRITEBACK, WT_WHY_MOUNT_UNSEEN, WT_LEVEL_SYNC);
	free(text);
}
