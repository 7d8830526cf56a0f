/* SPDX-License-Identifier: MIT */
/*
 * dirty - what the page cache holds of files, by cachestat(2): a line a file with
 * its dirty pages, those under writeback, those cached, and its path.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

/* Debian 12's headers are older than the call (Linux 6.5). */
struct range {
	uint64_t off;
	uint64_t len; /* 0: to the end of the file */
};

struct pages {
	uint64_t cached;
	uint64_t dirty;
	uint64_t writeback;
	uint64_t evicted;
	uint64_t recently_evicted;
};

static int print_pages(const char *path)
{
	struct range whole_file = {0, 0};
	struct pages pages;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (syscall(SYS_cachestat, fd, &whole_file, &pages, 0) != 0) {
		int err = errno;

		close(fd);
		return -err;
	}
	close(fd);
	printf("%ju %ju %ju %s\n", (uintmax_t)pages.dirty, (uintmax_t)pages.writeback,
	       (uintmax_t)pages.cached, path);
	return 0;
}

int main(int argc, char **argv)
{
	int status = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: dirty FILE...\n");
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int err = print_pages(argv[i]);

		if (err) {
			fprintf(stderr, "dirty: %s: %s\n", argv[i], strerror(-err));
			status = 1;
		}
	}
	return status;
}
