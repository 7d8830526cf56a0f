/* SPDX-License-Identifier: MIT */
/*
 * What a child does to its descriptors before its parent writes (be), what it writes itself
 * (write), and what it does to those that are its parent's as well (share).
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vfork_child.h"

#define MANY 50

static char page[4096];
static char *nothing[] = { "/nonexistent", NULL }, *something[] = { "/bin/true", NULL };

/* One that is some calls. */
#define ACT(kind, name, ...)                                                                       \
	static void kind##_##name(void)                                                            \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}

ACT(be, dup2, dup2(null_fd, file_fd))
ACT(be, dup3, dup3(null_fd, file_fd, O_CLOEXEC))
ACT(be, syscall, syscall(SYS_dup3, null_fd, file_fd, 0))
ACT(be, dup, close(file_fd), must(dup(null_fd) == file_fd, "dup"))
ACT(be, dupfd, close(file_fd), must(fcntl(null_fd, F_DUPFD, file_fd) == file_fd, "F_DUPFD"))
ACT(be, dupfd_cloexec, close(file_fd),
    must(fcntl(null_fd, F_DUPFD_CLOEXEC, file_fd) == file_fd, "F_DUPFD"))
ACT(be, closed, close(file_fd))
ACT(be, closed_bare, syscall(SYS_close, file_fd))
ACT(be, open, close(file_fd), must(open("/dev/null", O_WRONLY) == file_fd, "open"))
ACT(be, read_only, close(file_fd), must(open("/dev/null", O_RDONLY) == file_fd, "open"))
ACT(be, truncating, close(file_fd),
    must(open(other_path, O_RDWR | O_CREAT | O_TRUNC, 0600) == file_fd, "open"),
    write_page(file_fd))
ACT(be, creat, close(file_fd), must(creat(other_path, 0600) == file_fd, "creat"))
ACT(be, range, close_range(3, ~0U, 0))
ACT(be, range_unshared, close_range(3, ~0U, CLOSE_RANGE_UNSHARE))
ACT(be, closefrom, closefrom(3))
ACT(be, unshared, unshare(CLONE_FILES), dup2(null_fd, file_fd))
ACT(be, fclose, fclose(fdopen(file_fd, "w")))

static void be_pipe(void)
{
	int ends[2];
	close(file_fd);
	must(!pipe(ends) && ends[0] == file_fd, "pipe");
}
ACT(be, socket, close(file_fd), must(socket(AF_UNIX, SOCK_STREAM, 0) == file_fd, "socket"))

static void be_loop(void)
{
	for (int n = 3; n < 1024; n++)
		close(n);
}
static void be_many(void)
{
	for (int n = file_fd; n < file_fd + MANY; n++)
		if (n != null_fd)
			dup2(null_fd, n);
}
ACT(be, written, dup2(null_fd, file_fd), must(write(file_fd, page, 1) == 1, "write"))
ACT(be, executing, dup2(null_fd, file_fd), execv("/bin/true", something))
ACT(be, refused, dup2(null_fd, file_fd), execvp(nothing[0], nothing), execv(nothing[0], nothing))
ACT(be, killed, dup2(null_fd, file_fd), raise(SIGKILL))

static void be_swapped(void)
{
	int was = dup(file_fd);
	dup2(null_fd, file_fd);
	dup2(was, null_fd);
}
static void be_back(void)
{
	int was = dup(file_fd);
	dup2(null_fd, file_fd);
	dup2(was, file_fd);
	close(was);
}

static void be_parent(void)
{
	dup2(null_fd, file_fd);
	pid_t child = fork();
	if (!child)
		_exit(write(file_fd, page, 1) != 1);
	waitpid(child, NULL, 0);
}

