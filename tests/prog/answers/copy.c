/* SPDX-License-Identifier: MIT */
/* Copies: what is refused by the whole of a call, told before a wait, or interrupted in one. */
#include "answers.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

#define MIB (1L << 20)

static void caught(int number)
{
	(void)number;
}

/* Whoever waits for the empty pipe is killed. */
static void splice_to(const char *detail, int in, off64_t *in_offset, int out, off64_t *out_offset,
		      unsigned int flags)
{
	alarm(10);
	ASK("splice", detail, out, splice(in, in_offset, out, out_offset, 10, flags));
	alarm(0);
}

static void refused_splices(void)
{
	int fd = answer_fd(O_RDWR), ends[2];
	off64_t place = 5;

	if (pipe(ends))
		abort();
	splice_to("no descriptor", -1, NULL, fd, NULL, 0);
	splice_to("from no pipe", fd, NULL, fd, NULL, 0);
	splice_to("offset in the pipe", ends[0], &place, fd, NULL, 0);
	splice_to("offset not there", ends[0], NULL, fd, (void *)16, 0);
	splice_to("unknown flag", ends[0], NULL, fd, NULL, 1 << 8);
	splice_to("O_APPEND", ends[0], NULL, open(file_path, O_WRONLY | O_APPEND), NULL, 0);
	splice_to("O_RDONLY", ends[0], NULL, open(file_path, O_RDONLY), NULL, 0);
	close(ends[1]);
	splice_to("at the pipe's end", ends[0], NULL, fd, NULL, 0);
}

/* Signals for as long as it is there; without end, or until the pipe has something. */
static pid_t signals_to(pid_t waiter, int count, int end)
{
	pid_t sender = fork();

	if (sender)
		return sender;
	for (int i = 0; i != count && getppid() == waiter; i++) {
		usleep(5000);
		kill(waiter, SIGUSR1);
	}
	_exit(wt_syscall(SYS_write, end, "late", 4) != 4);
}

static void interrupted_splice(const char *detail, int flags, int count)
{
	const struct sigaction action = { .sa_handler = caught, .sa_flags = flags };
	int fd = answer_fd(O_RDWR), ends[2];

	if (pipe(ends))
		abort();
	sigaction(SIGUSR1, &action, NULL);
	pid_t sender = signals_to(getpid(), count, ends[1]);
	splice_to(detail, ends[0], NULL, fd, NULL, 0);
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
}

static void whole_lengths(void)
{
	int fd = answer_fd(O_RDWR), source = memfd_create("source", MFD_CLOEXEC);
	off64_t from = 0, to = 100 * MIB;

	if (ftruncate(source, MIB) || ftruncate(fd, 200 * MIB))
		abort();
	ASK("copy_file_range", "overlaps in its last part", fd,
	    copy_file_range(fd, &from, fd, &to, 150 * MIB, 0));
	if (ftruncate(fd, ANSWER_FILE_LEN))
		abort();
	ASK("sendfile", "length -1", fd, sendfile(fd, source, NULL, SIZE_MAX));
	ASK("copy_file_range", "length -1", fd,
	    copy_file_range(source, NULL, fd, NULL, SIZE_MAX, 0));
}

/* Where it costs next to nothing: the limit lies where a large copy may be cut into steps. */
static void limited(void)
{
	const struct rlimit limit = { 64 * MIB, RLIM_INFINITY };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	int fd = answer_fd(O_RDWR), source = memfd_create("source", MFD_CLOEXEC);
	off64_t from = 0;
	struct statfs fs;

	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return;
	if (ftruncate(source, 80 * MIB) || setrlimit(RLIMIT_FSIZE, &limit))
		abort();
	ASK("copy_file_range", "up to the limit", fd,
	    copy_file_range(source, &from, fd, NULL, 80 * MIB, 0));
	setrlimit(RLIMIT_FSIZE, &none);
	if (ftruncate(fd, ANSWER_FILE_LEN))
		abort();
}

void group_copies(void)
{
	refused_splices();
	sigaction(SIGSEGV, &(struct sigaction){ .sa_handler = caught }, NULL); /* none of these */
	interrupted_splice("restarted", SA_RESTART, 4);
	interrupted_splice("interrupted", 0, -1);
	whole_lengths();
	limited();
}
