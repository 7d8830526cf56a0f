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
	int fd = 3;

	if (argc > 2 && !strcmp(argv[1], "open"))
		fd = open(argv[2], O_RDWR | O_CREAT, 0600);
	else if (argc > 3 && !strcmp(argv[1], "at"))
		fd = openat(open(argv[2], O_RDONLY | O_DIRECTORY), argv[3], O_RDWR | O_CREAT, 0600);
	must(fd >= 0, "open");
	must(pwrite(fd, page, sizeof(page), 0) == sizeof(page), "pwrite");
	printf("dirty=%d\n", probe_dirty_pages(fd) > 0);
	return 0;
}
