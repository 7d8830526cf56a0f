/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/btrfs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "os/sys.h"
#include "state/fs_kind.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

/* One line of mountinfo; an overlayfs of many layers names each of them in it. */
#define LINE_BYTES (128u << 10)

/* An overlayfs on a loop device on another overlayfs ...; past that it counts as not seen. */
#define DEPTH_MAX 8

#define SECTOR_BYTES 512 /* of sysfs, whatever the disk has */

/*
 * The options by which a sync is no longer one, as the kernel shows them in mountinfo, and the
 * type of file system that they belong to (NULL: they mean the same on every one). Where only the
 * flush of the disk's cache is left out, a disk without such a cache keeps all levels.
 */
static const struct option {
	const char *type;
	const char *text;
	enum wt_reason why;
	enum wt_level keeps;
	bool asks_queue;
} options[] = {
	{ "overlay", "volatile", WT_WHY_VOLATILE, WT_LEVEL_OFF, false },
	{ "overlay", "fsync=volatile", WT_WHY_VOLATILE, WT_LEVEL_OFF, false }, /* 6.18 */
	{ "f2fs", "checkpoint=disable", WT_WHY_VOLATILE, WT_LEVEL_OFF, false },
	{ "f2fs", "fsync_mode=nobarrier", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, true },
	{ "bcachefs", "journal_flush_disabled", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, false },
	{ "cifs", "nostrictsync", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, false },
	{ "smb3", "nostrictsync", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, false },
	{ NULL, "nobarrier", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, true },
	{ NULL, "barrier=0", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, true },
	{ NULL, "barrier=none", WT_WHY_NO_FLUSH, WT_LEVEL_THROUGH, true },
};

/* Disks that are memory by their names in sysfs; a loop device is as good as what is below it. */
static const char *const memory_disks[] = { "ram", "zram" };

/* In a mapping of its own: a signal handler may write first, on a small stack. */
struct room {
	char line[LINE_BYTES];
	char path[PATH_MAX];
};

/* One file system, looked at through a descriptor on it. The words point into the room's line. */
struct view {
	int fd;
	unsigned int fs_flags;
	unsigned int depth;
	struct room *room;
	dev_t dev; /* as mountinfo has it */
	char *type;
	char *source;
	char *options;
};

static struct wt_mount look(int fd, dev_t dev, unsigned int fs_flags, unsigned int depth);

static const struct wt_mount sound = { WT_WHY_NONE, WT_LEVEL_SYNC };
static const struct wt_mount no_disk = { WT_WHY_NO_DISK, WT_LEVEL_OFF };

static struct wt_mount unseen(enum wt_reason why)
{
	return (struct wt_mount){ why, WT_LEVEL_SYNC };
}

/* Of two the one that keeps less; of two that keep the same, the one that has something to say. */
static struct wt_mount worse(struct wt_mount a, struct wt_mount b)
{
	if (b.keeps != a.keeps)
		return b.keeps < a.keeps ? b : a;
	return a.why ? a : b;
}

/* Reads what fits, with a NUL behind it. The length or -errno. */
static ssize_t read_file(const char *path, char *buf, size_t size)
{
	int fd = wt_sys_aside(wt_sys.open(path, O_RDONLY | O_CLOEXEC, 0));

	if (fd < 0)
		return fd;
	ssize_t len = wt_sys.read(fd, buf, size - 1);
	wt_sys.close(fd);
	buf[len > 0 ? len : 0] = '\0';
	return len;
}

static dev_t device_in(const char *text)
{
	char *end;
	unsigned long major = strtoul(text, &end, 10);

	return makedev(major, *end == ':' ? strtoul(end + 1, NULL, 10) : 0);
}

/* proc_pid_mountinfo(5): id, parent, major:minor, ... Whether it is this mount, or of this device.
 */
static bool is_line_of(const char *line, uint64_t id, dev_t dev)
{
	char *end;
	bool is_it = strtoull(line, &end, 10) == id;

	if (id)
		return is_it;
	strtoull(end, &end, 10);
	return *end == ' ' && device_in(end + 1) == dev;
}

/* Leaves the mount's line in buf. A line that is longer than that counts as not found. */
static bool find_line(uint64_t id, dev_t dev, char *buf, size_t size)
{
	int fd = wt_sys_aside(wt_sys.open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC, 0));
	size_t have = 0;
	bool found = false;
	ssize_t got;

	if (fd < 0)
		return false;
	while (!found && (got = wt_sys.read(fd, buf + have, size - 1 - have)) > 0) {
		char *line = buf, *end;

		have += got;
		buf[have] = '\0';
		while (!found && (end = strchr(line, '\n'))) {
			*end = '\0';
			found = is_line_of(line, id, dev);
			if (!found)
				line = end + 1;
		}
		have = strlen(line);
		memmove(buf, line, have + 1);
	}
	wt_sys.close(fd);
	return found;
}

