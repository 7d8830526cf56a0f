/* SPDX-License-Identifier: MIT */
/* Says what libwt would do with a file at a place, and why. */
#define _GNU_SOURCE
#include "tool/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"
#include "core/resolve.h"
#include "engine/ladder.h"
#include "ring/ring.h"
#include "tool/tool.h"

/*
 * Since 6.11, so Debian 12's linux/stat.h has no name for them: the smallest and the largest unit
 * lie behind the 8 bytes of stx_subvol, which follow stx_dio_offset_align.
 */
#ifndef STATX_WRITE_ATOMIC
#define STATX_WRITE_ATOMIC 0x00010000U
#endif
#define ATOMIC_UNITS_OFFSET (offsetof(struct statx, stx_dio_offset_align) + 4 + 8)

static void row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Escapes what it prints, because a path or the name of a mount may contain anything. */
static void print_plain(const char *bytes)
{
	char escaped[4 * PATH_MAX];
	struct wt_text text = { .buf = escaped, .size = sizeof(escaped) };

	wt_text_plain(&text, bytes, strlen(bytes));
	printf("%.*s\n", (int)text.len, text.buf);
}

static void row(const char *name, const char *format, ...)
{
	char value[PATH_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	printf("  %-15s ", name);
	print_plain(value);
}

static void print_remedy(enum wt_reason why)
{
	const char *remedy = wt_reason_remedy(wt_reason_text(why));

	if (*remedy)
		printf("    what to do: %s\n", remedy);
}

static int open_new_file(const char *dir)
{
	char name[PATH_MAX];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || errno != EOPNOTSUPP)
		return fd;
	if ((size_t)snprintf(name, sizeof(name), "%s/.wt-probe-XXXXXX", dir) >= sizeof(name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

/*
 * Opens a regular file at the path: the file itself or, in a directory, a new one without a name,
 * which vanishes when it is closed. If this user may not make one, opens the directory itself,
 * which tells all but whether O_DIRECT works.
 */
static int open_place(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -1;
	if (S_ISDIR(st.st_mode)) {
		int fd = open_new_file(path);

		if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS))
			fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		return fd;
	}
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return -1;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return fd < 0 ? open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK) : fd;
}

static void complain_of_place(const char *path, int err)
{
	const char *why = strerror(err);
	const char *expected = "a file or a directory that can be opened";

	if (err == EACCES)
		expected =
			"a file or a directory that this user may reach and read; or ask as root";
	else if (err == EINVAL)
		why = "neither a file nor a directory", expected = "one of them";
	else if (err == ENOENT)
		expected = "a file or a directory that is there";
	wt_tool_complain("%s: %s; expected %s", path, why, expected);
}

/* The block device under the mount that contains the path; 0:0 if there is none. */
static dev_t device_of(const char *path, dev_t dev, char *source, size_t size)
{
	char *real = realpath(path, NULL);
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *mount;
	struct stat st;
	size_t longest = 0;
	dev_t device = 0;

	snprintf(source, size, "none");
	while (real && mounts && (mount = getmntent(mounts))) {
		size_t len = strlen(mount->mnt_dir);
		bool above = !strncmp(real, mount->mnt_dir, len) &&
			     (len == 1 || !real[len] || real[len] == '/');

		if (!above || len < longest)
			continue;
		longest = len;
		bool is_block = !stat(mount->mnt_fsname, &st) && S_ISBLK(st.st_mode);
		device = is_block ? st.st_rdev : major(dev) ? dev : 0;
		snprintf(source, size, "%s", mount->mnt_fsname);
	}
	if (mounts)
		endmntent(mounts);
	free(real);
	return device;
}

/* Reads one word of the device's queue directory in sysfs. A partition's queue lies one above. */
static bool queue_setting(dev_t device, const char *name, char *value, size_t size)
{
	static const char *const places[] = { "queue", "../queue" };
	char path[PATH_MAX];

	for (size_t i = 0; i < WT_LENGTH(places); i++) {
		snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s/%s", major(device),
			 minor(device), places[i], name);
		FILE *file = fopen(path, "re");
		if (!file)
			continue;
		bool got = fgets(value, size, file);
		fclose(file);
		value[strcspn(value, "\n")] = '\0';
		return got;
	}
	return false;
}

