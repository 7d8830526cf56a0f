/* SPDX-License-Identifier: MIT */
/*
 * disk-shared - shares a file with programs that nobody sees, while its disk fails.
 *
 *   disk-shared give WAY [O_DSYNC]  gives the open file to a child that does nothing but
 *       fdatasync(2), in one of several ways, writes bytes that the disk refuses, and counts the
 *       writes that were told success all the same
 *   disk-shared late [cached]  a write fails and the file is closed; what fsync(2) then tells to
 *       those that open it, and to a new file; cached: it is the kernel's own writeback that fails
 *   disk-shared jump  a handler jumps out of writes that fail; afterwards none does
 *   disk-shared split  another thread has other.txt under the file's number, in a table of its own,
 *       while writes to the file fail
 *   disk-shared copy  copies from another file fail, and are made again from where the offsets are
 *       then; how many errors were told, and how many of the copied blocks are where they belong
 *   disk-shared message  messages at addresses that are not there
 *
 * In DISK_MNT, on the disk of tests/disk. Prints words, NAME=VALUE.
 */
#define _GNU_SOURCE
#include "../disk/control.h"
#include "../lib/must.h"
#include "../lib/pass.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 4096
#define BLOCKS 64
#define WRITES 200
#define MARK "BADMARK!"

extern char **environ;

static struct disk disk;
static char bad[BLOCK], good[BLOCK], zeros[BLOCK];
static const char *program;

static void order(const char *text)
{
	must(disk_command(&disk, "%s", text), text);
}

static int open_laid(const char *name, int flags)
{
	int fd = open(name, flags | O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0, name);
	for (int i = 0; i < BLOCKS; i++)
		must(pwrite(fd, good, BLOCK, i * BLOCK) == BLOCK, "pwrite");
	must(!fsync(fd), "fsync");
	return fd;
}

/* The child: its standard output, or what it is sent on its standard input, is the file. */
static int taker(const char *way)
{
	if (!strcmp(way, "sent"))
		must(dup2(pass_receive(STDIN_FILENO, 0), STDOUT_FILENO) >= 0, "receive");
	raise(SIGSTOP); /* Its parent waits for this. */
	while (!fdatasync(STDOUT_FILENO) || errno == EIO)
		;
	return 1;
}

static pid_t start_taker(const char *way, int fd)
{
	char *const argv[] = { (char *)program, "take", (char *)way, NULL };
	posix_spawn_file_actions_t actions;
	int sockets[2], status;
	pid_t child = -1;

	posix_spawn_file_actions_init(&actions);
	if (!strcmp(way, "spawned")) {
		posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
		must(!posix_spawn(&child, program, &actions, NULL, argv, environ), "posix_spawn");
	} else if (!strcmp(way, "sent")) {
		must(!socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets), "socketpair");
		posix_spawn_file_actions_adddup2(&actions, sockets[1], STDIN_FILENO);
		must(!posix_spawn(&child, program, &actions, NULL, argv, environ), "posix_spawn");
		must(pass_send(sockets[0], fd), "send");
	} else if (!strcmp(way, "vforked") ? !(child = vfork()) : !(child = fork())) {
		dup2(fd, STDOUT_FILENO);
		execve(program, argv, environ);
		_exit(2);
	}
	posix_spawn_file_actions_destroy(&actions);
	must(child > 0, way);
	must(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status),
	     "the child's start");
	kill(child, SIGCONT);
	return child;
}

static int give(const char *way, int flags)
{
	int fd = open_laid("given", flags | O_CLOEXEC);
	int lies = 0, errors = 0;

	order("fail mark=" MARK);
	pid_t child = start_taker(way, fd);
	for (int i = 0; i < WRITES; i++) {
		if (pwrite(fd, bad, BLOCK, i % BLOCKS * BLOCK) == BLOCK)
			lies++;
		else
			errors++;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	order("heal");
	printf("lies=%d errors=%d\n", lies, errors);
	return 0;
}

static const char *told(int fd)
{
	must(fd >= 0, "open");
	return fsync(fd) ? strerrorname_np(errno) : "0";
}

static int late(bool cached)
{
	int fd = open_laid("late", 0), dir = open(".", O_RDONLY);

	order("fail mark=" MARK " times=1");
	must((pwrite(fd, bad, BLOCK, 0) == BLOCK) == cached, "a write that fails");
	if (cached)
		syncfs(dir);
	close(fd);
	order("heal");
	int first = open("late", O_RDONLY), second = open("late", O_RDONLY);
	FILE *stream = fopen("late", "r");
	printf("stream=%s ", told(fileno(stream)));
	printf("first=%s ", told(first));
	printf("again=%s ", told(first));
	printf("second=%s ", told(second));
	printf("after=%s ", told(open("late", O_RDONLY)));
	unlink("late");
	printf("new=%s\n", told(open("late", O_RDWR | O_CREAT | O_EXCL, 0600)));
	return 0;
}

static sigjmp_buf out;

static void jump(int signal)
{
	(void)signal;
	siglongjmp(out, 1);
}

static int jumper(void)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 300 } };
	int fd = open_laid("jumped", 0);
	volatile int jumps = 0, failed = 0;

	signal(SIGALRM, jump);
	order("fail mark=" MARK);
	for (int i = 0; i < WRITES; i++) {
		if (sigsetjmp(out, 1)) {
			jumps++;
			continue;
		}
		setitimer(ITIMER_REAL, &soon, NULL);
		pwrite(fd, bad, BLOCK, i % BLOCKS * BLOCK);
		setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	}
	order("heal");
	for (int i = 0; i < BLOCKS; i++)
		failed += pwrite(fd, i % 2 ? good : zeros, BLOCK, i * BLOCK) != BLOCK;
	printf("jumps=%d failed=%d\n", jumps, failed);
	return 0;
}

