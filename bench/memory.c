/* SPDX-License-Identifier: MIT */
/*
 * memory - a small program that writes into several files and prints its resident KiB.
 *
 * It knows nothing of libwt and makes ordinary calls: run with and without the preload, the
 * difference is what the preload costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCKS 16

static void fail(const char *what)
{
	fprintf(stderr, "memory: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_file(const char *path)
{
	static char block[4096] __attribute__((aligned(4096)));
	int fd = open(path, O_RDWR | O_CREAT, 0600);

	if (fd < 0)
		fail(path);
	for (int i = 0; i < BLOCKS; i++)
		if (pwrite(fd, block, sizeof(block), i * (off_t)sizeof(block)) != sizeof(block))
			fail(path);
	/* Left open: a program that holds its files is the one whose memory matters. */
}

int main(int argc, char **argv)
{
	unsigned long rss_kib;
	char line[256];
	FILE *rollup;

	for (int i = 1; i < argc; i++)
		write_file(argv[i]);
	rollup = fopen("/proc/self/smaps_rollup", "re");
	if (!rollup)
		fail("/proc/self/smaps_rollup");
	while (fgets(line, sizeof(line), rollup)) {
		if (sscanf(line, "Rss: %lu kB", &rss_kib) == 1) {
			printf("%lu\n", rss_kib);
			return 0;
		}
	}
	fail("no Rss line in smaps_rollup");
}
