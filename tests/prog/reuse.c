/* SPDX-License-Identifier: MIT */
/*
 * reuse - one descriptor number, first for one file and then for another.
 *
 *   reuse END BEGIN FILE-A FILE-B
 *     END    how the number stops being A: close, raw_close, close_range, raw_close_range,
 *            closefrom, fclose, or by being B at once: dup2, dup3, raw_dup2, freopen;
 *            pclose: the number was a pipe's last, and written to
 *     BEGIN  how B comes to it otherwise: open, raw_open, raw_dupfd
 *
 * Facts: whether A still has its own bytes and B has B's, and B's dirty pages.
 */
#define _GNU_SOURCE
#include <inttypes.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */
#include "../lib/probe.h"

#define LEN (1 << 20)

int close_range(unsigned int first, unsigned int last, int flags);
void closefrom(int first);

static char *make_block(char letter)
{
	char *block = probe_buffer(LEN);

	memset(block, letter, LEN);
	return block;
}

static int end(const char *how, int fd, FILE *stream)
{
	if (!strcmp(how, "close"))
		return close(fd);
	if (!strcmp(how, "raw_close"))
		return wt_syscall(SYS_close, fd);
	if (!strcmp(how, "close_range"))
		return close_range(fd, fd, 0);
	if (!strcmp(how, "raw_close_range"))
		return wt_syscall(SYS_close_range, fd, fd, 0);
	if (!strcmp(how, "closefrom"))
		return closefrom(fd), 0;
	if (!strcmp(how, "fclose"))
		return fclose(stream);
	if (!strcmp(how, "pclose"))
		return pclose(stream);
	return -1;
}

/* B under the number, which is free. */
static int begin(const char *how, int fd, const char *path)
{
	if (!strcmp(how, "open"))
		return open(path, O_RDWR);
	int other = wt_syscall(SYS_openat, AT_FDCWD, path, O_RDWR);
	if (!strcmp(how, "raw_open"))
		return other;
	int again = wt_syscall(SYS_fcntl, other, F_DUPFD, fd);
	wt_syscall(SYS_close, other);
	return again;
}

/* A pipe in the place of the file, with a verdict of its own from a write to it. */
static FILE *pipe_instead(int *fd)
{
	close(*fd);
	FILE *stream = popen("cat >/dev/null", "w");

	*fd = stream ? fileno(stream) : -1;
	return write(*fd, "x", 1) == 1 ? stream : NULL;
}

/* B in A's place in one step; -1 if `how` is none of these. */
static int replace(const char *how, int fd, const char *path, FILE *stream)
{
	int other, done = -1;

	if (!strcmp(how, "freopen"))
		return fileno(freopen(path, "r+", stream));
	other = open(path, O_RDWR);
	if (!strcmp(how, "dup2"))
		done = dup2(other, fd);
	if (!strcmp(how, "dup3"))
		done = dup3(other, fd, O_CLOEXEC);
	if (!strcmp(how, "raw_dup2"))
		done = wt_syscall(SYS_dup3, other, fd, 0);
	close(other);
	return done;
}

int main(int argc, char **argv)
{
	char *a = make_block('a'), *b = make_block('b');
	struct probe_cache cache = { 0 };
	int fd, again;

	if (argc < 5)
		return 2;
	fd = open(argv[3], O_RDWR);
	if (pwrite(fd, a, LEN, 0) != LEN)
		return 2;
	FILE *stream =
		strstr(argv[1], "fclose") || strstr(argv[1], "freopen") ? fdopen(fd, "r+") : NULL;
	if (!strcmp(argv[1], "pclose"))
		stream = pipe_instead(&fd);
	again = replace(argv[1], fd, argv[4], stream);
	if (again < 0 && end(argv[1], fd, stream) == 0)
		again = begin(argv[2], fd, argv[4]);
	if (again != fd) {
		printf("number=%d instead of %d\n", again, fd);
		return 2;
	}
	if (pwrite(fd, b, LEN, 0) != LEN)
		return 2;
	probe_cachestat(fd, 0, LEN, &cache);
	printf("pages=%d dirty=%" PRIu64 " a_intact=%d b_written=%d\n", LEN / (int)PROBE_BLOCK,
	       cache.dirty + cache.writeback, probe_read_equal(argv[3], O_DIRECT, 0, a, LEN),
	       probe_read_equal(argv[4], O_DIRECT, 0, b, LEN));
	return 0;
}
