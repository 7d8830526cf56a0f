/* SPDX-License-Identifier: MIT */
/*
 * guest FILE - a vfork child puts /dev/null onto its own copy of the descriptor
 * that its parent writes FILE through, as popen and subprocess libraries do, and
 * ends. Prints the pages that the parent's next write leaves dirty.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static char page[4096];

static uint64_t dirty_pages(int fd)
{
	uint64_t range[2] = { 0, 0 }, counts[5] = { 0 };

	if (syscall(SYS_cachestat, fd, range, counts, 0)) {
		perror("cachestat");
		exit(1);
	}
	return counts[1] + counts[2];
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CREAT, 0644) : -1;
	int null = open("/dev/null", O_WRONLY);

	if (fd < 0 || null < 0 || pwrite(fd, page, sizeof(page), 0) != sizeof(page)) {
		fprintf(stderr, "usage: guest FILE, which can be written\n");
		return 1;
	}
	pid_t child = vfork();
	if (!child) {
		dup2(null, fd);
		close(null);
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	if (pwrite(fd, page, sizeof(page), sizeof(page)) != sizeof(page))
		return 1;
	printf("%ju\n", (uintmax_t)dirty_pages(fd));
	return 0;
}
