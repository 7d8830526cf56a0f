/* SPDX-License-Identifier: MIT */
/*
 * fill - writes until the file system is full, and watches offset and contents.
 *
 *   fill SYMBOL FILE [MOST]  stops at so many bytes
 *   fill same FILE LENGTH   whether a file still holds so many of the bytes: exit status 0 or 1
 *
 * Facts: the error that ended it, how many calls wrote short, how often the offset
 * was not where the return values put it, and whether the file reads back as what
 * the calls said they had written.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include "../lib/probe.h"
#include "../lib/ways.h"

#define CHUNK 777777
#define MOST "67108864"

/* Bytes that tell where in the file they belong. */
static void fill(char *chunk, uint64_t offset)
{
	for (size_t i = 0; i < CHUNK; i++)
		chunk[i] = (offset + i) * 2654435761U >> 24 | 1;
}

static bool reads_back(const char *path, uint64_t len)
{
	static char wanted[CHUNK], got[CHUNK];
	int fd = probe_open(path, O_RDONLY);
	bool equal = true;

	for (uint64_t at = 0; equal && at < len; at += CHUNK) {
		size_t step = len - at < CHUNK ? len - at : CHUNK;

		fill(wanted, at);
		equal = syscall(SYS_pread64, fd, got, step, at) == (long)step &&
			!memcmp(got, wanted, step);
	}
	probe_close(fd);
	return equal;
}

int main(int argc, char **argv)
{
	static char chunk[CHUNK];
	struct iovec iov[2] = { { chunk, 1000 }, { chunk + 1000, CHUNK - 1000 } };
	struct iovec whole = { chunk, CHUNK };
	uint64_t total = 0, shorts = 0, misplaced = 0;
	uint64_t most = strtoull(argc > 3 ? argv[3] : MOST, NULL, 10);
	bool vector = argc > 2 && strchr(argv[1], 'v');
	struct stat st;
	ssize_t ret;
	int fd;

	if (argc < 3)
		return 2;
	if (argc > 3 && !strcmp(argv[1], "same"))
		return !reads_back(argv[2], strtoull(argv[3], NULL, 10));
	fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC, 0600);
	do {
		fill(chunk, total);
		ret = ways_write(argv[1], fd, vector ? iov : &whole, vector ? 2 : 1, total, 0);
		total += ret > 0 ? ret : 0;
		shorts += ret >= 0 && ret < CHUNK;
		misplaced += syscall(SYS_lseek, fd, 0, SEEK_CUR) !=
			     (ways_takes_offset(argv[1]) ? 0 : (long)total);
	} while (ret > 0 && total < most);
	printf("err=%d", ret < 0 ? errno : 0);
	syscall(SYS_fstat, fd, &st);
	printf(" total=%" PRIu64 " short=%" PRIu64 " misplaced=%" PRIu64
	       " size_right=%d equal=%d\n",
	       total, shorts, misplaced, (uint64_t)st.st_size >= total, reads_back(argv[2], total));
	return 0;
}
