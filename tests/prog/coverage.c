/* SPDX-License-Identifier: MIT */
/*
 * coverage - writes once and says at once what has become of the bytes.
 *
 *   coverage KEY=VALUE...
 *     file    the file to write
 *     way     how its descriptor comes about (ways.h): open, dup, socket, ...
 *     symbol  the call that writes: write, pwritev2, ...
 *     place   over (explicit offset), current (the same through the descriptor's own),
 *             end, append (O_APPEND), flag (RWF_APPEND)
 *     offset, len, skew   of the write in bytes; skew moves the buffer off its alignment
 *     flags   pwritev2's
 *     lies    the directory where the files really lie, if not here (an overlay's upper)
 *     stat, device   of the disk below, where it has one
 *
 * One line of KEY=VALUE facts. It judges nothing: the test does.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include "../lib/probe.h"
#include "../lib/ways.h"

static char **arguments;

static const char *argument(const char *key, const char *otherwise)
{
	size_t len = strlen(key);

	for (char **arg = arguments; *arg; arg++)
		if (!strncmp(*arg, key, len) && (*arg)[len] == '=')
			return *arg + len + 1;
	return otherwise;
}

static int64_t number(const char *key, int64_t otherwise)
{
	const char *text = argument(key, NULL);

	return text ? strtoll(text, NULL, 0) : otherwise;
}

/* No two blocks alike, no byte that a hole could show, and another for every run. */
static char *make_bytes(size_t len, size_t skew)
{
	char *bytes = (char *)probe_buffer(len + skew) + skew;
	uint64_t state = getpid() * 2654435761ULL + 1;

	for (size_t i = 0; i < len; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = state | 1;
	}
	return bytes;
}

/* In three pieces that share no alignment, for the calls that take them. */
static int make_iov(struct iovec *iov, const char *symbol, char *bytes, size_t len)
{
	size_t first = len / 3 | 1, second = len / 2;

	if (!strchr(symbol, 'v') || len < 8) {
		iov[0] = (struct iovec){ bytes, len };
		return 1;
	}
	iov[0] = (struct iovec){ bytes, first };
	iov[1] = (struct iovec){ bytes + first, second };
	iov[2] = (struct iovec){ bytes + first + second, len - first - second };
	return 3;
}

static int descriptor(const char *name_of_way, char *name, bool append)
{
	const char *inherited = getenv("WAYS_INHERITED");
	const char *path = argument("file", "");
	int flags = O_RDWR | (append ? O_APPEND : 0);

	if (inherited) {
		strcpy(name, path);
		return atoi(inherited);
	}
	return ways_open(name_of_way, path, name, flags, arguments - 1);
}

static void print_disk(const char *path, uint64_t offset, const char *bytes, uint64_t len,
		       int64_t written_before)
{
	int fd = probe_open(path, O_RDONLY);
	struct probe_cache cache = { 0 };
	uint64_t pages = (offset + len + PROBE_BLOCK - 1) / PROBE_BLOCK - offset / PROBE_BLOCK;
	int err = probe_cachestat(fd, offset, len, &cache);
	int64_t written = probe_written(argument("stat", NULL));
	const char *device = argument("device", NULL);

	printf(" cachestat=%d pages=%" PRIu64 " dirty=%" PRIu64 " writeback=%" PRIu64
	       " cached=%" PRIu64 " written=%" PRId64,
	       err, pages, cache.dirty, cache.writeback, cache.cached, written - written_before);
	if (device)
		printf(" device=%d", probe_device_equal(fd, device, offset, bytes, len));
	probe_close(fd);
}

static void lies_in(const char *dir, const char *name, char *path)
{
	if (dir)
		sprintf(path, "%s/%s", dir, strrchr(name, '/') + 1);
	else
		strcpy(path, name);
}

int main(int argc, char **argv)
{
	const char *symbol = argument("symbol", (arguments = argv + 1, "write"));
	const char *place = argument("place", "over");
	bool append = !strcmp(place, "append"), flag = !strcmp(place, "flag");
	bool at_end = append || flag || !strcmp(place, "end");
	uint64_t len = number("len", 1 << 20), offset = number("offset", 0);
	char *bytes = make_bytes(len, number("skew", 0)), name[4096], lies[4096];
	struct iovec iov[3];
	struct stat before;
	int count = make_iov(iov, symbol, bytes, len);
	int fd = descriptor(argument("way", "open"), name, append);
	int64_t passed, written_before;
	ssize_t ret;
	int err;

	if (argc < 2 || fd < 0 || syscall(SYS_fstat, fd, &before)) {
		printf("fd=%d err=%d\n", fd, errno);
		return 1;
	}
	/* Appending calls get an offset that must not count. */
	passed = append || flag ? 0 : at_end ? before.st_size : (int64_t)offset;
	if (at_end)
		offset = before.st_size;
	if (!strcmp(place, "current") || (!ways_takes_offset(symbol) && !append)) {
		lseek(fd, offset, SEEK_SET);
		passed = -1;
	}
	written_before = probe_written(argument("stat", NULL));
	errno = 0;
	ret = ways_write(symbol, fd, iov, count, passed,
			 number("flags", 0) | (flag ? RWF_APPEND : 0));
	err = errno;
	printf("ret=%zd err=%d", ret, err);
	lies_in(argument("lies", NULL), name, lies);
	print_disk(lies, offset, bytes, len, written_before);
	printf(" at=%" PRIu64 " position=%" PRId64 " buffered=%d direct=%d\n", offset,
	       (int64_t)lseek(fd, 0, SEEK_CUR), probe_read_equal(name, 0, offset, bytes, len),
	       probe_read_equal(name, O_DIRECT, offset, bytes, len));
	return 0;
}