/* Takes the next word off the text, which goes on behind it. */
static char *next_word(char **text, char delimiter)
{
	char *word = *text, *end = strchr(word, delimiter);

	*text = end ? end + 1 : word + strlen(word);
	if (end)
		*end = '\0';
	return word;
}

static bool parse(struct view *view)
{
	char *line = view->room->line, *rest = strstr(line, " - ");

	if (!rest)
		return false;
	rest += 3;
	view->type = next_word(&rest, ' ');
	view->source = next_word(&rest, ' ');
	view->options = rest;
	next_word(&line, ' ');
	next_word(&line, ' ');
	view->dev = device_in(line);
	return true;
}

/*
 * By the number of the mount; or by its device, where the mount is in another namespace or the
 * kernel gives it no number (statx(2), 5.8).
 */
static bool find_mount(struct view *view, dev_t dev)
{
	char *line = view->room->line;
	struct statx stx;

	if (wt_sys.statx(view->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID))
		stx.stx_mnt_id = 0;
	return ((stx.stx_mnt_id && find_line(stx.stx_mnt_id, dev, line, LINE_BYTES)) ||
		find_line(0, dev, line, LINE_BYTES)) &&
	       parse(view);
}

static bool is_octal(const char *at)
{
	return at[1] >= '0' && at[1] <= '3' && at[2] >= '0' && at[2] <= '7' && at[3] >= '0' &&
	       at[3] <= '7';
}

/* mountinfo writes what would part its words as \ooo. In place. */
static void unescape(char *text)
{
	char *to = text;

	for (char *at = text; *at; at++) {
		if (*at == '\\' && is_octal(at)) {
			*to++ = (char)((at[1] - '0') << 6 | (at[2] - '0') << 3 | (at[3] - '0'));
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

/* And overlayfs puts a backslash before what would part its own. In place. */
static void unescape_overlay(char *text)
{
	char *to = text;

	for (char *at = text; *at; at++) {
		if (*at == '\\' && at[1])
			at++;
		*to++ = *at;
	}
	*to = '\0';
}

/* The device behind the mount; btrfs has numbers of its own, and names one of its disks. */
static dev_t disk_of(const struct view *view)
{
	struct statx stx;

	if (major(view->dev))
		return view->dev;
	if (wt_sys.statx(AT_FDCWD, view->source, 0, STATX_TYPE, &stx) || !S_ISBLK(stx.stx_mode))
		return 0;
	return makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
}

/* Of several disks mountinfo names one. */
static bool is_one_disk(const struct view *view)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };

	if (major(view->dev))
		return true;
	return !wt_sys.ioctl(view->fd, BTRFS_IOC_FS_INFO, &info) && info.num_devices == 1;
}

/* What sysfs has in a file of the disk's; that of a partition lies one above. */
static bool ask_disk(dev_t disk, const char *name, char *answer, size_t size)
{
	static const char *const places[] = { "", "../" };
	char path[80];

	for (size_t i = 0; disk && i < WT_LENGTH(places); i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s%s", major(disk), minor(disk),
			 places[i], name);
		if (read_file(path, answer, size) <= 0)
			continue;
		answer[strcspn(answer, "\n")] = '\0';
		return true;
	}
	return false;
}

/* Whether the disk says that what it has taken is stable. One that says nothing may have a cache.
 */
static bool has_no_cache(const struct view *view)
{
	char answer[32];

	return is_one_disk(view) &&
	       ask_disk(disk_of(view), "queue/write_cache", answer, sizeof(answer)) &&
	       !strcmp(answer, "write through");
}

static bool applies(const struct option *option, const struct view *view, const char *text,
		    size_t len)
{
	return strlen(option->text) == len && !strncmp(option->text, text, len) &&
	       (!option->type || !strcmp(option->type, view->type)) &&
	       !(option->asks_queue && has_no_cache(view));
}

static struct wt_mount look_at_options(const struct view *view)
{
	struct wt_mount worst = sound;
	size_t len;

	for (const char *at = view->options; *at; at += len + (at[len] == ',')) {
		len = strcspn(at, ",");
		for (size_t i = 0; i < WT_LENGTH(options); i++)
			if (applies(&options[i], view, at, len))
				worst = worse(worst, (struct wt_mount){ options[i].why,
									options[i].keeps });
	}
	return worst;
}

/*
 * What another file or directory, by its name, is kept on; `otherwise` if that is not to be had.
 * A relative name was that of whoever mounted it.
 */
