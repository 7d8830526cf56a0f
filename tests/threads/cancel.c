/* SPDX-License-Identifier: MIT */
/* Threads that are cancelled at a call, as in glibc's tst-cancel4. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/uio.h>

#include "../lib/probe.h"
#include "threads.h"

#define CALL(name, call)                                                                           \
	static ssize_t call_##name(void)                                                           \
	{                                                                                          \
		return call;                                                                       \
	}

CALL(write, write(file_fd, block, PROBE_BLOCK))
CALL(writev, writev(file_fd, ((struct iovec[]){ { block, 100 }, { block, 200 } }), 2))
CALL(pwrite, pwrite(file_fd, block, PROBE_BLOCK, 0))
CALL(pwritev, pwritev(file_fd, &(struct iovec){ block, PROBE_BLOCK }, 1, 0))
CALL(pwritev2, pwritev2(file_fd, &(struct iovec){ block, PROBE_BLOCK }, 1, 0, RWF_DSYNC))
CALL(large, pwrite(file_fd, large, LARGE, 0))
CALL(append, write(appending, block, 100))
CALL(fsync, fsync(file_fd))
CALL(fdatasync, fdatasync(file_fd))
CALL(sync_file_range,
     sync_file_range(file_fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER))

static const struct {
	const char *name;
	ssize_t (*call)(void);
} calls[] = {
	{ "write", call_write },	 { "writev", call_writev },
	{ "pwrite", call_pwrite },	 { "pwritev", call_pwritev },
	{ "pwritev2", call_pwritev2 },	 { "large", call_large },
	{ "append", call_append },	 { "fsync", call_fsync },
	{ "fdatasync", call_fdatasync }, { "sync_file_range", call_sync_file_range },
};

static ssize_t (*call)(void);
static int type;
static atomic_bool begun;
static int cleaned, masks_kept;

/* Of the two signals the program has blocked one. */
static void clean(void *unused)
{
	sigset_t mask;

	(void)unused;
	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	cleaned++;
	masks_kept += !sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGUSR2);
}

static void *be_cancelled_before(void *unused)
{
	pthread_cleanup_push(clean, NULL);
	pthread_cancel(pthread_self());
	call();
	pthread_cleanup_pop(0);
	return unused;
}

static void *be_cancelled_inside(void *unused)
{
	pthread_cleanup_push(clean, NULL);
	pthread_setcanceltype(type, NULL);
	begun = true;
	for (;;)
		call();
	pthread_cleanup_pop(0);
	return unused;
}

/* Cancels one thread, with another under way every second time; true if that was its end. */
static bool cancel_one(int round, bool before)
{
	pthread_t other = 0, thread;
	void *ended;

	begun = before;
	thread = start(before ? be_cancelled_before : be_cancelled_inside, NULL);
	while (!begun)
		sched_yield();
	if (!before) {
		usleep(round * 37 % 1000);
		pthread_cancel(thread);
	}
	if (round % 2)
		other = start(write_once, (void *)1);
	pthread_join(thread, &ended);
	if (other)
		pthread_join(other, NULL);
	return ended == PTHREAD_CANCELED;
}

void cancel_threads(const char *name, const char *when, int rounds)
{
	int cancelled = 0;
	sigset_t blocked;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (!strcmp(name, calls[i].name))
			call = calls[i].call;
	must(call, name);
	type = strcmp(when, "async") ? PTHREAD_CANCEL_DEFERRED : PTHREAD_CANCEL_ASYNCHRONOUS;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	for (int i = 0; i < rounds; i++) {
		memset(large, 1 + i, LARGE);
		cancelled += cancel_one(i, !strcmp(when, "before"));
		must(pwrite(file_fd, block, PROBE_BLOCK, 0) == (ssize_t)PROBE_BLOCK, "pwrite");
		must(call_append() == 100, "append");
		must(!fdatasync(file_fd), "fdatasync");
	}
	/* Alone again; for whom it may have been kept waiting. */
	write_once(NULL);
	printf("cancelled=%d\ncleaned=%d\nmasks=%d\n", cancelled, cleaned, masks_kept);
}
