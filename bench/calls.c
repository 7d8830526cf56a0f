/* SPDX-License-Identifier: MIT */
/*
 * calls - what the preload adds to calls that have nothing to do with write-through.
 *
 * The same pair of functions, once as the preload offers it and once libc's own, in blocks of calls
 * that take turns; a figure is the nanoseconds per call of one block. None of these calls sleeps:
 * the thread's own time is taken, which other programs on the machine do not stretch.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"

#define BLOCK_CALLS 10000

/* Both sides are called through these, so that neither pays for a jump the other is spared. */
struct functions {
	ssize_t (*write)(int fd, const void *buf, size_t len);
	int (*dup)(int fd);
	int (*close)(int fd);
};

struct calls {
	const char *name;
	const struct functions *functions;
	void (*block)(const struct functions *functions, int fd);
	int fd;
	struct bench_figures figures;
};

static void write_block(const struct functions *functions, int fd)
{
	for (int i = 0; i < BLOCK_CALLS; i++)
		if (functions->write(fd, "", 1) != 1)
			bench_fail("write: %s", strerror(errno));
}

static void dup_block(const struct functions *functions, int fd)
{
	for (int i = 0; i < BLOCK_CALLS; i++) {
		int copy = functions->dup(fd);

		if (copy < 0 || functions->close(copy))
			bench_fail("dup, close: %s", strerror(errno));
	}
}

static int open_or_fail(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	if (fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	uint64_t random = 1;

	if (argc != 4)
		bench_fail("usage: calls RULED_FILE OTHER_FILE BLOCKS");
	bench_start();

	const struct functions libc = { bench_libc.write, bench_libc.dup, bench_libc.close };
	const struct functions libwt = { write, dup, close };
	int null = open_or_fail("/dev/null", O_WRONLY);
	int ruled = open_or_fail(argv[1], O_WRONLY | O_CREAT);
	int other = open_or_fail(argv[2], O_WRONLY | O_CREAT);
	struct calls calls[] = {
		{ "libc:write-null", &libc, write_block, null, { 0 } },
		{ "libwt:write-null", &libwt, write_block, null, { 0 } },
		{ "libc:dup-other", &libc, dup_block, other, { 0 } },
		{ "libwt:dup-other", &libwt, dup_block, other, { 0 } },
		{ "libc:dup-ruled", &libc, dup_block, ruled, { 0 } },
		{ "libwt:dup-ruled", &libwt, dup_block, ruled, { 0 } },
	};
	enum { CALLS = sizeof(calls) / sizeof(*calls) };
	size_t order[CALLS];

	for (int block = 0; block < atoi(argv[3]); block++) {
		bench_shuffle(order, CALLS, &random);
		for (size_t i = 0; i < CALLS; i++) {
			struct calls *c = &calls[order[i]];
			uint64_t start = bench_thread_ns();

			c->block(c->functions, c->fd);
			bench_figures_add(&c->figures,
					  (double)(bench_thread_ns() - start) / BLOCK_CALLS);
		}
	}
	for (size_t i = 0; i < CALLS; i++) {
		printf("{\"series\":\"%s\",", calls[i].name);
		bench_figures_print(&calls[i].figures);
		printf("}\n");
	}
	return 0;
}
