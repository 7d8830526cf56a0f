/* SPDX-License-Identifier: MIT */
/*
 * extents FILE - where a file lies on its device: a line FIRST-LAST, in sectors of 512 bytes, for
 * each extent. The file must have been synced.
 */
#define _GNU_SOURCE
#include "extents.h"

#include <fcntl.h>
#include <stdio.h>

static void die(const char *what)
{
	fprintf(stderr, "extents: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	static struct extent extents[EXTENTS_MAX];
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int count;

	if (fd < 0)
		die(argc == 2 ? argv[1] : "usage: extents FILE");
	count = extents_of(fd, 0, extents);
	if (count < 0) {
		errno = -count;
		die("FIEMAP");
	}
	for (int i = 0; i < count; i++) {
		if (!extents[i].placed) {
			errno = EAGAIN;
			die("has no place on the device yet");
		}
		printf("%lu-%lu\n", extents[i].device / 512,
		       (extents[i].device + extents[i].length - 1) / 512);
	}
	return count ? 0 : 1;
}
