/* SPDX-License-Identifier: MIT */
/* What programs do to descriptors. */
#include "processes.h"
#include "../lib/pass.h"

#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

static const char *const more[] = { "1.db", "2.db", "3.db" };

static void close_all(const char *how, int first)
{
	if (!strcmp(how, "close_range"))
		must(!close_range(first, ~0U, 0), how);
	else if (!strcmp(how, "raw_close_range"))
		must(!wt_syscall(SYS_close_range, first, ~0U, 0), how);
	else if (!strcmp(how, "closefrom"))
		closefrom(first);
	else
		for (int fd = first; fd < 65536; fd++)
			close(fd);
}

/* As a daemon does, which then writes under the lowest numbers, those of the standard streams. */
static void closes_all(const char *file, char **args)
{
	judge_pages_of(file, 0);
	pid_t child = fork();
	if (!child) {
		int fd = open_file(file);

		write_page(fd, 0);
		setsid();
		close_all(args[0], 0);
		for (unsigned int i = 0; i < 3; i++)
			if (open(file, O_RDWR) != (int)i)
				_exit(3);
		for (unsigned int i = 0; i < 3; i++)
			write_page(i, 1 + i);
		_exit(0);
	}
	wait_for(child);
}

/* Every number that a shell or a library counts on is free, and stays what it was made. */
static void numbers(const char *file, char **args)
{
	static const int used[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 63, 255, 256, 1000, 1023 };
	struct stat st, other;

	(void)args;
	judge_pages_of(file, 0);
	pid_t child = fork();
	if (!child) {
		int fd = fcntl(open_file(file), F_DUPFD, 30);

		must(fd >= 0 && !fstat(fd, &st), "F_DUPFD");
		write_page(fd, 0);
		for (unsigned int i = 0; i < sizeof(used) / sizeof(used[0]); i++) {
			if (dup2(fd, used[i]) != used[i])
				_exit(3);
			write_page(used[i], 1 + i);
			if (fstat(used[i], &other) || other.st_ino != st.st_ino)
				_exit(4);
		}
		_exit(0);
	}
	wait_for(child);
}

/* The number of a file under a rule, left by a way that nobody sees. */
static int left(int fd, const char *how)
{
	write_page(fd, 0);
	if (!strcmp(how, "fclose"))
		fclose(fdopen(fd, "r+"));
	else
		wt_syscall(SYS_close, fd);
	return fd;
}

static void under(int number, int fd)
{
	if (fd == number)
		return;
	must(wt_syscall(SYS_dup3, fd, number, 0) == number, "dup3");
	wt_syscall(SYS_close, fd);
}

static void becomes_socket(int number)
{
	struct iovec iov[2] = { { "so", 2 }, { "cket", 4 } };
	char got[16] = "";
	int pair[2];

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
	if (pair[1] == number) {
		pair[1] = pair[0];
		pair[0] = number;
	}
	under(number, pair[0]);
	must(write(number, "a ", 2) == 2 && writev(number, iov, 2) == 6, "write to a socket");
	must(send(number, "!", 1, 0) == 1, "send");
	must(read(pair[1], got, sizeof(got)) == 9 && !strcmp(got, "a socket!"), "read");
	must(pwrite(number, "x", 1, 0) == -1 && errno == ESPIPE, "pwrite to a socket");
	must(fsync(number) == -1 && errno == EINVAL, "fsync of a socket");
	close(pair[1]);
	close(number);
}

static void becomes_pipe(int number)
{
	char got[16] = "";
	int pair[2];

	must(!pipe(pair), "pipe");
	if (pair[0] == number) {
		pair[0] = fcntl(number, F_DUPFD, number + 1);
		wt_syscall(SYS_close, number);
	}
	under(number, pair[1]);
	must(write(number, "a pipe", 6) == 6, "write to a pipe");
	must(read(pair[0], got, sizeof(got)) == 6 && !strcmp(got, "a pipe"), "read");
	close(pair[0]);
	close(number);
}

