/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "lib.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/elf.h"

#define PARTS 16

#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

struct bench_libc bench_libc;

void bench_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

/* In its tables: dlsym(3) answers with libwt's. */
static void *libc_symbol(const struct wt_elf *libc, const char *text)
{
	struct wt_elf_name name = wt_elf_name(text);
	const ElfW(Sym) *symbol = libc->symbols ? wt_elf_find(libc, &name) : NULL;

	if (!symbol)
		bench_fail("libc has no %s", text);
	return wt_elf_address(libc, symbol);
}

void bench_start(void)
{
	struct wt_elf libc = { .base = 0 };

	for (struct link_map *map = _r_debug.r_map; map; map = map->l_next)
		if (wt_elf_read(&libc, map->l_addr, map->l_ld) &&
		    !strncmp(libc.name, "libc.so.", strlen("libc.so.")))
			break;
	bench_libc.open = libc_symbol(&libc, "open");
	bench_libc.close = libc_symbol(&libc, "close");
	bench_libc.dup = libc_symbol(&libc, "dup");
	bench_libc.write = libc_symbol(&libc, "write");
	bench_libc.pwrite = libc_symbol(&libc, "pwrite");
	bench_libc.pwritev2 = libc_symbol(&libc, "pwritev2");
	bench_libc.sync_file_range = libc_symbol(&libc, "sync_file_range");
	bench_libc.fopen = libc_symbol(&libc, "fopen");
	bench_libc.fputc = libc_symbol(&libc, "fputc");
	bench_libc.fclose = libc_symbol(&libc, "fclose");
	if (dlsym(RTLD_DEFAULT, "pwrite") == (void *)bench_libc.pwrite)
		bench_fail("pwrite is libc's own: libwt is not preloaded");
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t bench_now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

uint64_t bench_thread_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* splitmix64: any state will do, and neighbouring seeds give unrelated sequences. */
uint64_t bench_random(uint64_t *state)
{
	uint64_t mixed = *state += 0x9e3779b97f4a7c15;

	mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
	return mixed ^ (mixed >> 31);
}

void bench_shuffle(size_t *order, size_t len, uint64_t *state)
{
	for (size_t i = 0; i < len; i++) {
		size_t place = bench_random(state) % (i + 1);

		order[i] = order[place];
		order[place] = i;
	}
}

void *bench_buffer(size_t len)
{
	uint64_t state = len;
	uint64_t *words;

	if (posix_memalign((void **)&words, (size_t)sysconf(_SC_PAGESIZE), len))
		bench_fail("no memory for %zu bytes", len);
	for (size_t i = 0; i < len / sizeof(*words); i++)
		words[i] = bench_random(&state);
	return words;
}

void bench_figures_add(struct bench_figures *figures, double value)
{
	if (figures->len == figures->max) {
		figures->max = figures->max ? 2 * figures->max : 1024;
		figures->values = realloc(figures->values, figures->max * sizeof(double));
		if (!figures->values)
			bench_fail("no memory for %zu figures", figures->max);
	}
	figures->values[figures->len++] = value;
}

static int compare_doubles(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static double quantile(const double *sorted, size_t len, double share)
{
	double place = share * (double)(len - 1);
	size_t below = (size_t)place;
	double above = below + 1 < len ? sorted[below + 1] : sorted[below];

	return sorted[below] + (above - sorted[below]) * (place - (double)below);
}

static double median_of(const double *values, size_t len, double *scratch)
{
	memcpy(scratch, values, len * sizeof(double));
	qsort(scratch, len, sizeof(double), compare_doubles);
	return quantile(scratch, len, 0.5);
}

void bench_figures_print(const struct bench_figures *figures)
{
	size_t len = figures->len;
	size_t parts = len < PARTS ? len : PARTS;
	double *scratch = malloc(len * sizeof(double));

	if (!len || !scratch)
		bench_fail("nothing was measured");
	printf("\"parts\":[");
	for (size_t part = 0; part < parts; part++) {
		size_t from = part * len / parts, to = (part + 1) * len / parts;

		printf("%s%.2f", part ? "," : "",
		       median_of(figures->values + from, to - from, scratch));
	}
	printf("],\"p50\":%.2f", median_of(figures->values, len, scratch));
	printf(",\"p10\":%.2f,\"p90\":%.2f,\"p99\":%.2f", quantile(scratch, len, 0.10),
	       quantile(scratch, len, 0.90), quantile(scratch, len, 0.99));
	free(scratch);
}

/* In what they return and in their errors all ways are pwrite(2). */
struct bench_way {
	const char *name;
	int open_flags;
	ssize_t (*write)(int fd, const void *buf, size_t len, off_t offset);
};

static ssize_t write_libwt(int fd, const void *buf, size_t len, off_t offset)
{
	return pwrite(fd, buf, len, offset);
}

static ssize_t write_writeback(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t written = bench_libc.pwrite(fd, buf, len, offset);

	if (written > 0 &&
	    bench_libc.sync_file_range(fd, offset, written,
				       SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
					       SYNC_FILE_RANGE_WAIT_AFTER))
		return -1;
	return written;
}

static ssize_t write_dsync(int fd, const void *buf, size_t len, off_t offset)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };

	return bench_libc.pwritev2(fd, &iov, 1, offset, RWF_DSYNC);
}

