/* SPDX-License-Identifier: MIT */
/*
 * elsewhere open PATH | at DIR NAME | given - writes a page to a file that it opens, or that
 * is its descriptor 3, and prints whether the page is dirty afterwards.
 */
#define _GNU_SOURCE
#include "../lib/probe.h"

int main(int argc, char **argv)
{
	static char page[PROBE_BLOCK];
	struct probe_cache pages = { 0 };
	int fd = 3;

	if (argc > 2 && !strcmp(argv[1], "open"))
		fd = open(argv[2], O_RDWR | O_CREAT, 0600);
	else if (argc > 3 && !strcmp(argv[1], "at"))
		fd = openat(open(argv[2], O_RDONLY | O_DIRECTORY), argv[3], O_RDWR | O_CREAT, 0600);
	if (fd < 0) {
		perror("open");
		return 2;
	}
	if (pwrite(fd, page, sizeof(page), 0) != sizeof(page)) {
		perror("pwrite");
		return 2;
	}
	if (probe_cachestat(fd, 0, 0, &pages)) {
		perror("cachestat");
		return 2;
	}
	printf("dirty=%d\n", pages.dirty > 0);
	return 0;
}
