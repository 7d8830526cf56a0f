/* SPDX-License-Identifier: MIT */
/*
 * stamp FILE CALL... - makes the calls on one descriptor, whatever they answer, and prints a line
 * for each: its name, result, error, and CLOCK_MONOTONIC before and after it, in nanoseconds.
 *
 *   write:OFFSET:LENGTH:BYTE   pwrite
 *   dsync:OFFSET:LENGTH:BYTE   pwritev2 with RWF_DSYNC
 *   range:OFFSET:LENGTH:BYTE   pwrite, and sync_file_range that waits
 *   fsync
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define RANGE_ALL (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER)

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

struct call {
	char name[8];
	long offset;
	size_t length;
	char byte;
};

static ssize_t make(int fd, const struct call *call, void *data)
{
	struct iovec iov = { .iov_base = data, .iov_len = call->length };
	ssize_t written;

	if (!strcmp(call->name, "fsync"))
		return fsync(fd);
	if (!strcmp(call->name, "dsync"))
		return pwritev2(fd, &iov, 1, call->offset, RWF_DSYNC);
	written = pwrite(fd, data, call->length, call->offset);
	if (written > 0 && !strcmp(call->name, "range") &&
	    sync_file_range(fd, call->offset, call->length, RANGE_ALL))
		return -1;
	return written;
}

static int parse(const char *argument, struct call *call)
{
	int fields = sscanf(argument, "%7[a-z]:%ld:%zu:%c", call->name, &call->offset,
			    &call->length, &call->byte);

	if (!strcmp(call->name, "fsync"))
		return fields == 1;
	return fields == 4 && (!strcmp(call->name, "write") || !strcmp(call->name, "dsync") ||
			       !strcmp(call->name, "range"));
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;

	if (fd < 0) {
		fprintf(stderr, "stamp: %s: %s\n", argc > 2 ? argv[1] : "usage: FILE CALL...",
			strerror(errno));
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		struct call call = { .name = "" };
		int64_t before, after;
		ssize_t result;
		char *data;

		if (!parse(argv[i], &call)) {
			fprintf(stderr, "stamp: %s: expected CALL:OFFSET:LENGTH:BYTE\n", argv[i]);
			return 2;
		}
		data = malloc(call.length + 1);
		if (!data)
			return 2;
		memset(data, call.byte, call.length);
		before = now_ns();
		result = make(fd, &call, data);
		after = now_ns();
		printf("%s %zd %s %ld %ld\n", call.name, result,
		       result < 0 ? strerrorname_np(errno) : "0", before, after);
		free(data);
	}
	return 0;
}