static void becomes_device(int number)
{
	uint64_t count = 5;

	under(number, wt_syscall(SYS_openat, AT_FDCWD, "/dev/full", O_WRONLY));
	must(write(number, "x", 1) == -1 && errno == ENOSPC, "write to /dev/full");
	wt_syscall(SYS_close, number);
	under(number, wt_syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY));
	must(write(number, "x", 1) == 1 && pwrite(number, "x", 1, 9) == 1, "write to /dev/null");
	wt_syscall(SYS_close, number);
	under(number, eventfd(0, 0));
	must(write(number, &count, sizeof(count)) == sizeof(count), "write to an eventfd");
	count = 0;
	must(read(number, &count, sizeof(count)) == sizeof(count) && count == 5, "read");
	must(write(number, "x", 1) == -1 && errno == EINVAL, "a byte to an eventfd");
	wt_syscall(SYS_close, number);
	must(write(number, "x", 1) == -1 && errno == EBADF, "write to nothing");
}

/* What libwt knows of the number is of the file: it is a hint, and nothing else may follow. */
static void becomes(const char *file, char **args)
{
	becomes_socket(left(open_file(file), args[0]));
	becomes_pipe(left(open_file(file), args[0]));
	becomes_device(left(open_file(file), args[0]));
	close(open_file(file));
}

/* daemon(3) puts /dev/null onto the standard streams inside libc. */
static void daemon_streams(const char *file, char **args)
{
	int pair[2];
	char byte;

	(void)args;
	judge_pages_of(file, 0);
	must(!pipe(pair), "pipe");
	pid_t child = fork();
	if (!child) {
		dup2(open_file(file), STDOUT_FILENO);
		write_page(STDOUT_FILENO, 0);
		must(!daemon(1, 0), "daemon");
		must(write(STDOUT_FILENO, "lost", 4) == 4, "write to what was the file");
		write_page(open(file, O_RDWR), 1);
		write(pair[1], "y", 1);
		_exit(0);
	}
	wait_for(child);
	close(pair[1]);
	must(read(pair[0], &byte, 1) == 1, "the daemon's end");
	close(pair[0]);
}

/* The limit under which so many more descriptors may be opened. */
static rlim_t above_use(rlim_t count)
{
	int fd;

	for (fd = 0; count; fd++)
		count -= wt_syscall(SYS_fcntl, fd, F_GETFD) < 0;
	return fd;
}

/* So many may be opened as without libwt, and no more. */
static void nofile(const char *file, char **args)
{
	rlim_t limit = strtoull(args[0], NULL, 0);
	bool is_tight = args[0][0] == '+';
	int fds[3];

	if (is_tight)
		limit = above_use(limit);
	if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){ limit, limit }))
		cannot("RLIMIT_NOFILE");
	for (unsigned int i = 0; i < 3; i++) {
		fds[i] = open_file(more[i]);
		/* Before it is written to: XFS makes what is there stable as it grows. */
		must(!truncate(more[i], 3 * PROBE_BLOCK), "truncate");
		write_page(fds[i], 0);
	}
	if (is_tight)
		must(open(file, O_RDWR | O_CREAT, 0600) == -1 && errno == EMFILE, "one too many");
	for (unsigned int i = 0; i < 3; i++)
		write_page(fds[i], 1);
	must(!rename(more[0], file) && !rename(file, more[0]), "rename");
	for (unsigned int i = 0; i < 3; i++)
		must(!close(fds[i]), "close");
}

/* To a program of its own, which has the file from nowhere else. */
static void sends(const char *file, char **args)
{
	int pair[2], fd = open_file(file);

	(void)args;
	write_page(fd, 0);
	must(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	pid_t child = fork();
	if (!child) {
		dup2(pair[1], STDIN_FILENO);
		close(fd);
		execv("/proc/self/exe", program_of("receives", file, NULL));
		_exit(127);
	}
	must(pass_send(pair[0], fd), "a message");
	wait_for(child);
	write_page(fd, 2);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

static void receives(const char *file, char **args)
{
	int fd = pass_receive(STDIN_FILENO, 0);

	(void)file;
	(void)args;
	write_page(fd, 1);
	close(fd);
}

const struct habit fd_habits[] = {
	{ "closes_all", closes_all }, { "numbers", numbers },
	{ "becomes", becomes },	      { "daemon_streams", daemon_streams },
	{ "nofile", nofile },	      { "sends", sends },
	{ "receives", receives },     { NULL, NULL },
};
