/* SPDX-License-Identifier: MIT */
/*
 * commit - what the programs share that commit to a database and later look for their commits.
 *
 * Commit N of writer W stores a value made from both under a key of its own, and in the same
 * transaction N as the writer's newest. Once the database has said that it is committed, a line
 * "W N TIME" goes to stdout, in one write: TIME is CLOCK_MONOTONIC, in nanoseconds, after the
 * answer. A check reads such lines, and prints "there N" for the number of commits that are there,
 * "lost W N" for each that is not, and "unsound: why" for all else that is not as it must be.
 */
#ifndef WT_TESTS_COMMIT_H
#define WT_TESTS_COMMIT_H

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COMMIT_VALUE_MAX 4096
#define COMMIT_KEY_MAX 48

/* Fills `value`, of COMMIT_VALUE_MAX bytes; gives its length, another one for each commit. */
static inline size_t commit_value(char *value, unsigned int writer, uint64_t number)
{
	size_t length = 20 + number * 37 % 3000, at = 0;

	while (at < length)
		at += snprintf(value + at, COMMIT_VALUE_MAX - at, "%u:%" PRIu64 ";", writer,
			       number);
	return length;
}

static inline bool commit_is_value(const char *value, size_t length, unsigned int writer,
				   uint64_t number)
{
	char expected[COMMIT_VALUE_MAX];

	return value && length == commit_value(expected, writer, number) &&
	       !memcmp(value, expected, length);
}

/* Keys sort by writer, then by number. */
static inline void commit_key(char key[COMMIT_KEY_MAX], unsigned int writer, uint64_t number)
{
	snprintf(key, COMMIT_KEY_MAX, "commit:%03u:%012" PRIu64, writer, number);
}

static inline void commit_newest_key(char key[COMMIT_KEY_MAX], unsigned int writer)
{
	snprintf(key, COMMIT_KEY_MAX, "newest:%03u", writer);
}

static inline void commit_acknowledge(unsigned int writer, uint64_t number)
{
	struct timespec now;
	char line[80];
	int length;

	clock_gettime(CLOCK_MONOTONIC, &now);
	length = snprintf(line, sizeof(line), "%u %" PRIu64 " %lld\n", writer, number,
			  now.tv_sec * 1000000000LL + now.tv_nsec);
	if (write(STDOUT_FILENO, line, length) != length)
		abort(); /* an acknowledgment that is lost would hide a commit that is */
}

/* The next acknowledgment on stdin. */
static inline bool commit_next(unsigned int *writer, uint64_t *number)
{
	char line[80];

	return fgets(line, sizeof(line), stdin) && sscanf(line, "%u %" SCNu64, writer, number) == 2;
}

#endif
