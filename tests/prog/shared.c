/* SPDX-License-Identifier: MIT */
/*
 * shared - several writers through one file offset.
 *
 *   shared WHO HOW FILE
 *     WHO  threads (one descriptor), dups (a duplicate each), processes (forked)
 *     HOW  write, writev, append (write with O_APPEND), pwrite (places of their own),
 *          overlap (all at the same places, in whole blocks and not)
 *
 * Records are blocks of a size that no large folio crosses, so that one writer's
 * dirty pages are never another's. A writer finds its record as soon as the call
 * returns and asks cachestat(2) about it; afterwards every record must be there
 * once and whole. Facts on one line; it judges nothing.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../lib/probe.h"

#define WRITERS 4
#define RECORDS 12
#define RECORD_LEN (64 << 10)
#define TOTAL ((uint64_t)WRITERS * RECORDS * RECORD_LEN)

/* Shared by the writers, processes or threads. */
static struct board {
	volatile int ready;
	int dirty[WRITERS];   /* own pages not clean right after the call, in all */
	int failed[WRITERS];  /* calls that did not write a whole record */
	int missing[WRITERS]; /* records that were nowhere in the file at return */
} * board;

static const char *how;
static const char *lies;
static const char *view; /* the file, mapped for reading */
static int shared_fd;
static int watch_fd; /* on the inode that has the pages */

static uint64_t tag_of(int writer, int record)
{
	return 0x7461670000000000 | (uint64_t)writer << 16 | record;
}

static void fill(uint64_t *block, int writer, int record)
{
	for (size_t i = 0; i < RECORD_LEN / sizeof(*block); i++)
		block[i] = tag_of(writer, record);
}

static ssize_t write_record(int fd, char *block, uint64_t own_place)
{
	struct iovec halves[2] = { { block, 1000 }, { block + 1000, RECORD_LEN - 1000 } };

	if (!strcmp(how, "pwrite"))
		return pwrite(fd, block, RECORD_LEN, own_place);
	if (!strcmp(how, "writev"))
		return writev(fd, halves, 2);
	return write(fd, block, RECORD_LEN);
}

/* Only offsets below the size may be touched in the mapping. */
static int64_t find(int writer, int record)
{
	struct stat st;

	syscall(SYS_fstat, watch_fd, &st);
	for (int64_t at = 0; at + RECORD_LEN <= st.st_size; at += RECORD_LEN)
		if (*(const volatile uint64_t *)(view + at) == tag_of(writer, record))
			return at;
	return -1;
}

/* Nobody's record survives here; but every call must succeed. */
static void write_overlapping(int writer, int fd)
{
	char *block = probe_buffer(RECORD_LEN);

	memset(block, 'o', RECORD_LEN);
	for (int turn = 0; turn < 4 * RECORDS; turn++) {
		uint64_t place = (turn + writer) % RECORDS * RECORD_LEN;

		if (pwrite(fd, block, RECORD_LEN, place) != RECORD_LEN ||
		    pwrite(fd, block + 1, 3333, place + 5000) != 3333)
			board->failed[writer]++;
	}
	free(block);
}

static void write_all(int writer, int fd)
{
	char *block;

	__atomic_add_fetch(&board->ready, 1, __ATOMIC_SEQ_CST);
	while (board->ready < WRITERS)
		sched_yield();
	if (!strcmp(how, "overlap")) {
		write_overlapping(writer, fd);
		return;
	}
	block = probe_buffer(RECORD_LEN);
	for (int record = 0; record < RECORDS; record++) {
		struct probe_cache cache = { 0 };
		int64_t at;

		fill((uint64_t *)block, writer, record);
		if (write_record(fd, block, (uint64_t)(record * WRITERS + writer) * RECORD_LEN) !=
		    RECORD_LEN)
			board->failed[writer]++;
		at = find(writer, record);
		if (at < 0)
			board->missing[writer]++;
		else if (!probe_cachestat(watch_fd, at, RECORD_LEN, &cache))
			board->dirty[writer] += cache.dirty + cache.writeback;
	}
	free(block);
}

static void *thread_main(void *arg)
{
	write_all((intptr_t)arg, shared_fd);
	return NULL;
}

static void *dup_main(void *arg)
{
	write_all((intptr_t)arg, dup(shared_fd));
	return NULL;
}

static void run_threads(void *(*body)(void *))
{
	pthread_t threads[WRITERS];

	for (intptr_t i = 0; i < WRITERS; i++)
		if (pthread_create(&threads[i], NULL, body, (void *)i))
			abort();
	for (int i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
}

static void run_processes(void)
{
	for (int i = 0; i < WRITERS; i++) {
		if (fork() == 0) {
			write_all(i, shared_fd);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
}

static int sum(const int *counts)
{
	int total = 0;

	for (int i = 0; i < WRITERS; i++)
		total += counts[i];
	return total;
}

/* Records that are there once and whole. */
static int count_intact(void)
{
	int intact = 0, seen[WRITERS][RECORDS] = { 0 };
	uint64_t *block = probe_buffer(RECORD_LEN), *wanted = probe_buffer(RECORD_LEN);
	int fd = probe_open(lies, O_RDONLY);

	while (syscall(SYS_read, fd, block, RECORD_LEN) == RECORD_LEN) {
		int writer = block[0] >> 16 & 0xff, record = block[0] & 0xffff;

		if (writer >= WRITERS || record >= RECORDS)
			continue;
		fill(wanted, writer, record);
		if (!memcmp(block, wanted, RECORD_LEN) && !seen[writer][record]++)
			intact++;
	}
	return intact;
}

int main(int argc, char **argv)
{
	struct probe_cache cache = { 0 };
	struct stat st;

	if (argc < 4)
		return 2;
	how = argv[2];
	lies = argc > 4 ? argv[4] : argv[3];
	shared_fd =
		open(argv[3], O_RDWR | O_CREAT | O_TRUNC | (!strcmp(how, "append") ? O_APPEND : 0),
		     0600);
	watch_fd = probe_open(lies, O_RDONLY);
	view = mmap(NULL, TOTAL, PROT_READ, MAP_SHARED, watch_fd, 0);
	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	if (shared_fd < 0 || view == MAP_FAILED || board == MAP_FAILED)
		return 2;
	if (!strcmp(argv[1], "processes"))
		run_processes();
	else
		run_threads(!strcmp(argv[1], "dups") ? dup_main : thread_main);
	probe_cachestat(watch_fd, 0, 0, &cache);
	syscall(SYS_fstat, shared_fd, &st);
	printf("records=%d intact=%d failed=%d missing=%d size=%" PRIu64 " expected=%" PRIu64
	       " position=%" PRIu64 " dirty_at_return=%d dirty_at_end=%" PRIu64 "\n",
	       WRITERS * RECORDS, count_intact(), sum(board->failed), sum(board->missing),
	       (uint64_t)st.st_size, TOTAL, (uint64_t)lseek(shared_fd, 0, SEEK_CUR),
	       sum(board->dirty), cache.dirty + cache.writeback);
	return 0;
}
