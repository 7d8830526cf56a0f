/* SPDX-License-Identifier: MIT */
/*
 * ways - every way for a program to come by a descriptor, and every way to write.
 *
 * Plain libc calls as a program would make them, by name, so that a test can go
 * through the list. Nothing here knows of libwt.
 */
#ifndef WT_TESTS_WAYS_H
#define WT_TESTS_WAYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../shim/os/raw.h" /* past libwt, which exports syscall(3) */
#include "pass.h"

/* The entry points of glibc's fortified headers, called here whatever the compiler's level. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);
int __openat64_2(int dirfd, const char *path, int flags);

/* A number that nothing else in these programs uses. */
#define WAYS_NUMBER 77

/* Replaces `fd` by `copy`, as a program does that keeps only the duplicate. */
static inline int ways_keep(int fd, int copy)
{
	if (copy >= 0 && copy != fd)
		close(fd);
	return copy;
}

/* Opened by a child that is gone before the descriptor is used here. */
static inline int ways_over_socket(const char *path, int flags)
{
	int pair[2], fd = -1, status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
		return -1;
	child = fork();
	if (child == 0)
		_exit(!pass_send(pair[0], open(path, flags, 0600)));
	waitpid(child, &status, 0);
	if (status == 0)
		fd = pass_receive(pair[1], 0);
	close(pair[0]);
	close(pair[1]);
	return fd;
}

/* Goes on in a new image of this program, which finds the descriptor open. */
static inline int ways_over_exec(const char *path, int flags, char **argv)
{
	int fd = open(path, flags, 0600);
	char number[16];

	snprintf(number, sizeof(number), "%d", fd);
	setenv("WAYS_INHERITED", number, 1);
	execv("/proc/self/exe", argv);
	return -1;
}

static inline int ways_temp(const char *way, const char *path, char *name, int flags)
{
	int added = flags & O_APPEND;

	sprintf(name, "%s.XXXXXX%s", path,
		strchr(way + 2, 's') && strstr(way, "temps") ? ".tmp" : "");
	if (!strcmp(way, "mkstemp"))
		return mkstemp(name);
	if (!strcmp(way, "mkstemp64"))
		return mkstemp64(name);
	if (!strcmp(way, "mkostemp"))
		return mkostemp(name, added);
	if (!strcmp(way, "mkostemp64"))
		return mkostemp64(name, added);
	if (!strcmp(way, "mkstemps"))
		return mkstemps(name, 4);
	if (!strcmp(way, "mkstemps64"))
		return mkstemps64(name, 4);
	if (!strcmp(way, "mkostemps"))
		return mkostemps(name, 4, added);
	if (!strcmp(way, "mkostemps64"))
		return mkostemps64(name, 4, added);
	return -1;
}

static inline int ways_duplicate(const char *way, int fd)
{
	if (!strcmp(way, "dup"))
		return dup(fd);
	if (!strcmp(way, "dup2"))
		return dup2(fd, WAYS_NUMBER);
	if (!strcmp(way, "dup3"))
		return dup3(fd, WAYS_NUMBER, O_CLOEXEC);
	if (!strcmp(way, "F_DUPFD"))
		return fcntl(fd, F_DUPFD, WAYS_NUMBER);
	if (!strcmp(way, "F_DUPFD_CLOEXEC"))
		return fcntl(fd, F_DUPFD_CLOEXEC, WAYS_NUMBER);
	if (!strcmp(way, "fcntl64_F_DUPFD"))
		return fcntl64(fd, F_DUPFD, WAYS_NUMBER);
	if (!strcmp(way, "F_SETFL")) /* flags set afterwards, on the same number */
		return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NOATIME) ? -1 : fd;
	return -1;
}

static inline int ways_openat2(const char *path)
{
	struct open_how how = { .flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0600 };

	return syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Opened by another name, and given this one afterwards. */
static inline int ways_named_later(const char *path, int flags)
{
	char other[4096];

	snprintf(other, sizeof(other), "%s.other", path);
	if (rename(path, other))
		return -1;
	int fd = open(other, flags, 0600);
	return rename(other, path) ? -1 : fd;
}

/*
 * Opens or makes the file the named way. `name` has room for `path` and a
 * suffix, and receives the file's path. -1 with errno where the way fails.
 */
static inline int ways_open(const char *way, const char *path, char *name, int flags, char **argv)
{
	int fd;

	strcpy(name, path);
	if (!strncmp(way, "mk", 2))
		return ways_temp(way, path, name, flags);
	if (!strcmp(way, "open"))
		return open(path, flags, 0600);
	if (!strcmp(way, "open64"))
		return open64(path, flags, 0600);
	if (!strcmp(way, "openat"))
		return openat(AT_FDCWD, path, flags, 0600);
	if (!strcmp(way, "openat64"))
		return openat64(AT_FDCWD, path, flags, 0600);
	if (!strcmp(way, "creat"))
		return creat(path, 0600);
	if (!strcmp(way, "creat64"))
		return creat64(path, 0600);
	if (!strcmp(way, "openat2")) /* of no libc's, and truncates here, as creat does */
		return ways_openat2(path);
	if (!strcmp(way, "__open_2"))
		return __open_2(path, flags);
	if (!strcmp(way, "__open64_2"))
		return __open64_2(path, flags);
	if (!strcmp(way, "__openat_2"))
		return __openat_2(AT_FDCWD, path, flags);
	if (!strcmp(way, "__openat64_2"))
		return __openat64_2(AT_FDCWD, path, flags);
	if (!strcmp(way, "fopen"))
		return fileno(fopen(path, flags & O_APPEND ? "a+" : "r+"));
	if (!strcmp(way, "unseen")) /* not through libc at all */
		return wt_syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
	if (!strcmp(way, "socket"))
		return ways_over_socket(path, flags);
	if (!strcmp(way, "exec"))
		return ways_over_exec(path, flags, argv);
	if (!strcmp(way, "renamed"))
		return ways_named_later(path, flags);
	fd = open(path, flags, 0600);
	return fd < 0 ? -1 : ways_keep(fd, ways_duplicate(way, fd));
}

/* Whether the named call takes an offset. */
static inline bool ways_takes_offset(const char *symbol)
{
	return symbol[0] == 'p';
}

/*
 * Writes with the named call. An offset of -1 is pwritev2's for "where the
 * descriptor stands"; `flags` only where the call takes them.
 */
static inline ssize_t ways_write(const char *symbol, int fd, const struct iovec *iov, int count,
				 int64_t offset, int flags)
{
	if (!strcmp(symbol, "write"))
		return write(fd, iov->iov_base, iov->iov_len);
	if (!strcmp(symbol, "pwrite"))
		return pwrite(fd, iov->iov_base, iov->iov_len, offset);
	if (!strcmp(symbol, "pwrite64"))
		return pwrite64(fd, iov->iov_base, iov->iov_len, offset);
	if (!strcmp(symbol, "writev"))
		return writev(fd, iov, count);
	if (!strcmp(symbol, "pwritev"))
		return pwritev(fd, iov, count, offset);
	if (!strcmp(symbol, "pwritev64"))
		return pwritev64(fd, iov, count, offset);
	if (!strcmp(symbol, "pwritev2"))
		return pwritev2(fd, iov, count, offset, flags);
	if (!strcmp(symbol, "pwritev64v2"))
		return pwritev64v2(fd, iov, count, offset, flags);
	abort();
}

#endif