static void *split(void *fd)
{
	must(!unshare(CLONE_FILES), "unshare");
	close(*(int *)fd);
	must(open("other.txt", O_RDWR | O_CREAT, 0600) == *(int *)fd, "the same number");
	return NULL;
}

static int splitter(void)
{
	int fd = open_laid("split.db", O_CLOEXEC), lies = 0;
	pthread_t thread;

	must(!pthread_create(&thread, NULL, split, &fd), "pthread_create");
	pthread_join(thread, NULL);
	order("fail mark=" MARK);
	for (int i = 0; i < BLOCKS; i++)
		lies += pwrite(fd, bad, BLOCK, i * BLOCK) == BLOCK;
	order("heal");
	printf("lies=%d\n", lies);
	return 0;
}

#define LONG_BLOCKS (65 << 8) /* 65 MiB, more than is copied in one step */

/* Its first and its last block are those that the disk refuses. */
static int open_source(void)
{
	int fd = open("other.txt", O_RDWR | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0, "other.txt");
	for (int i = 0; i < LONG_BLOCKS; i++)
		must(write(fd, i % (LONG_BLOCKS - 1) ? good : bad, BLOCK) == BLOCK, "write");
	must(!fsync(fd), "fsync");
	return fd;
}

/* As a program does that goes on after an error: 0, or how many were told. */
static int copy_all(int in, int to, off64_t *from, off64_t *at)
{
	int errors = 0;
	ssize_t ret;

	do {
		size_t left = (size_t)LONG_BLOCKS * BLOCK;

		ret = at ? copy_file_range(in, from, to, at, left, 0)
			 : sendfile(to, in, from, left);
		errors += ret < 0;
	} while (ret && errors < 10);
	return errors;
}

static int misplaced(int in, int to)
{
	char is[BLOCK], was[BLOCK];
	int count = 0;

	for (off_t i = 0; i < LONG_BLOCKS; i++) {
		must(pread(in, was, BLOCK, i * BLOCK) == BLOCK, "pread");
		count += pread(to, is, BLOCK, i * BLOCK) != BLOCK || memcmp(is, was, BLOCK) != 0;
	}
	return count;
}

static int copier(void)
{
	int in = open_source(), errors = 0, lost = 0;

	for (int way = 0; way < 3; way++) {
		int to = open("copied", O_RDWR | O_CREAT | O_TRUNC, 0600);
		off64_t from = 0, at = 0;

		must(to >= 0, "copied");
		order("fail mark=" MARK " times=2");
		lseek(in, 0, SEEK_SET);
		errors += copy_all(in, to, way ? &from : NULL, way == 2 ? &at : NULL) > 0;
		order("heal");
		lost += misplaced(in, to);
		close(to);
	}
	printf("told=%d misplaced=%d\n", errors, lost);
	return 0;
}

static int messages(void)
{
	struct msghdr message = { .msg_control = (void *)8, .msg_controllen = 64 };
	void *volatile nowhere = (void *)8;
	int sockets[2];

	must(!socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets), "socketpair");
	errno = 0;
	printf("message=%zd/%s ", sendmsg(sockets[0], nowhere, 0), strerrorname_np(errno));
	errno = 0;
	printf("control=%zd/%s ", sendmsg(sockets[0], &message, 0), strerrorname_np(errno));
	errno = 0;
	printf("several=%d/%s\n", sendmmsg(sockets[0], nowhere, 2, 0), strerrorname_np(errno));
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	program = argv[0];
	if (argc > 2 && !strcmp(what, "take"))
		return taker(argv[2]);
	if (!strcmp(what, "message"))
		return messages();
	memset(bad, 'b', BLOCK);
	memcpy(bad, MARK, sizeof(MARK) - 1);
	memset(good, 'g', BLOCK);
	must(!chdir(getenv("DISK_MNT") ?: ""), "DISK_MNT");
	must(!disk_connect(&disk, getenv("DISK_CTL")), "DISK_CTL");
	if (argc > 2 && !strcmp(what, "give"))
		return give(argv[2], argc > 3 ? O_DSYNC : 0);
	if (!strcmp(what, "late"))
		return late(argc > 2);
	if (!strcmp(what, "jump"))
		return jumper();
	if (!strcmp(what, "split"))
		return splitter();
	if (!strcmp(what, "copy"))
		return copier();
	fprintf(stderr, "disk-shared: expected give WAY, late, jump, split, copy or message\n");
	return 2;
}
