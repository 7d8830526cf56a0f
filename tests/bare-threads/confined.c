/* SPDX-License-Identifier: MIT */
/*
 * confined FILE ENTER CALL END - a thread enters seccomp's strict mode by ENTER, writes FILE by
 * CALL and ends. END is `exit`, by which it ends the process with status 5 where it is its only
 * thread, or `_exit`, which the mode does not allow. Where ENTER is a second thread's (`thread`,
 * `clone`), the first one writes too when that has ended, and ends with status 5.
 *
 * confined list enters|calls - what there is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define STACK_BYTES (256 << 10)
#define FLAGS                                                                                      \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_SETTLS | CLONE_CHILD_CLEARTID)

static char page[4096];
static int fd;
static FILE *stream;
static const char *end;
static _Atomic int running = 1;

#define ENTER(name, call)                                                                          \
	static long enter_##name(void)                                                             \
	{                                                                                          \
		return call;                                                                       \
	}

ENTER(prctl, prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT))
ENTER(syscall, syscall(SYS_prctl, PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0))
ENTER(seccomp, syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL))

static long (*enter)(void) = enter_prctl;

#define CALL(name, call)                                                                           \
	static int by_##name(void)                                                                 \
	{                                                                                          \
		return call;                                                                       \
	}

CALL(write, write(fd, page, sizeof(page)) == sizeof(page))
CALL(syscall, syscall(SYS_write, fd, page, sizeof(page)) == sizeof(page))

static int by_many(void)
{
	for (int i = 0; i < 10; i++)
		if (!by_write())
			return 0;
	return 1;
}

CALL(fwrite, fwrite(page, sizeof(page), 1, stream) == 1 && !fflush(stream))
CALL(fprintf, fprintf(stream, "%4096d", 1) == 4096 && !fflush(stream))

static int by_putc(void)
{
	for (int i = 0; i < 4096; i++)
		if (putc('x', stream) != 'x')
			return 0;
	return !fflush(stream);
}

CALL(fputs, fputs("a line\n", stream) >= 0 && !fflush(stream))
CALL(nothing, 1)

/* To another descriptor than the file's: a pipe's, and one that is not open. */
CALL(others, write(999, page, 1) == -1 && write(STDOUT_FILENO, "", 0) == 0 && by_write())

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "write", by_write },	 { "syscall", by_syscall }, { "many", by_many },
	{ "fwrite", by_fwrite }, { "fprintf", by_fprintf }, { "putc", by_putc },
	{ "fputs", by_fputs },	 { "nothing", by_nothing }, { "others", by_others },
};

static int (*call)(void);

static int confined(void *unused)
{
	(void)unused;
	if (enter())
		syscall(SYS_exit_group, 1);
	int status = call() ? 5 : 2;
	if (!strcmp(end, "exit"))
		syscall(SYS_exit, status);
	_exit(status);
}

static void *confined_thread(void *unused)
{
	confined(unused);
	return NULL;
}

static int by_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, confined_thread, NULL))
		return 1;
	usleep(200000);
	return 0;
}

/* With a storage of its own, by which it is told from the others. */
static int by_clone(void)
{
	static _Alignas(64) char stack[STACK_BYTES], storage[4096];

	if (clone(confined, stack + sizeof(stack), FLAGS, NULL, NULL, storage + 2048, &running) < 0)
		return 1;
	for (int i = 0; atomic_load(&running) && i < 10000; i++)
		usleep(1000);
	return atomic_load(&running);
}

static const struct {
	const char *name;
	long (*enter)(void);
	int (*start)(void);
} enters[] = {
	{ "prctl", enter_prctl, NULL },	      { "syscall", enter_syscall, NULL },
	{ "seccomp", enter_seccomp, NULL },   { "thread", enter_prctl, by_thread },
	{ "clone", enter_seccomp, by_clone },
};

static int list(const char *what)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && *what == 'c'; i++)
		puts(calls[i].name);
	for (size_t i = 0; i < sizeof(enters) / sizeof(enters[0]) && *what == 'e'; i++)
		puts(enters[i].name);
	return 0;
}

int main(int argc, char **argv)
{
	int (*start)(void) = NULL;

	if (argc == 3 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc != 5)
		return 3;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		call = strcmp(calls[i].name, argv[3]) ? call : calls[i].call;
	for (size_t i = 0; i < sizeof(enters) / sizeof(enters[0]); i++) {
		if (strcmp(enters[i].name, argv[2]))
			continue;
		enter = enters[i].enter;
		start = enters[i].start;
	}
	end = argv[4];
	stream = fopen(argv[1], "w");
	fd = stream ? fileno(stream) : -1;
	/* The stream has its buffer before it is needed. */
	if (fd < 0 || !call || fputs("first\n", stream) < 0 || fflush(stream))
		return 3;
	if (!start)
		return confined(NULL);
	return start() || !by_write() ? 4 : 5;
}