static void be_nested(void)
{
	pid_t child = vfork();
	if (!child) {
		dup2(null_fd, file_fd);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

ACT(write, itself, dup2(null_fd, 100), write_page(file_fd))
ACT(write, untouched, write_page(file_fd))
ACT(write, dup2, dup2(file_fd, null_fd), write_page(null_fd))
ACT(write, dup3, dup3(file_fd, null_fd, O_CLOEXEC), write_page(null_fd))
ACT(write, dup, close(null_fd), must(dup(file_fd) == null_fd, "dup"), write_page(null_fd))
ACT(write, dupfd, write_page(fcntl(file_fd, F_DUPFD, null_fd)))

static void write_dup_of_dup(void)
{
	dup2(file_fd, null_fd);
	close(file_fd);
	dup2(null_fd, 77);
	write_page(77);
}
ACT(write, syscall, syscall(SYS_dup3, file_fd, null_fd, 0),
    syscall(SYS_pwrite64, null_fd, page, sizeof(page), sizeof(page)))
ACT(write, after_closing, close(null_fd), write_page(file_fd))
ACT(write, after_range, close_range(null_fd, ~0U, 0), write_page(file_fd))
ACT(write, after_refusal, dup2(file_fd, null_fd), execv(nothing[0], nothing), write_page(null_fd))

static void write_after_refusals(void)
{
	dup2(file_fd, null_fd);
	for (int i = 0; i < 3; i++)
		execvpe(nothing[0], nothing, environ);
	write_page(null_fd);
}
static void write_again(void)
{
	dup2(null_fd, file_fd + 10);
	dup2(file_fd, null_fd);
	for (int i = 0; i < 3; i++)
		write_page(null_fd);
}
static void write_by_vector(void)
{
	struct iovec iov = { page, sizeof(page) };
	dup2(file_fd, null_fd);
	must(pwritev(null_fd, &iov, 1, 0) > 0, "pwritev");
}
ACT(write, by_stream, dup2(file_fd, null_fd), dprintf(null_fd, "by a stream\n"))

static void write_nested(void)
{
	dup2(file_fd, null_fd);
	pid_t child = vfork();
	if (!child) {
		write_page(null_fd);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void write_nested_dup(void)
{
	dup2(file_fd, null_fd);
	pid_t child = vfork();
	if (!child) {
		dup2(null_fd, 60);
		write_page(60);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static void write_forked(void)
{
	dup2(file_fd, null_fd);
	pid_t child = fork();
	if (!child) {
		write_page(null_fd);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* The child's descriptors are the parent's, which writes to `null_fd` or what is there then. */
ACT(share, dup2, dup2(file_fd, null_fd))
ACT(share, dup3, dup3(file_fd, null_fd, O_CLOEXEC))
ACT(share, syscall, syscall(SYS_dup3, file_fd, null_fd, 0))
ACT(share, dup, close(null_fd), must(dup(file_fd) == null_fd, "dup"))
ACT(share, dupfd, close(null_fd), must(fcntl(file_fd, F_DUPFD, null_fd) == null_fd, "F_DUPFD"))
ACT(share, moved, dup2(file_fd, null_fd), close(file_fd))
ACT(share, twice, dup2(file_fd, 50), dup2(50, null_fd), close(50))

static void share_other_way(void)
{
	int was = dup(file_fd);
	dup2(null_fd, file_fd);
	dup2(was, null_fd);
}

#define ENTRY(kind, name)                                                                          \
	{                                                                                          \
#kind, #name, kind##_##name, false                                                 \
	}
const struct act child_acts[] = {
	ENTRY(be, dup2),
	ENTRY(be, dup3),
	ENTRY(be, syscall),
	ENTRY(be, dup),
	ENTRY(be, dupfd),
	ENTRY(be, dupfd_cloexec),
	ENTRY(be, closed),
	ENTRY(be, closed_bare),
	ENTRY(be, open),
	ENTRY(be, read_only),
	ENTRY(be, truncating),
	ENTRY(be, creat),
	ENTRY(be, range),
	ENTRY(be, range_unshared),
	ENTRY(be, closefrom),
	ENTRY(be, unshared),
	ENTRY(be, fclose),
	ENTRY(be, pipe),
	ENTRY(be, socket),
	ENTRY(be, loop),
	ENTRY(be, many),
	ENTRY(be, written),
	ENTRY(be, executing),
	ENTRY(be, refused),
	{ .kind = "be", .name = "killed", .act = be_killed, .is_killed = true },
	ENTRY(be, swapped),
	ENTRY(be, back),
	ENTRY(be, parent),
	ENTRY(be, nested),
	ENTRY(write, untouched),
	ENTRY(write, itself),
	ENTRY(write, dup2),
	ENTRY(write, dup3),
	ENTRY(write, dup),
	ENTRY(write, dupfd),
	ENTRY(write, dup_of_dup),
	ENTRY(write, syscall),
	ENTRY(write, after_closing),
	ENTRY(write, after_range),
	ENTRY(write, after_refusal),
	ENTRY(write, after_refusals),
	ENTRY(write, again),
	ENTRY(write, by_vector),
	ENTRY(write, by_stream),
	ENTRY(write, nested),
	ENTRY(write, nested_dup),
	ENTRY(write, forked),
	ENTRY(share, dup2),
	ENTRY(share, dup3),
	ENTRY(share, syscall),
	ENTRY(share, dup),
	ENTRY(share, dupfd),
	ENTRY(share, moved),
	ENTRY(share, twice),
	ENTRY(share, other_way),
	{ NULL, NULL, NULL, false },
};
