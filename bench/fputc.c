/* SPDX-License-Identifier: MIT */
/*
 * fputc - what the preload adds to a program that writes byte by byte into a stream.
 *
 *   fputc OTHER_FILE ASYNC_FILE TURNS
 *
 * A figure is the nanoseconds of one fputc(3) in a million, the fclose(3) behind them included. The
 * way "start" is the least that `async` can cost: libc's own stream, and for each buffer that it
 * hands over the start of the device write.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib.h"

enum { BYTES = 1 << 20, BUFFER = 4096 };

#undef fputc
#define WAYS(X)                                                                                    \
	X(libc, bench_libc.fopen, bench_libc.fputc, bench_libc.fclose)                             \
	X(libwt, fopen, fputc, fclose)

/* Each way in a loop of its own, so that the call is what a program makes of it. */
#define X(name, open_stream, put, close_stream)                                                    \
	static double name##_block(const char *path)                                               \
	{                                                                                          \
		FILE *stream = open_stream(path, "w");                                             \
		if (!stream)                                                                       \
			bench_fail("%s: %s", path, strerror(errno));                               \
		uint64_t begin = bench_now_ns();                                                   \
		for (int i = 0; i < BYTES; i++)                                                    \
			if (put(i, stream) == EOF)                                                 \
				bench_fail("fputc: %s", strerror(errno));                          \
		if (close_stream(stream))                                                          \
			bench_fail("fclose: %s", strerror(errno));                                 \
		return (double)(bench_now_ns() - begin) / BYTES;                                   \
	}
WAYS(X)
#undef X

static double start_block(const char *path)
{
	FILE *stream = bench_libc.fopen(path, "w");

	if (!stream)
		bench_fail("%s: %s", path, strerror(errno));
	uint64_t begin = bench_now_ns();
	for (int i = 0; i < BYTES; i++) {
		if (bench_libc.fputc(i, stream) == EOF)
			bench_fail("fputc: %s", strerror(errno));
		/* The buffer before has just been handed over. */
		if (i % BUFFER == 0 && i)
			bench_libc.sync_file_range(fileno(stream), i - BUFFER, BUFFER,
						   SYNC_FILE_RANGE_WRITE);
	}
	if (bench_libc.fclose(stream))
		bench_fail("fclose: %s", strerror(errno));
	return (double)(bench_now_ns() - begin) / BYTES;
}

int main(int argc, char **argv)
{
	uint64_t random = 1;

	if (argc != 4)
		bench_fail("usage: fputc OTHER_FILE ASYNC_FILE TURNS");
	bench_start();
	struct {
		const char *name;
		double (*block)(const char *path);
		const char *path;
		struct bench_figures figures;
	} all[] = {
		{ "libc:fputc-other", libc_block, argv[1], { 0 } },
		{ "libwt:fputc-other", libwt_block, argv[1], { 0 } },
		{ "libc:fputc-async", libc_block, argv[2], { 0 } },
		{ "start:fputc-async", start_block, argv[2], { 0 } },
		{ "libwt:fputc-async", libwt_block, argv[2], { 0 } },
	};
	enum { SERIES = sizeof(all) / sizeof(*all) };
	size_t order[SERIES];

	for (int turn = 0; turn < atoi(argv[3]); turn++) {
		bench_shuffle(order, SERIES, &random);
		for (size_t i = 0; i < SERIES; i++) {
			unlink(all[order[i]].path);
			bench_figures_add(&all[order[i]].figures,
					  all[order[i]].block(all[order[i]].path));
		}
	}
	for (size_t i = 0; i < SERIES; i++) {
		printf("{\"series\":\"%s\",", all[i].name);
		bench_figures_print(&all[i].figures);
		printf("}\n");
	}
	return 0;
}
