/* SPDX-License-Identifier: MIT */
/*
 * overwrite - what one overwrite costs, for several ways of writing that take turns.
 *
 * Each turn makes one write of each series, in an order drawn anew, at offsets of their own. After
 * each write, outside the measured time, the page cache is looked at.
 */
#include <stdio.h>
#include <stdlib.h>

#include "lib.h"

#define SERIES_MAX 16

static void turn(struct bench_series *series, size_t len, const void *buf, size_t block_bytes,
		 off_t blocks, uint64_t *random)
{
	size_t order[SERIES_MAX];

	bench_shuffle(order, len, random);
	for (size_t i = 0; i < len; i++) {
		struct bench_series *s = &series[order[i]];
		off_t offset = (off_t)(bench_random(random) % (uint64_t)blocks * block_bytes);
		uint64_t start = bench_now_ns();

		bench_write(s, buf, block_bytes, offset);
		bench_figures_add(&s->figures, (double)(bench_now_ns() - start));
		bench_check_cache(s, offset, block_bytes);
		s->calls++;
	}
}

int main(int argc, char **argv)
{
	struct bench_series series[SERIES_MAX];
	size_t len = (size_t)(argc - 6);
	uint64_t random = 1;

	if (argc < 7 || len > SERIES_MAX)
		bench_fail("usage: overwrite DIR FILE_BYTES FILL_BYTES BLOCK_BYTES SECONDS "
			   "WAY:FILE...");
	off_t file_bytes = atoll(argv[2]);
	size_t fill_bytes = (size_t)atoll(argv[3]);
	size_t block_bytes = (size_t)atoll(argv[4]);
	uint64_t run_ns = (uint64_t)(atof(argv[5]) * 1e9);
	void *buf = bench_buffer(block_bytes);

	bench_start();
	for (size_t i = 0; i < len; i++)
		bench_series_open(&series[i], argv[6 + i], argv[1], file_bytes, fill_bytes);
	for (uint64_t start = bench_now_ns(); bench_now_ns() - start < run_ns;)
		turn(series, len, buf, block_bytes, file_bytes / (off_t)block_bytes, &random);
	for (size_t i = 0; i < len; i++)
		bench_series_print(&series[i]);
	return 0;
}
