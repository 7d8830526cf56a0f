/* SPDX-License-Identifier: MIT */
/*
 * guest FILE - a vfork child puts /dev/null onto its own copy of the descriptor
 * that its parent writes FILE through, as popen and subprocess libraries do, and
 * ends. Prints the pages that the parent's next write leaves dirty.
 *
 * guest FILE HOW - the child gives FILE a number by which its parent has written to /dev/null
 * (`open` or `dup2`), and writes there. Prints the pages that this leaves dirty.
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

static int leave_another(int fd, int null)
{
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

static int write_as_another(const char *how, const char *path, int fd, int null)
{
	volatile uintmax_t dirty = 99; /* the child stores it */

	if (write(null, page, 1) != 1)
		return 1;
	pid_t child = vfork();
	if (!child) {
		close(null);
		int got = !strcmp(how, "dup2") ? dup2(fd, null) : open(path, O_RDWR);
		if (got == null && pwrite(got, page, sizeof(page), sizeof(page)) == sizeof(page))
			dirty = dirty_pages(got);
		_exit(0);
	}
	if (child < 0 || waitpid(child, NULL, 0) != child)
		return 1;
	printf("%ju\n", dirty);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc >= 2 ? open(argv[1], O_RDWR | O_CREAT, 0644) : -1;
	int null = open("/dev/null", O_WRONLY);

	if (fd < 0 || null < 0 || pwrite(fd, page, sizeof(page), 0) != sizeof(page)) {
		fprintf(stderr, "usage: guest FILE [open|dup2], a file that can be written\n");
		return 1;
	}
	return argc > 2 ? write_as_another(argv[2], argv[1], fd, null) : leave_another(fd, null);
}
