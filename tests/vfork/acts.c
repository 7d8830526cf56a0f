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

static void be_dup2(void)
{
	dup2(null_fd, file_fd);
}
static void be_dup3(void)
{
	dup3(null_fd, file_fd, O_CLOEXEC);
}
static void be_syscall(void)
{
	syscall(SYS_dup3, null_fd, file_fd, 0);
}
static void be_dup(void)
{
	close(file_fd);
	must(dup(null_fd) == file_fd, "dup");
}
static void be_dupfd(void)
{
	close(file_fd);
	must(fcntl(null_fd, F_DUPFD, file_fd) == file_fd, "F_DUPFD");
}
static void be_dupfd_cloexec(void)
{
	close(file_fd);
	must(fcntl(null_fd, F_DUPFD_CLOEXEC, file_fd) == file_fd, "F_DUPFD");
}
static void be_closed(void)
{
	close(file_fd);
}
static void be_closed_bare(void)
{
	syscall(SYS_close, file_fd);
}
static void be_open(void)
{
	close(file_fd);
	must(open("/dev/null", O_WRONLY) == file_fd, "open");
}
static void be_read_only(void)
{
	close(file_fd);
	must(open("/dev/null", O_RDONLY) == file_fd, "open");
}
static void be_truncating(void)
{
	close(file_fd);
	must(open(other_path, O_RDWR | O_CREAT | O_TRUNC, 0600) == file_fd, "open");
	write_page(file_fd);
}
static void be_creat(void)
{
	close(file_fd);
	must(creat(other_path, 0600) == file_fd, "creat");
}
static void be_range(void)
{
	close_range(3, ~0U, 0);
}
static void be_range_unshared(void)
{
	close_range(3, ~0U, CLOSE_RANGE_UNSHARE);
}
static void be_closefrom(void)
{
	closefrom(3);
}
static void be_unshared(void)
{
	unshare(CLONE_FILES);
	dup2(null_fd, file_fd);
}
static void be_fclose(void)
{
	fclose(fdopen(file_fd, "w"));
}
static void be_pipe(void)
{
	int ends[2];
	close(file_fd);
	must(!pipe(ends) && ends[0] == file_fd, "pipe");
}
static void be_socket(void)
{
	close(file_fd);
	must(socket(AF_UNIX, SOCK_STREAM, 0) == file_fd, "socket");
}
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
static void be_written(void)
{
	dup2(null_fd, file_fd);
	must(write(file_fd, page, 1) == 1, "write");
}
static void be_executing(void)
{
	dup2(null_fd, file_fd);
	execv("/bin/true", something);
}
static void be_refused(void)
{
	dup2(null_fd, file_fd);
	execvp(nothing[0], nothing);
	execv(nothing[0], nothing);
}
static void be_killed(void)
{
	dup2(null_fd, file_fd);
	raise(SIGKILL);
}
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

static void write_itself(void)
{
	dup2(null_fd, 100);
	write_page(file_fd);
}
static void write_untouched(void)
{
	write_page(file_fd);
}
static void write_dup2(void)
{
	dup2(file_fd, null_fd);
	write_page(null_fd);
}
static void write_dup3(void)
{
	dup3(file_fd, null_fd, O_CLOEXEC);
	write_page(null_fd);
}
static void write_dup(void)
{
	close(null_fd);
	must(dup(file_fd) == null_fd, "dup");
	write_page(null_fd);
}
static void write_dupfd(void)
{
	write_page(fcntl(file_fd, F_DUPFD, null_fd));
}
static void write_dup_of_dup(void)
{
	dup2(file_fd, null_fd);
	close(file_fd);
	dup2(null_fd, 77);
	write_page(77);
}
static void write_syscall(void)
{
	syscall(SYS_dup3, file_fd, null_fd, 0);
	syscall(SYS_pwrite64, null_fd, page, sizeof(page), sizeof(page));
}
static void write_after_closing(void)
{
	close(null_fd);
	write_page(file_fd);
}
static void write_after_range(void)
{
	close_range(null_fd, ~0U, 0);
	write_page(file_fd);
}
static void write_after_refusal(void)
{
	dup2(file_fd, null_fd);
	execv(nothing[0], nothing);
	write_page(null_fd);
}
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
static void write_by_stream(void)
{
	dup2(file_fd, null_fd);
	dprintf(null_fd, "by a stream\n");
}

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

/* The child's descriptors are the parent's, which writes to `null_fd` or to what is there then.
 */
static void share_dup2(void)
{
	dup2(file_fd, null_fd);
}
static void share_dup3(void)
{
	dup3(file_fd, null_fd, O_CLOEXEC);
}
static void share_syscall(void)
{
	syscall(SYS_dup3, file_fd, null_fd, 0);
}
static void share_dup(void)
{
	close(null_fd);
	must(dup(file_fd) == null_fd, "dup");
}
static void share_dupfd(void)
{
	close(null_fd);
	must(fcntl(file_fd, F_DUPFD, null_fd) == null_fd, "F_DUPFD");
}
static void share_moved(void)
{
	dup2(file_fd, null_fd);
	close(file_fd);
}
static void share_twice(void)
{
	dup2(file_fd, 50);
	dup2(50, null_fd);
	close(50);
}
static void share_other_way(void)
{
	int was = dup(file_fd);
	dup2(null_fd, file_fd);
	dup2(was, null_fd);
}

#define ACT(kind, name)                                                                            \
	{                                                                                          \
#kind, #name, kind##_##name, false                                                 \
	}
const struct act child_acts[] = {
	ACT(be, dup2),
	ACT(be, dup3),
	ACT(be, syscall),
	ACT(be, dup),
	ACT(be, dupfd),
	ACT(be, dupfd_cloexec),
	ACT(be, closed),
	ACT(be, closed_bare),
	ACT(be, open),
	ACT(be, read_only),
	ACT(be, truncating),
	ACT(be, creat),
	ACT(be, range),
	ACT(be, range_unshared),
	ACT(be, closefrom),
	ACT(be, unshared),
	ACT(be, fclose),
	ACT(be, pipe),
	ACT(be, socket),
	ACT(be, loop),
	ACT(be, many),
	ACT(be, written),
	ACT(be, executing),
	ACT(be, refused),
	{ .kind = "be", .name = "killed", .act = be_killed, .is_killed = true },
	ACT(be, swapped),
	ACT(be, back),
	ACT(be, parent),
	ACT(be, nested),
	ACT(write, untouched),
	ACT(write, itself),
	ACT(write, dup2),
	ACT(write, dup3),
	ACT(write, dup),
	ACT(write, dupfd),
	ACT(write, dup_of_dup),
	ACT(write, syscall),
	ACT(write, after_closing),
	ACT(write, after_range),
	ACT(write, after_refusal),
	ACT(write, after_refusals),
	ACT(write, again),
	ACT(write, by_vector),
	ACT(write, by_stream),
	ACT(write, nested),
	ACT(write, nested_dup),
	ACT(write, forked),
	ACT(share, dup2),
	ACT(share, dup3),
	ACT(share, syscall),
	ACT(share, dup),
	ACT(share, dupfd),
	ACT(share, moved),
	ACT(share, twice),
	ACT(share, other_way),
	{ NULL, NULL, NULL, false },
};