static void print_device(const char *path, dev_t dev)
{
	char source[256], value[64];
	dev_t device = device_of(path, dev, source, sizeof(source));

	if (!device && access("/proc/self/mounts", R_OK)) {
		row("device", "not known: /proc is not mounted");
		return;
	}
	if (!device) {
		row("device", "none of its own (%s)", source);
		return;
	}
	row("device", "%s (%u:%u)", source, major(device), minor(device));
	if (queue_setting(device, "write_cache", value, sizeof(value)))
		row("volatile cache", "%s",
		    !strcmp(value, "write back") ? "yes: stable means a flush"
						 : "no: stable when written");
	if (queue_setting(device, "fua", value, sizeof(value)))
		row("FUA", "%s",
		    !strcmp(value, "1") ? "yes: one stable write needs no flush" : "no");
}

static bool print_direct(int fd, const struct stat *st, const struct wt_fs_kind *kind)
{
	struct statx stx = { 0 };

	if (S_ISDIR(st->st_mode)) {
		row("O_DIRECT",
		    "not known: this user may make no file here; name a file, or ask as "
		    "another user");
		return true;
	}
	uint8_t shift = wt_resolve_dio_shift(fd, kind);

	if (shift)
		row("O_DIRECT", "in whole blocks of %u bytes, memory aligned to %u",
		    1U << (shift & 15), 1U << (shift >> 4));
	else
		row("O_DIRECT", "not for this file");

	if (statx(fd, "", AT_EMPTY_PATH, STATX_WRITE_ATOMIC, &stx))
		stx.stx_mask = 0;
	unsigned int units[2];
	memcpy(units, (char *)&stx + ATOMIC_UNITS_OFFSET, sizeof(units));
	if (stx.stx_mask & STATX_WRITE_ATOMIC && units[0])
		row("atomic unit", "%u to %u bytes", units[0], units[1]);
	else
		row("atomic unit", "none");
	return shift;
}

static void print_ring(void)
{
	enum wt_reason why;
	struct wt_ring *ring = wt_ring_take(&why);

	row("io_uring", "%s", ring ? "works" : wt_reason_text(why));
	if (ring)
		wt_ring_give(ring);
	else
		print_remedy(why);
}

static void print_levels(struct wt_filesystem *fs, bool direct_works)
{
	static const struct {
		const char *name;
		struct wt_rule rule;
	} rows[] = {
		{ "async", { .level = WT_LEVEL_ASYNC } },
		{ "through", { .level = WT_LEVEL_THROUGH } },
		{ "dsync", { .level = WT_LEVEL_DSYNC } },
		{ "sync", { .level = WT_LEVEL_SYNC } },
		{ "dsync,direct", { .level = WT_LEVEL_DSYNC, .engine = WT_ENGINE_DIRECT } },
	};

	enum wt_reason why = WT_WHY_NONE;

	printf("  %-17s %-10s %s\n", "level", "engine", "why");
	for (size_t i = 0; i < WT_LENGTH(rows); i++) {
		struct wt_choice choice = wt_ladder_choose(&rows[i].rule, fs, direct_works);

		/* A remedy that rows have in common is printed once, below the last of them. */
		if (choice.reason != why)
			print_remedy(why);
		why = choice.reason;
		printf("  %-17s %-10s %s\n", rows[i].name, choice.engine->name,
		       wt_reason_text(why));
	}
	print_remedy(why);
}

/* Prints what the levels that follow are worth on this mount. */
static void print_mount(const struct wt_mount *mount)
{
	const char *why = wt_reason_text(mount->why);

	if (!mount->why)
		row("a sync", "is one, as far as the disk keeps its word");
	else if (mount->keeps == WT_LEVEL_SYNC)
		row("a sync", "%s", why);
	else if (mount->keeps == WT_LEVEL_OFF)
		row("a sync", "keeps nothing, no level is covered: %s", why);
	else
		row("a sync", "is none, levels above %s are not covered: %s",
		    wt_level_name(mount->keeps), why);
}

static int probe(const char *path)
{
	struct stat st;
	int fd = open_place(path);
	int index = fd < 0 || fstat(fd, &st) ? -errno : wt_filesystem_of(fd, st.st_dev);

	if (index < 0) {
		complain_of_place(path, -index);
		if (fd >= 0)
			close(fd);
		return 1;
	}
	struct wt_filesystem *fs = wt_filesystem_at(index);

	print_plain(path);
	row("file system", "%s", fs->kind->name);
	print_device(path, st.st_dev);
	print_mount(&fs->mount);
	bool direct_works = print_direct(fd, &st, fs->kind);
	print_ring();
	print_levels(fs, direct_works);
	close(fd);
	return 0;
}

int wt_probe(int argc, char **argv)
{
	int status = 0;

	if (!argc) {
		wt_tool_complain("--probe: expected at least one PATH");
		return 2;
	}
	for (int i = 0; i < argc; i++)
		status |= probe(argv[i]);
	return status;
}
