/* SPDX-License-Identifier: MIT */
/*
 * syncer - does a list of things to a file and says after which syncs the device had flushed.
 *
 *	syncer file=PATH stat=/sys/block/X/stat do=LETTERS
 *
 * w pwrite of a block, W pwrite behind the end, t ftruncate to half, f fallocate of a block,
 * m shared writable mapping, r shared mapping to read, c copy_file_range onto itself, p fdopen,
 * P the same but written to, a aio_write, o another opening to go on with, O one with O_TRUNC,
 * T truncate by name, d fdatasync, s fsync.
 * Prints "flushes=" and a digit for each d and s: 1 where the device's count of flushes
 * grew, 0 where it did not.
 */
#define _GNU_SOURCE
#include <aio.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../lib/probe.h"

#define BLOCK 4096

static const char *path, *stat_path;
static char block[BLOCK];

/* Field 16 of Documentation/block/stat.rst: flush requests that completed. */
static uint64_t flushes(void)
{
	char text[512] = "";
	uint64_t value = 0;
	int fd = probe_open(stat_path, O_RDONLY);

	must(fd >= 0 && syscall(SYS_read, fd, text, sizeof(text) - 1) > 0, stat_path);
	probe_close(fd);
	char *at = text;
	for (int field = 0; field < 16; field++)
		value = strtoull(at, &at, 10);
	return value;
}

static void print_sync(int fd, int (*sync)(int))
{
	uint64_t before = flushes();

	must(!sync(fd), "sync");
	putchar(flushes() > before ? '1' : '0');
}

static void copy_within(int fd)
{
	off64_t from = 0, to = 2 * BLOCK;

	must(copy_file_range(fd, &from, fd, &to, BLOCK, 0) == BLOCK, "copy_file_range");
}

static void write_async(int fd)
{
	struct aiocb request = { .aio_fildes = fd, .aio_buf = block, .aio_nbytes = BLOCK };
	const struct aiocb *const list[] = { &request };

	must(!aio_write(&request) && !aio_suspend(list, 1, NULL), "aio_write");
	must(aio_return(&request) == BLOCK, "aio_return");
}

static void write_mapped(int fd)
{
	char *map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(map != MAP_FAILED, "mmap");
	map[0]++;
}

static void write_stream(int fd)
{
	FILE *stream = fdopen(fd, "r+");

	must(stream && fputs("x", stream) >= 0 && !fflush(stream), "fdopen");
}

static int act(int fd, char what)
{
	static off_t end = 1 << 20;

	switch (what) {
	case 'w':
		must(pwrite(fd, block, BLOCK, BLOCK) == BLOCK, "pwrite");
		break;
	case 'W':
		must(pwrite(fd, block, BLOCK, end) == BLOCK, "pwrite");
		end += BLOCK;
		break;
	case 't':
		must(!ftruncate(fd, 1 << 19), "ftruncate");
		break;
	case 'f':
		must(!fallocate(fd, 0, 1 << 21, BLOCK), "fallocate");
		break;
	case 'm':
		write_mapped(fd);
		break;
	case 'r':
		must(mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED, "mmap");
		break;
	case 'c':
		copy_within(fd);
		break;
	case 'p':
		write_stream(fd);
		break;
	case 'a':
		write_async(fd);
		break;
	case 'o':
		fd = open(path, O_RDWR);
		break;
	case 'O':
		fd = open(path, O_RDWR | O_TRUNC);
		break;
	case 'T':
		must(!truncate(path, 1 << 18), "truncate");
		break;
	case 'd':
		print_sync(fd, fdatasync);
		break;
	case 's':
		print_sync(fd, fsync);
		break;
	default:
		fprintf(stderr, "syncer: no action %c\n", what);
		exit(2);
	}
	return fd;
}

int main(int argc, char **argv)
{
	const char *todo = "";

	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "file=", 5))
			path = argv[i] + 5;
		else if (!strncmp(argv[i], "stat=", 5))
			stat_path = argv[i] + 5;
		else if (!strncmp(argv[i], "do=", 3))
			todo = argv[i] + 3;
	}
	int fd = open(path, O_RDWR);
	must(fd >= 0, path);
	printf("flushes=");
	for (; *todo; todo++)
		fd = act(fd, *todo);
	printf("\n");
	return 0;
}
