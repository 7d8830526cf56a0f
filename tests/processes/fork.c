/* SPDX-License-Identifier: MIT */
/* Children of every kind, and every end. */
#include "processes.h"

#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

#define THREADS 6
#define FORKS 12
#define STACK_BYTES (256 << 10)

static int shared_fd;
static const char *second = "second.db";

/* Before, by a child that has it open, and after. */
static void child_writes(pid_t child, int fd, const char *file)
{
	if (!child) {
		int own = open(file, O_RDWR);

		must(own >= 0, file);
		write_page(fd, 1);
		write_page(own, 2);
		_exit(0);
	}
	wait_for(child);
	write_page(fd, 3);
	close(fd);
}

static int begun(const char *file)
{
	int fd = open_file(file);

	write_page(fd, 0);
	return fd;
}

static void plain(const char *file, char **args)
{
	(void)args;
	close(begun(file));
}

#define FORKED(name, call)                                                                         \
	static void by_##name(const char *file, char **args)                                       \
	{                                                                                          \
		int fd = begun(file);                                                              \
                                                                                                   \
		(void)args;                                                                        \
		child_writes(call, fd, file);                                                      \
	}

FORKED(fork, fork())
FORKED(_Fork, _Fork()) /* without a handler of pthread_atfork(3) */
FORKED(clone, wt_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) /* without libc at all */
FORKED(clone3, wt_syscall(SYS_clone3, &(struct clone_args){ .exit_signal = SIGCHLD },
			  sizeof(struct clone_args)))

/* The first file that libwt sees is a child's. */
static void before_any_file(const char *file, char **args)
{
	pid_t child = *args && !strcmp(*args, "clone") ? wt_syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)
						       : fork();

	judge_pages_of(file, 0);
	if (!child) {
		close(begun(file));
		_exit(0);
	}
	wait_for(child);
	int fd = open_file(file);
	write_page(fd, 1);
	close(fd);
}

static int in_shared_memory(void *file)
{
	int own = open(file, O_RDWR);

	write_page(shared_fd, 1);
	write_page(own, 2);
	close(shared_fd);
	close(own);
	wt_syscall(SYS_exit, 0);
	return 0;
}

/* The child has this memory, and descriptors of its own, which it closes. */
static void by_clone_vm(const char *file, char **args)
{
	char *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	(void)args;
	shared_fd = begun(file);
	pid_t child = clone(in_shared_memory, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD,
			    (void *)file);
	wait_for(child);
	write_page(shared_fd, 3);
	close(shared_fd);
	munmap(stack, STACK_BYTES);
}

#define TOLD 4

static int write_and_return(void *file)
{
	int own = open(file, O_RDWR);

	write_page(own, 1);
	close(own);
	return TOLD;
}

/* By the return of its function, or by the system call that this is: the end of a thread. */
static void by_clone_that(const char *file, char **args)
{
	static _Alignas(16) char stack[STACK_BYTES];
	int status, fd = begun(file);
	pid_t child = strcmp(*args, "exits")
			      ? clone(write_and_return, stack + STACK_BYTES, SIGCHLD, (void *)file)
			      : fork();

	if (!child)
		syscall(SYS_exit, write_and_return((void *)file));
	must(waitpid(child, &status, 0) == child, "waitpid");
	must(WIFEXITED(status) && WEXITSTATUS(status) == TOLD, "a child's own status");
	close(fd);
}

/* The child has these descriptors, and memory of its own: it puts another file under the number. */
static void by_clone_files(const char *file, char **args)
{
	struct clone_args how = { .flags = CLONE_FILES, .exit_signal = SIGCHLD };
	int fd = begun(file);
	char page[PROBE_BLOCK], zeros[PROBE_BLOCK] = { 0 };

	(void)args;
	judge_pages_of(second, 0);
	pid_t child = wt_syscall(SYS_clone3, &how, sizeof(how));
	if (!child) {
		int other = open(second, O_RDWR | O_CREAT, 0600);

		must(dup2(other, fd) == fd, "dup2");
		close(other);
		write_page(fd, 1);
		_exit(0);
	}
	wait_for(child);
	write_page(fd, 2);
	close(fd);
	/* Nothing of it came into the first. */
	fd = open(file, O_RDONLY);
	must(pread(fd, page, sizeof(page), 2 * PROBE_BLOCK) == 0, "the first file is as it was");
	close(fd);
	fd = open(second, O_RDONLY);
	must(pread(fd, page, sizeof(page), 2 * PROBE_BLOCK) == sizeof(page) &&
		     memcmp(page, zeros, sizeof(page)),
	     "the second file has the bytes");
	close(fd);
}