static struct wt_mount look_at_path(const char *path, uint64_t sectors, struct wt_mount otherwise,
				    unsigned int depth)
{
	int fd = *path == '/' ? wt_sys_aside(wt_sys.open(path, O_PATH | O_CLOEXEC, 0)) : -ENOENT;
	struct wt_mount found = otherwise;
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return otherwise;
	if (!wt_sys.identify(fd, &st) && !wt_sys.fstatfs(fd, &fs) &&
	    (uint64_t)st.st_size / SECTOR_BYTES >= sectors) {
		unsigned int flags = wt_fs_kind_of(fs.f_type)->flags;

		found = flags & WT_FS_NO_DISK ? no_disk : look(fd, st.st_dev, flags, depth + 1);
	}
	wt_sys.close(fd);
	return found;
}

/* The upper layer of an overlayfs, where all that is written goes; else what is mounted. */
static struct wt_mount look_below(const struct view *view)
{
	static const char upper[] = "upperdir=";
	const struct wt_mount otherwise = unseen(WT_WHY_BELOW_UNSEEN);

	if (strcmp(view->type, "overlay")) {
		unescape(view->source);
		return look_at_path(view->source, 0, otherwise, view->depth);
	}
	for (char *rest = view->options; *rest;) {
		char *option = next_word(&rest, ',');

		if (strncmp(option, upper, sizeof(upper) - 1))
			continue;
		unescape(option);
		unescape_overlay(option);
		return look_at_path(option + sizeof(upper) - 1, 0, otherwise, view->depth);
	}
	return otherwise;
}

static bool is_numbered(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && name[len] >= '0' && name[len] <= '9';
}

/*
 * A disk is taken on its word, as nobody sees what a controller or a host makes of a flush: but not
 * one that is seen to be memory, or a loop device over a file that is not kept. The file's name may
 * be another's in this namespace, so it must be large enough.
 */
static struct wt_mount look_at_disk(const struct view *view, dev_t disk)
{
	char path[48], sectors[24], *link = view->room->path;
	const size_t size = sizeof(view->room->path);

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(disk), minor(disk));
	ssize_t len = disk ? wt_sys.readlink(path, link, size - 1) : 0;
	link[len > 0 ? len : 0] = '\0';
	const char *name = strstr(link, "/block/"); /* .../devices/virtual/block/zram0 */
	if (!name)
		return sound;
	name += strlen("/block/");
	for (size_t i = 0; i < WT_LENGTH(memory_disks); i++)
		if (is_numbered(name, memory_disks[i]))
			return (struct wt_mount){ WT_WHY_MEMORY_DISK, WT_LEVEL_OFF };
	if (!is_numbered(name, "loop") || !ask_disk(disk, "size", sectors, sizeof(sectors)) ||
	    !ask_disk(disk, "loop/backing_file", view->room->path, size))
		return sound;
	/* What was removed has this behind its name. */
	if (strstr(view->room->path, " (deleted)"))
		return sound;
	struct wt_mount found =
		look_at_path(view->room->path, strtoull(sectors, NULL, 10), sound, view->depth);
	if (found.why == WT_WHY_NO_DISK)
		found.why = WT_WHY_MEMORY_DISK;
	return found.keeps < WT_LEVEL_SYNC ? found : sound;
}

static struct wt_mount look_at(const struct view *view)
{
	struct wt_mount found = look_at_options(view);

	if (found.keeps == WT_LEVEL_OFF)
		return found;
	if (view->fs_flags & WT_FS_SERVED)
		return worse(found, unseen(WT_WHY_SERVED));
	if (view->fs_flags & WT_FS_STACKED)
		return worse(found, look_below(view));
	dev_t disk = disk_of(view);
	if (!disk && !view->fs_flags)
		found = worse(found, unseen(WT_WHY_UNKNOWN_FS));
	return worse(found, look_at_disk(view, disk));
}

static struct room *make_room(void)
{
	void *map = mmap(NULL, sizeof(struct room), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static struct wt_mount look(int fd, dev_t dev, unsigned int fs_flags, unsigned int depth)
{
	struct view view = { .fd = fd, .fs_flags = fs_flags, .depth = depth };

	view.room = depth < DEPTH_MAX ? make_room() : NULL;
	if (!view.room)
		return unseen(WT_WHY_MOUNT_UNSEEN);
	struct wt_mount found =
		find_mount(&view, dev) ? look_at(&view) : unseen(WT_WHY_MOUNT_UNSEEN);
	munmap(view.room, sizeof(*view.room));
	return found;
}

struct wt_mount wt_mount_look(int fd, dev_t dev, unsigned int fs_flags)
{
	return fs_flags & WT_FS_NO_DISK ? no_disk : look(fd, dev, fs_flags, 0);
}

/* The options of the file system begin with ro or rw; those of the mount stand before the " - ". */
int wt_mount_all_read_only(int fd, dev_t dev)
{
	struct view view = { .fd = fd, .room = make_room() };
	int ret = -ENOENT;

	if (!view.room)
		return -ENOMEM;
	if (find_mount(&view, dev))
		ret = !strcmp(next_word(&view.options, ','), "ro");
	munmap(view.room, sizeof(*view.room));
	return ret;
}
