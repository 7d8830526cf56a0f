/* SPDX-License-Identifier: MIT */
/*
 * threads - how many blocks a second several threads overwrite through one descriptor.
 *
 * The series take turns in rounds of a given length; a figure is the writes per second of a round.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib.h"

#define SERIES_MAX 8
#define THREADS_MAX 256
#define BLOCK_BYTES 4096

struct round {
	const struct bench_series *series;
	off_t blocks;
	uint64_t end_ns;
	atomic_ullong random;
	atomic_ullong calls;
};

static void *overwrite(void *arg)
{
	struct round *round = arg;
	uint64_t random = atomic_fetch_add(&round->random, 1);
	uint64_t calls = 0;
	void *buf = bench_buffer(BLOCK_BYTES);

	while (bench_now_ns() < round->end_ns) {
		uint64_t block = bench_random(&random) % (uint64_t)round->blocks;

		bench_write(round->series, buf, BLOCK_BYTES, (off_t)block * BLOCK_BYTES);
		calls++;
	}
	atomic_fetch_add(&round->calls, calls);
	free(buf);
	return NULL;
}

static void run_round(struct bench_series *series, off_t file_bytes, size_t threads, double seconds,
		      uint64_t seed)
{
	pthread_t ids[THREADS_MAX];
	uint64_t start_ns = bench_now_ns();
	struct round round = {
		.series = series,
		.blocks = file_bytes / BLOCK_BYTES,
		.end_ns = start_ns + (uint64_t)(seconds * 1e9),
		.random = seed,
	};

	for (size_t i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, overwrite, &round))
			bench_fail("cannot start %zu threads", threads);
	for (size_t i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	bench_figures_add(&series->figures,
			  (double)round.calls * 1e9 / (double)(bench_now_ns() - start_ns));
	series->calls += round.calls;
	bench_check_cache(series, 0, (size_t)file_bytes);
}

int main(int argc, char **argv)
{
	struct bench_series series[SERIES_MAX];
	size_t order[SERIES_MAX];
	size_t len = (size_t)(argc - 6);
	uint64_t random = 1;

	if (argc < 7 || len > SERIES_MAX || atoi(argv[3]) > THREADS_MAX)
		bench_fail("usage: threads DIR FILE_BYTES THREADS ROUNDS SECONDS WAY:FILE...");
	off_t file_bytes = atoll(argv[2]);

	bench_start();
	for (size_t i = 0; i < len; i++)
		bench_series_open(&series[i], argv[6 + i], argv[1], file_bytes, BLOCK_BYTES);
	for (int round = 0; round < atoi(argv[4]); round++) {
		bench_shuffle(order, len, &random);
		for (size_t i = 0; i < len; i++)
			run_round(&series[order[i]], file_bytes, (size_t)atoi(argv[3]),
				  atof(argv[5]), bench_random(&random));
	}
	for (size_t i = 0; i < len; i++)
		bench_series_print(&series[i]);
	return 0;
}
