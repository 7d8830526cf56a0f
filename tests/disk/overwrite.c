/* SPDX-License-Identifier: MIT */
/*
 * overwrite plain|range|dsync FILE SECTOR COUNT - overwrites COUNT blocks of 4 KiB of a file that
 * lies on the disk in one piece from SECTOR on, and prints of how many of them the disk's log says
 *
 *   written   the block's write had completed when the call returned
 *   flushed   and a flush that came after it, too
 */
#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <time.h>

#define BLOCK 4096

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "overwrite: %s: %s\n", what, why);
	exit(1);
}

static void put(int fd, const char *how, const char *block, off_t at)
{
	struct iovec iov = { .iov_base = (void *)block, .iov_len = BLOCK };

	if (pwritev2(fd, &iov, 1, at, strcmp(how, "dsync") ? 0 : RWF_DSYNC) != BLOCK)
		die(how, strerror(errno));
	if (!strcmp(how, "range") &&
	    sync_file_range(fd, at, BLOCK,
			    SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
				    SYNC_FILE_RANGE_WAIT_AFTER))
		die(how, strerror(errno));
}

static bool covers(const struct disk_request *request, uint64_t at)
{
	return !strcmp(request->op, "write") && !strcmp(request->error, "0") &&
	       request->offset <= at && at + BLOCK <= request->offset + request->length;
}

struct found {
	int written;
	int flushed;
};

static void judge(const char *log, uint64_t at, int64_t returned_ns, struct found *found)
{
	int64_t written_ns = INT64_MAX;
	struct disk_request request;
	bool flushed = false;

	while ((log = disk_log_next(log, &request))) {
		if (!request.completed_ns || request.completed_ns > returned_ns)
			continue;
		if (covers(&request, at))
			written_ns = request.completed_ns;
		else if (!strcmp(request.op, "flush") && request.arrived_ns >= written_ns)
			flushed = true;
	}
	found->written += written_ns != INT64_MAX;
	found->flushed += flushed;
}

int main(int argc, char **argv)
{
	struct found found = { 0 };
	char block[BLOCK];
	struct disk disk;
	int fd, count;

	if (argc != 5)
		die("usage", "overwrite plain|range|dsync FILE SECTOR COUNT");
	if (disk_connect(&disk, getenv("DISK_CTL")))
		die("DISK_CTL", strerror(errno));
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(argv[2], strerror(errno));
	count = atoi(argv[4]);
	for (int i = 0; i < count; i++) {
		int64_t before, returned_ns;

		if (!disk_command(&disk, "status"))
			die("status", disk.error);
		before = disk_fact(disk.answer, "requests");
		memset(block, 'a' + i % 26, BLOCK);
		put(fd, argv[1], block, (off_t)i * BLOCK);
		returned_ns = now_ns();
		if (!disk_command(&disk, "log since=%ld", before + 1))
			die("log", disk.error);
		judge(disk.answer, atoll(argv[3]) * 512 + (uint64_t)i * BLOCK, returned_ns, &found);
	}
	disk_disconnect(&disk);
	printf("written=%d flushed=%d\n", found.written, found.flushed);
	return 0;
}
