/* SPDX-License-Identifier: MIT */
/*
 * bare FILE STORAGE CALL - a thread that clone(2) made writes FILE by CALL. Its thread-local
 * storage is its creator's (shared), none (null), cannot be touched (fenced), or bytes of its own
 * without anything of libc's (zeros, poison, header). Prints how many of FILE's pages are dirty
 * then, and whether the bytes around such a storage are as before.
 *
 * bare FILE crowd STORAGE - four such threads at once, and the first one, write blocks of their
 * own.
 *
 * bare list storages|calls|ways - what there is.
 *
 * bare FILE exits WAY - such a thread ends by WAY while the first one goes on, which writes FILE;
 * or it is the first one that ends (leader), or that of a child (child), and the other goes on.
 * Whoever is last ends by exit(2) with status 5.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/probe.h"

#define STACK_BYTES (256 << 10)
#define STORAGE_BYTES 16384
#define FLAGS                                                                                      \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM |        \
	 CLONE_CHILD_CLEARTID)

static _Alignas(4096) char page[4096];
static int fd, other;
static const char *name;
static _Atomic int running = 1;
static long (*call)(void);
static long answer = -1;

static const struct iovec iov = { page, sizeof(page) };

#define CALL(name, call)                                                                           \
	static long by_##name(void)                                                                \
	{                                                                                          \
		return call;                                                                       \
	}

CALL(write, write(fd, page, sizeof(page)))
CALL(pwrite, pwrite(fd, page, sizeof(page), sizeof(page)))
CALL(part, pwrite(fd, page, 100, 50))

static long by_large(void)
{
	static char large[3 << 20];

	return pwrite(fd, large, sizeof(large), 0);
}

CALL(writev, writev(fd, &iov, 1))
CALL(pwritev, pwritev(fd, &iov, 1, 0))
CALL(pwritev2, pwritev2(fd, &iov, 1, 0, 0))
CALL(syscall, syscall(SYS_pwrite64, fd, page, sizeof(page), 0))

static long by_many(void)
{
	for (int i = 0; i < 200; i++)
		if (pwrite(fd, page, sizeof(page), i % 16 * sizeof(page)) < 0)
			return -1;
	return 0;
}

static long write_and_close(int mine)
{
	long ret = mine < 0 ? -1 : write(mine, page, sizeof(page));

	return close(mine) ? -1 : ret;
}

CALL(open, write_and_close(open(name, O_WRONLY)))
CALL(append, write_and_close(open(name, O_WRONLY | O_APPEND)))
CALL(dup, write_and_close(dup(fd)))
CALL(dup2, dup2(fd, other) < 0 ? -1 : write(other, page, sizeof(page)))
CALL(fdatasync, write(fd, page, sizeof(page)) < 0 ? -1 : fdatasync(fd))
CALL(fsync, write(fd, page, sizeof(page)) < 0 ? -1 : fsync(fd))
CALL(unknown, syscall(SYS_lseek, fd, 0, SEEK_SET) < 0 ? -1 : write(other + 1, page, sizeof(page)))

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "write", by_write },	     { "pwrite", by_pwrite }, { "part", by_part },
	{ "large", by_large },	     { "writev", by_writev }, { "pwritev", by_pwritev },
	{ "pwritev2", by_pwritev2 }, { "many", by_many },     { "syscall", by_syscall },
	{ "open", by_open },	     { "append", by_append }, { "dup", by_dup },
	{ "dup2", by_dup2 },	     { "fsync", by_fsync },   { "fdatasync", by_fdatasync },
	{ "unknown", by_unknown },
};

/* The middle of `around`, as the bytes of a storage lie on both sides of its address. */
static void *storage_of(const char *kind, char *around, int *flags)
{
	char *middle = around + STORAGE_BYTES / 2;

	*flags = CLONE_SETTLS;
	if (!strcmp(kind, "null"))
		return NULL;
	if (!strcmp(kind, "fenced")) {
		must(!mprotect(around, STORAGE_BYTES, PROT_NONE), "mprotect");
		return middle;
	}
	if (!strcmp(kind, "poison"))
		memset(around, 0x5a, STORAGE_BYTES);
	/* What a compiler's code needs: the address of itself. */
	if (!strcmp(kind, "header")) {
		memset(around, 0x11, STORAGE_BYTES);
		*(void **)middle = middle;
		*((void **)middle + 2) = middle;
	}
	if (!strcmp(kind, "shared"))
		*flags = 0;
	return middle;
}

static const char *const storages[] = { "shared", "null", "fenced", "zeros", "poison", "header" };

static int thread(void *unused)
{
	(void)unused;
	answer = call();
	return 0;
}

static long exit_leader(void), exit_child(void);

static long exit_by_syscall(void)
{
	return syscall(SYS_exit, 0);
}

static long exit_by_return(void)
{
	return 0;
}

static long exit_after_write(void)
{
	by_pwrite();
	return syscall(SYS_exit, 3);
}

static const struct {
	const char *name;
	long (*call)(void);
} ways[] = {
	{ "syscall", exit_by_syscall }, { "return", exit_by_return }, { "write", exit_after_write },
	{ "leader", exit_leader },	{ "child", exit_child },
};