static ssize_t write_plain(int fd, const void *buf, size_t len, off_t offset)
{
	return bench_libc.pwrite(fd, buf, len, offset);
}

static const struct bench_way ways[] = {
	{ "libwt", 0, write_libwt },
	{ "writeback", 0, write_writeback },
	{ "dsync", 0, write_dsync },
	{ "control", 0, write_dsync },
	{ "direct", O_DIRECT, write_plain },
	{ "direct-dsync", O_DIRECT, write_dsync },
	{ "libwt-direct", O_DIRECT, write_libwt },
};

static const struct bench_way *way_find(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (strlen(ways[i].name) == len && !strncmp(ways[i].name, name, len))
			return &ways[i];
	bench_fail("%s: no such way of writing", name);
}

/* libc's calls only: what libwt counts in its report are then the measured writes and no others. */
static void file_make(const char *path, off_t len_bytes, size_t fill_bytes, bool cold)
{
	int fd = bench_libc.open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	char *piece = bench_buffer(fill_bytes);

	if (fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
	for (off_t offset = 0; offset < len_bytes; offset += (off_t)fill_bytes)
		if (bench_libc.pwrite(fd, piece, fill_bytes, offset) != (ssize_t)fill_bytes)
			bench_fail("%s: filling it: %s", path, strerror(errno));
	if (fsync(fd) || (cold && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED)))
		bench_fail("%s: fsync: %s", path, strerror(errno));
	bench_libc.close(fd);
	free(piece);
}

void bench_series_open(struct bench_series *series, const char *name, const char *dir,
		       off_t len_bytes, size_t fill_bytes)
{
	size_t way_len = strcspn(name, ":");
	const char *file = name + way_len + 1;
	char path[4096];
	struct stat st;

	if (!name[way_len] || snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path))
		bench_fail("%s: expected WAY:FILE", name);
	*series = (struct bench_series){
		.name = name,
		.way = way_find(name, way_len),
		.cold = !strncmp(file, "cold", strlen("cold")),
	};
	if (stat(path, &st))
		file_make(path, len_bytes, fill_bytes, series->cold);
	series->fd = (series->way->write == write_libwt ? open : bench_libc.open)(
		path, O_RDWR | series->way->open_flags);
	if (series->fd < 0)
		bench_fail("%s: %s", path, strerror(errno));
}

void bench_write(const struct bench_series *series, const void *buf, size_t len, off_t offset)
{
	ssize_t written = series->way->write(series->fd, buf, len, offset);

	if (written < 0)
		bench_fail("%s: %s", series->name, strerror(errno));
	if ((size_t)written != len)
		bench_fail("%s: %zd of %zu bytes written", series->name, written, len);
}

void bench_check_cache(struct bench_series *series, off_t offset, size_t len)
{
	uint64_t range[2] = { (uint64_t)offset, len };
	struct {
		uint64_t cached, dirty, writeback, evicted, recently_evicted;
	} seen;
	uint64_t pages = len / (size_t)sysconf(_SC_PAGESIZE);

	if (syscall(SYS_cachestat, series->fd, range, &seen, 0)) {
		if (errno == ENOSYS)
			return;
		bench_fail("%s: cachestat: %s", series->name, strerror(errno));
	}
	series->pages += pages;
	series->pages_unclean += seen.dirty + seen.writeback;
	series->pages_misplaced += series->cold ? seen.cached : pages - seen.cached;
}

void bench_series_print(const struct bench_series *series)
{
	printf("{\"series\":\"%s\",\"calls\":%llu,\"pages\":%llu,\"unclean\":%llu,"
	       "\"misplaced\":%llu,",
	       series->name, (unsigned long long)series->calls, (unsigned long long)series->pages,
	       (unsigned long long)series->pages_unclean,
	       (unsigned long long)series->pages_misplaced);
	bench_figures_print(&series->figures);
	printf("}\n");
}
