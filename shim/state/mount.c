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

/* The longest line of mountinfo that is read; an overlayfs names each of its layers in its line. */
#define LINE_BYTES (128u << 10)

/*
 * How many file systems below one another are looked at, such as an overlayfs on a loop device on
 * another overlayfs. What is further down counts as not seen.
 */
#define DEPTH_MAX 8

#define SECTOR_BYTES 512 /* the unit of sysfs, whatever the disk's sectors are */

/*
 * The mount options that weaken a sync, as mountinfo shows them, and the type of file system that
 * they belong to (NULL: they mean the same on every type). asks_queue: the option leaves out only
 * the flush of the disk's cache, so that a disk without such a cache keeps all levels.
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

/* How sysfs names disks that are memory. A loop device is worth what the file below it is worth. */
static const char *const memory_disks[] = { "ram", "zram" };

/*
 * The memory of one look at a mount. Mapped, as a signal handler may write first, on a small stack.
 */
struct buffers {
	char line[LINE_BYTES];
	char path[PATH_MAX];
};

/* One file system, looked at through a descriptor on it. The strings point into the buffers. */
struct view {
	int fd;
	unsigned int fs_flags;
	unsigned int depth;
	struct buffers *buffers;
	dev_t dev; /* as mountinfo shows it */
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

/* Of two findings the one that keeps less; of two that keep the same, the one with a reason. */
static struct wt_mount worse(struct wt_mount a, struct wt_mount b)
{
	if (b.keeps != a.keeps)
		return b.keeps < a.keeps ? b : a;
	return a.why ? a : b;
}

/* Reads what fits, and terminates it. The length or -errno. */
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

/*
 * Whether a line of mountinfo is that of mount `id`, or, if id is 0, of a mount of device `dev`.
 * The line begins with id, parent and major:minor (proc_pid_mountinfo(5)).
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

/* Leaves the line that is_line_of accepts in buf. A line that does not fit counts as not found. */
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

/* Cuts the next word off the text, which then begins behind the delimiter. */
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
	char *line = view->buffers->line, *rest = strstr(line, " - ");

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
 * Finds the mount by its id; or by its device, if the mount is in another namespace or the kernel
 * has no ids of mounts (statx(2), since 5.8).
 */
static bool find_mount(struct view *view, dev_t dev)
{
	char *line = view->buffers->line;
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

/* Decodes, in place, the \ooo by which mountinfo writes what would separate its words. */
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

/* Decodes, in place, the backslash that overlayfs puts before what would separate its own words. */
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

/* The disk's device, or 0. btrfs has a number of its own, and its source names one of its disks. */
static dev_t disk_of(const struct view *view)
{
	struct statx stx;

	if (major(view->dev))
		return view->dev;
	if (wt_sys.statx(AT_FDCWD, view->source, 0, STATX_TYPE, &stx) || !S_ISBLK(stx.stx_mode))
		return 0;
	return makedev(stx.stx_rdev_major, stx.stx_rdev_minor);
}

/* Whether the file system is on one disk only: of several, mountinfo names one. */
static bool is_one_disk(const struct view *view)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };

	if (major(view->dev))
		return true;
	return !wt_sys.ioctl(view->fd, BTRFS_IOC_FS_INFO, &info) && info.num_devices == 1;
}

/* Reads a file of the disk's in sysfs. A partition's disk is one directory further up. */
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

/* Whether the disk says that it has no cache to flush. One that says nothing may have one. */
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
 * Looks at the file system that holds another file or directory, which must have `sectors` sectors
 * at least; `otherwise` if it cannot be looked at. A relative path belonged to whoever mounted it.
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

/*
 * Looks at the upper layer of an overlayfs, where all that is written goes; of another stacked file
 * system, at the directory that is mounted.
 */
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
 * A disk is trusted, as nobody sees what a controller or a host makes of a flush. Not trusted are a
 * disk that is known to be memory, and a loop device whose file is not kept. The path of that file
 * may name another one in this mount namespace, so the file must be large enough.
 */
static struct wt_mount look_at_disk(const struct view *view, dev_t disk)
{
	char path[48], sectors[24], *link = view->buffers->path;
	const size_t size = sizeof(view->buffers->path);

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
	    !ask_disk(disk, "loop/backing_file", view->buffers->path, size))
		return sound;
	/* The kernel adds this to the path of a file that was removed. */
	if (strstr(view->buffers->path, " (deleted)"))
		return sound;
	struct wt_mount found =
		look_at_path(view->buffers->path, strtoull(sectors, NULL, 10), sound, view->depth);
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

static struct buffers *map_buffers(void)
{
	void *map = mmap(NULL, sizeof(struct buffers), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return map == MAP_FAILED ? NULL : map;
}

static struct wt_mount look(int fd, dev_t dev, unsigned int fs_flags, unsigned int depth)
{
	struct view view = { .fd = fd, .fs_flags = fs_flags, .depth = depth };

	view.buffers = depth < DEPTH_MAX ? map_buffers() : NULL;
	if (!view.buffers)
		return unseen(WT_WHY_MOUNT_UNSEEN);
	struct wt_mount found =
		find_mount(&view, dev) ? look_at(&view) : unseen(WT_WHY_MOUNT_UNSEEN);
	munmap(view.buffers, sizeof(*view.buffers));
	return found;
}

struct wt_mount wt_mount_look(int fd, dev_t dev, unsigned int fs_flags)
{
	return fs_flags & WT_FS_NO_DISK ? no_disk : look(fd, dev, fs_flags, 0);
}

/* The options of the file system begin with ro or rw; those of the mount are before the " - ". */
int wt_mount_all_read_only(int fd, dev_t dev)
{
	struct view view = { .fd = fd, .buffers = map_buffers() };
	int ret = -ENOENT;

	if (!view.buffers)
		return -ENOMEM;
	if (find_mount(&view, dev))
		ret = !strcmp(next_word(&view.options, ','), "ro");
	munmap(view.buffers, sizeof(*view.buffers));
	return ret;
}