/* As popen and subprocess libraries do: the parent's descriptors are as before. */
static void by_vfork(const char *file, char **args)
{
	int fd = begun(file);

	(void)args;
	judge_pages_of(second, 0);
	close(open(second, O_RDWR | O_CREAT, 0600));
	pid_t child = vfork();
	if (!child) {
		dup2(fd, STDIN_FILENO);
		closefrom(STDERR_FILENO + 1);
		int other = open(second, O_RDWR);
		if (other < 0 || write(other, "by a guest", 10) != 10)
			_exit(1);
		execv("/proc/self/exe", program_of("write_to_0", file, NULL));
		_exit(127);
	}
	wait_for(child);
	write_page(fd, 3);
	close(fd);
}

static void write_to_0(const char *file, char **args)
{
	(void)file;
	(void)args;
	write_page(STDIN_FILENO, 1);
}

static void *fork_and_write(void *number)
{
	unsigned int first = (intptr_t)number * FORKS * 2;

	for (unsigned int i = 0; i < FORKS; i++) {
		write_page(shared_fd, first + 2 * i);
		pid_t child = fork();
		if (!child) {
			write_page(shared_fd, first + 2 * i + 1);
			_exit(0);
		}
		wait_for(child);
	}
	return NULL;
}

static void from_threads(const char *file, char **args)
{
	pthread_t threads[THREADS];

	(void)args;
	shared_fd = open_file(file);
	for (intptr_t i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, fork_and_write, (void *)i), "a thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	close(shared_fd);
}

static void leave_by(const char *how)
{
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "_Exit"))
		_Exit(0);
	if (!strcmp(how, "quick_exit"))
		quick_exit(0);
	if (!strcmp(how, "exit_group"))
		wt_syscall(SYS_exit_group, 0);
	raise(SIGKILL);
}

/* However a process ends, it has written what it was told it has. */
static void ends_by(const char *file, char **args)
{
	int fd = open_file(file), status;

	for (unsigned int i = 0; args[i]; i++) {
		pid_t child = fork();

		if (!child) {
			write_page(fd, i);
			leave_by(args[i]);
		}
		must(waitpid(child, &status, 0) == child, "waitpid");
		must(!status || WIFSIGNALED(status), args[i]);
	}
	close(fd);
}

struct written {
	_Atomic unsigned int pages;
	char file[64];
};

static struct written *written; /* shared with the parent, which judges */

static void *write_on(void *arg)
{
	struct written *own = arg;
	int fd = open(own->file, O_RDWR | O_CREAT, 0600);

	for (;;) {
		write_page(fd, own->pages);
		atomic_fetch_add(&own->pages, 1);
	}
	return NULL;
}

static void write_at_exit(void)
{
	for (unsigned int page = 0; page < 2; page++) {
		write_page(shared_fd, page);
		atomic_fetch_add(&written[THREADS].pages, 1);
	}
}

static void end_while_writing(void)
{
	pthread_t thread;

	shared_fd = open(written[THREADS].file, O_RDWR | O_CREAT, 0600);
	atexit(write_at_exit);
	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&thread, NULL, write_on, &written[i]), "a thread");
	for (int i = 0; i < THREADS; i++)
		while (written[i].pages < 20)
			usleep(1000);
	exit(0);
}

static void exit_while_writing(const char *file, char **args)
{
	(void)args;
	written = mmap(NULL, (THREADS + 1) * sizeof(*written), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i <= THREADS; i++)
		snprintf(written[i].file, sizeof(written[i].file), "%d.%.40s", i, file);
	for (int turn = 0; turn < 5; turn++) {
		for (int i = 0; i <= THREADS; i++)
			written[i].pages = 0;
		pid_t child = fork();
		if (!child)
			end_while_writing();
		wait_for(child);
	}
	must(written[THREADS].pages == 2, "writes of a handler of atexit");
	/* The page that a thread was at may be there and not be stable: it was never told so. */
	for (int i = 0; i <= THREADS; i++)
		judge_pages_of(written[i].file, written[i].pages);
}

const struct habit fork_habits[] = {
	{ "plain", plain },
	{ "fork", by_fork },
	{ "_Fork", by__Fork },
	{ "clone", by_clone },
	{ "clone3", by_clone3 },
	{ "before_any_file", before_any_file },
	{ "clone_vm", by_clone_vm },
	{ "clone_that", by_clone_that },
	{ "clone_files", by_clone_files },
	{ "vfork", by_vfork },
	{ "write_to_0", write_to_0 },
	{ "fork_from_threads", from_threads },
	{ "ends_by", ends_by },
	{ "exit_while_writing", exit_while_writing },
	{ NULL, NULL },
};