/* The first thread has ended by then. */
static int go_on_alone(void *unused)
{
	(void)unused;
	usleep(200000);
	by_pwrite();
	printf("dirty=%ju\n", (uintmax_t)probe_dirty_pages(fd));
	fflush(stdout);
	syscall(SYS_exit, 5);
	return 0;
}

static void launch(int (*function)(void *), void *storage, int flags)
{
	char *stack =
		mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(stack != MAP_FAILED, "mmap");
	atomic_store(&running, 1);
	must(clone(function, stack + STACK_BYTES, flags, NULL, NULL, storage, &running) > 0,
	     "clone");
}

static void start(void *storage, int flags)
{
	launch(thread, storage, FLAGS | flags);
	for (int i = 0; atomic_load(&running) && i < 15000; i++)
		usleep(1000);
	must(!atomic_load(&running), "the thread has not ended");
}

static long exit_leader(void)
{
	launch(go_on_alone, NULL, FLAGS);
	return syscall(SYS_exit, 3);
}

static int leave_a_thread(void *unused)
{
	(void)unused;
	launch(go_on_alone, NULL, FLAGS);
	return 3;
}

static long exit_child(void)
{
	int status;

	launch(leave_a_thread, NULL, SIGCHLD);
	must(wait(&status) > 0 && WIFEXITED(status), "wait");
	_exit(WEXITSTATUS(status));
}

static int list(const char *what)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && *what == 'w'; i++)
		puts(ways[i].name);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && *what == 'c'; i++)
		puts(calls[i].name);
	for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]) && *what == 's'; i++)
		puts(storages[i]);
	return 0;
}

static int write_in(const char *kind)
{
	int flags;
	char *around = mmap(NULL, STORAGE_BYTES, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static char before[STORAGE_BYTES];
	void *storage = storage_of(kind, around, &flags);

	if (strcmp(kind, "fenced"))
		memcpy(before, around, STORAGE_BYTES);
	start(storage, flags);
	must(answer >= 0, "the thread's call");
	printf("dirty=%ju\n", (uintmax_t)probe_dirty_pages(fd));
	if (strcmp(kind, "fenced") && memcmp(before, around, STORAGE_BYTES))
		puts("changed=1");
	return 0;
}

/* And then the thread is not there any more, and writes by this one are covered. */
static int go_on(void)
{
	if (call == exit_leader || call == exit_child)
		call();
	start(NULL, 0);
	must(by_pwrite() > 0, "pwrite");
	printf("dirty=%ju\n", (uintmax_t)probe_dirty_pages(fd));
	return 5;
}

#define CROWD 4
#define BLOCKS 100

static _Atomic int crowd_running[CROWD], crowd_failed;

/* Each block is told from all others by its first bytes. */
static void write_blocks(int number)
{
	static _Alignas(4096) char blocks[CROWD + 1][4096];

	for (int i = 0; i < BLOCKS; i++) {
		int at = i * (CROWD + 1) + number;

		memcpy(blocks[number], &at, sizeof(at));
		if (pwrite(fd, blocks[number], sizeof(page), (off_t)at * sizeof(page)) !=
		    sizeof(page))
			atomic_fetch_add(&crowd_failed, 1);
	}
}

static int one_of_crowd(void *running_at)
{
	write_blocks((int)((_Atomic int *)running_at - crowd_running));
	return 0;
}

static int write_in_crowd(const char *kind)
{
	for (int i = 0; i < CROWD; i++) {
		int flags, at;
		char *around = mmap(NULL, STORAGE_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		void *storage = storage_of(kind, around, &flags);

		at = atomic_exchange(&crowd_running[i], 1);
		must(!at && clone(one_of_crowd, around + STORAGE_BYTES + STACK_BYTES, FLAGS | flags,
				  &crowd_running[i], NULL, storage, &crowd_running[i]) > 0,
		     "clone");
	}
	write_blocks(CROWD);
	for (int i = 0, tries = 0; i < CROWD && tries < 15000; tries++) {
		usleep(1000);
		i += !atomic_load(&crowd_running[i]);
	}
	for (int i = 0; i < BLOCKS * (CROWD + 1); i++) {
		int found;

		must(pread(fd, &found, sizeof(found), (off_t)i * sizeof(page)) == sizeof(found),
		     "pread");
		crowd_failed += found != i;
	}
	printf("dirty=%ju\n", (uintmax_t)probe_dirty_pages(fd));
	if (crowd_failed)
		printf("failed=%d\n", crowd_failed);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "list"))
		return list(argv[2]);
	if (argc != 4)
		return 2;
	bool exits = !strcmp(argv[2], "exits"), crowds = !strcmp(argv[2], "crowd");
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]) && !exits; i++)
		call = strcmp(calls[i].name, argv[3]) ? call : calls[i].call;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]) && exits; i++)
		call = strcmp(ways[i].name, argv[3]) ? call : ways[i].call;
	closefrom(3);
	name = argv[1];
	fd = open(name, O_RDWR | O_CREAT, 0600);
	other = open("/dev/null", O_WRONLY);
	must(fd >= 0 && other >= 0 && (call || crowds), "open");
	/* A number that libwt has not seen coming. */
	must(syscall(SYS_fcntl, fd, F_DUPFD, other + 1) == other + 1, "dup");
	if (crowds)
		return write_in_crowd(argv[3]);
	return exits ? go_on() : write_in(argv[2]);
}
