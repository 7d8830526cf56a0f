/* SPDX-License-Identifier: MIT */
/*
 * differential - random file operations, decided by a seed alone, and a trace of what they did.
 *
 * A preloaded library is right when the trace is the same with it and without it. The files:
 *
 *   main.c    the table of operations, and what processes do to each other
 *   fd.c      where descriptors come from, and where they end
 *   io.c      writes of every kind, reads, offsets, sizes
 *   ways.c    the other ways to write: copies, allocations, aio, signal handlers, mappings
 *   stream.c  where streams come from, where they stand and where they end
 *   put.c     what goes into streams and comes out of them
 *   crew.c    threads and processes at work on one file at once
 *   trace.c   the trace, written past any library
 *   look.c    what the kernel says, asked by bare system calls, so that no preloaded
 *                    library can colour it
 */
#ifndef DIFFERENTIAL_H
#define DIFFERENTIAL_H

#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

#define SLOTS 10
#define FEW_DESCRIPTORS 40
#define LAST_OFFSET (256 << 10)
#define POOL_BYTES (4UL << 20)
#define UNTOUCHED 4321 /* a call that succeeds leaves errno as it was */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TRY(call) (errno = UNTOUCHED, returned(call))

struct rng {
	uint64_t state;
};

static inline uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/* Each operation draws from a stream of its own: what one does cannot shift those that follow. */
static inline struct rng rng_of(uint64_t seed, uint64_t stream)
{
	return (struct rng){ mix(seed + mix(stream + 0x9e3779b97f4a7c15ULL)) };
}

static inline uint64_t draw(struct rng *rng)
{
	return mix(rng->state += 0x9e3779b97f4a7c15ULL);
}

static inline uint64_t below(struct rng *rng, uint64_t end)
{
	return draw(rng) % end;
}

static inline bool one_in(struct rng *rng, uint64_t n)
{
	return below(rng, n) == 0;
}

/* Which operations: those on files alone, or all. */
enum mix { FILES, ALL, MIXES };

/* Where this process stands. */
struct position {
	enum mix mix;
	bool looks_for_dirt;
	bool is_tame; /* no memory that cannot be read: a sanitizer looks at what it is shown */
	uint64_t seed;
	char prefix[64]; /* "17/" in a process that operation 17 started */
	long op;
	int slots[SLOTS]; /* descriptors; a slot may well be out of date, as in real programs */
	char dir[4096];
};

extern struct position my;
extern char *pool;    /* POOL_BYTES to write from, then a page that no one may read */
extern char *scratch; /* POOL_BYTES to read into */

/* trace.c */
long returned(long result);
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void trace(long result, const char *format, ...) __attribute__((format(printf, 2, 3)));
void trace_fd(int fd, long result, const char *format, ...) __attribute__((format(printf, 3, 4)));
void trace_stream(FILE *file, long result, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
const char *errno_name(int number);
uint64_t digest(uint64_t sum, const void *bytes, size_t len);
void start_trace(void);

/* look.c */
void limit_descriptors(unsigned int count);
int raw_open(const char *path, int flags);
int raw_flags(int fd);
long long raw_offset(int fd);
long long raw_size(int fd);
bool raw_is_device(int fd);
bool raw_is_file(int fd);
bool raw_is_file_here(int fd); /* on the file system of the files */
void look_for_dirt(int fd);
void look_for_dirt_by_name(void);
void say_hole(int fd);
void trace_files(void);
void trace_files_at_the_end(void);
void trace_descriptors(void);

/* fd.c */
int any_fd(struct rng *rng);
int *free_slot(struct rng *rng);
const char *any_name(struct rng *rng);
void op_open(struct rng *rng);
void op_mkstemp(struct rng *rng);
void op_special(struct rng *rng);
void op_stream(struct rng *rng);
void op_close(struct rng *rng);
void op_close_range(struct rng *rng);
void op_dup(struct rng *rng);
void op_fcntl(struct rng *rng);
void op_lock(struct rng *rng);
void op_crowd(struct rng *rng);
void op_name(struct rng *rng);

/* io.c */
size_t any_len(struct rng *rng);
off_t any_offset(struct rng *rng, int fd);
size_t whole_blocks(int fd, size_t len); /* on an O_DIRECT descriptor */
void limit_file_size(long long bytes);
void unlimit_file_size(void);
void op_write(struct rng *rng);
void op_write_far(struct rng *rng);
void op_read(struct rng *rng);
void op_lseek(struct rng *rng);
void op_truncate(struct rng *rng);
void op_fallocate(struct rng *rng);
void op_sync(struct rng *rng);

/* ways.c */
extern bool aio_is_lost; /* in a child of who used it: the C library's threads are not there */
extern bool aio_was_used;
void op_print(struct rng *rng);
void op_copy(struct rng *rng);
void op_allocate(struct rng *rng);
void op_aio(struct rng *rng);
void op_syscall(struct rng *rng);
void op_map(struct rng *rng);
void op_signal(struct rng *rng);

/* stream.c */
FILE *any_stream(struct rng *rng); /* NULL: none is open */
bool streams_hold_nothing(void);
void op_stream_open(struct rng *rng);
void op_stream_reopen(struct rng *rng);
void op_stream_seek(struct rng *rng);
void op_stream_flush(struct rng *rng);
void op_stream_buffer(struct rng *rng);
void op_stream_close(struct rng *rng);
void op_stream_memory(struct rng *rng);
void op_stream_pipe(struct rng *rng);

/* put.c */
extern const char *prose; /* POOL_BYTES to print from */
void op_stream_put(struct rng *rng);
void op_stream_print(struct rng *rng);
void op_stream_get(struct rng *rng);

/* crew.c */
void op_crew(struct rng *rng);

#endif
