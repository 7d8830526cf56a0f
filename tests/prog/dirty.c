/* SPDX-License-Identifier: MIT */
/*
 * dirty - what the page cache holds of files, by cachestat(2): a line a file with
 * its dirty pages, those under writeback, those cached, and its path.
 *
 * With -d a dirty page does not count when the device has its bytes: a write that
 * begins behind the end of a file makes XFS write zeros behind the old end, where
 * they are already, and that page stays dirty behind the kernel's own O_DSYNC too.
 */
#define _GNU_SOURCE
#include "../lib/probe.h"

/* Of those dirty, the pages whose bytes the device does not have; or -errno. */
static int64_t count_missing(int fd, const char *device)
{
	struct probe_cache page;
	char bytes[PROBE_BLOCK];
	int64_t missing = 0;
	ssize_t got;

	for (uint64_t at = 0; (got = pread(fd, bytes, sizeof(bytes), at)) > 0; at += PROBE_BLOCK) {
		int err = probe_cachestat(fd, at, PROBE_BLOCK, &page);

		if (err)
			return err;
		missing += page.dirty && !probe_device_equal(fd, device, at, bytes, got);
	}
	return got < 0 ? -errno : missing;
}

static int print_pages(const char *path, const char *device)
{
	struct probe_cache pages;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t dirty;

	if (fd < 0)
		return -errno;
	dirty = probe_cachestat(fd, 0, 0, &pages); /* to the end of the file */
	if (!dirty)
		dirty = pages.dirty && device ? count_missing(fd, device) : (int64_t)pages.dirty;
	close(fd);
	if (dirty < 0)
		return dirty;
	printf("%jd %ju %ju %s\n", (intmax_t)dirty, (uintmax_t)pages.writeback,
	       (uintmax_t)pages.cached, path);
	return 0;
}

int main(int argc, char **argv)
{
	const char *device = argc > 2 && !strcmp(argv[1], "-d") ? argv[2] : NULL;
	int first = device ? 3 : 1;
	int status = 0;

	if (argc <= first) {
		fprintf(stderr, "usage: dirty [-d DEVICE] FILE...\n");
		return 2;
	}
	for (int i = first; i < argc; i++) {
		int err = print_pages(argv[i], device);

		if (err) {
			fprintf(stderr, "dirty: %s: %s\n", argv[i], strerror(-err));
			status = 1;
		}
	}
	return status;
}
