/* SPDX-License-Identifier: MIT */
/*
 * lib - what the benchmarks share: series of figures, files of a known layout, the ways to write.
 *
 * A benchmark is started with libwt preloaded. The way "libwt" makes the ordinary call, which the
 * preload sees; every other way calls libc's own functions through `bench_libc`, past any preload.
 * So both run in one process, in turn, on the same file. Whatever fails ends the program with
 * status 1 and a line that names it: a figure of failed writes is none.
 *
 * Not for use by several threads, except bench_write() and bench_random().
 */
#ifndef BENCH_LIB_H
#define BENCH_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>

/* libc's own functions, whatever is preloaded. */
struct bench_libc {
	int (*open)(const char *path, int flags, ...);
	int (*close)(int fd);
	int (*dup)(int fd);
	ssize_t (*write)(int fd, const void *buf, size_t len);
	ssize_t (*pwrite)(int fd, const void *buf, size_t len, off_t offset);
	ssize_t (*pwritev2)(int fd, const struct iovec *iov, int iovcnt, off_t offset, int flags);
	int (*sync_file_range)(int fd, off_t offset, off_t len, unsigned int flags);
	FILE *(*fopen)(const char *path, const char *mode);
	int (*fputc)(int c, FILE *stream);
	int (*fclose)(FILE *stream);
};

extern struct bench_libc bench_libc;

/* Fills bench_libc; fails when nothing is preloaded, for then both sides would be the same. */
void bench_start(void);

void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

uint64_t bench_now_ns(void);
uint64_t bench_thread_ns(void); /* processor time of the calling thread */

/* The next number of a repeatable sequence; `state` is any number at the start. */
uint64_t bench_random(uint64_t *state);

/* Puts 0 .. len-1 into `order`, shuffled: who follows whom differs from turn to turn. */
void bench_shuffle(size_t *order, size_t len, uint64_t *state);

void *bench_buffer(size_t len);

/* Figures of one method in the order in which they were measured. */
struct bench_figures {
	double *values;
	size_t len;
	size_t max;
};

void bench_figures_add(struct bench_figures *figures, double value);

/* Prints what is inside a JSON object: the quantiles, and the medians of up to 16 equal parts. */
void bench_figures_print(const struct bench_figures *figures);

/* One way of writing into one file, named "WAY:FILE". */
struct bench_series {
	const char *name;
	const struct bench_way *way;
	int fd;
	uint64_t calls;
	struct bench_figures figures;
	/* What bench_check_cache() saw: pages in all, dirty or under writeback, wrongly cached. */
	bool cold; /* the file's pages are not to be cached */
	uint64_t pages;
	uint64_t pages_unclean;
	uint64_t pages_misplaced;
};

/*
 * Opens FILE of "WAY:FILE" in `dir`. Where it is missing it is made, by writes of `fill_bytes`, and
 * synced; its pages are left in the cache, or not where the name begins with "cold". The kernel
 * keeps the pages of one write in few folios, whose size later overwrites feel.
 */
void bench_series_open(struct bench_series *series, const char *name, const char *dir,
		       off_t len_bytes, size_t fill_bytes);

/* One write, whole or the program ends. */
void bench_write(const struct bench_series *series, const void *buf, size_t len, off_t offset);

/* Counts the pages of a range. Without cachestat(2), before Linux 6.5, it counts none. */
void bench_check_cache(struct bench_series *series, off_t offset, size_t len);

/* One line of JSON. */
void bench_series_print(const struct bench_series *series);

#endif
