/* SPDX-License-Identifier: MIT */
/* What else a call of a stream meets: locks of others, and functions of the program. */
#include "symbol.h"

#include <error.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#define SECONDS_MAX 20
#define TIMES 30

/* Killed where it hangs: what it waits in may hold signals off. */
static long run_in_time(int (*run)(void))
{
	const struct timespec most = { .tv_sec = SECONDS_MAX };
	sigset_t ended, before;

	sigemptyset(&ended);
	sigaddset(&ended, SIGCHLD);
	sigprocmask(SIG_BLOCK, &ended, &before);
	pid_t child = fork();
	if (child == 0)
		_exit(run());
	if (sigtimedwait(&ended, NULL, &most) < 0)
		kill(child, SIGKILL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return status_of(child);
}

static void become_stderr(void)
{
	fd = open("file", O_RDWR | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
}

static pthread_barrier_t is_locked;

static void *hold_stdout(void *unused)
{
	flockfile(stdout);
	pthread_barrier_wait(&is_locked);
	usleep(100000);
	TELL(fprintf(stderr, "by the thread\n"));
	funlockfile(stdout);
	return unused;
}

static int say_while_stdout_is_held(void)
{
	pthread_t thread;

	become_stderr();
	pthread_barrier_init(&is_locked, NULL, 2);
	pthread_create(&thread, NULL, hold_stdout, NULL);
	pthread_barrier_wait(&is_locked);
	error(0, 0, "behind the thread");
	judge("file");
	pthread_join(thread, NULL);
	return 0;
}

/* error(3) flushes stdout, and does not hold stderr meanwhile. */
void scene_error_waits(void)
{
	TELL(run_in_time(say_while_stdout_is_held));
}

static _Atomic bool is_over;

static void *flush_all(void *unused)
{
	while (!is_over)
		fflush(NULL);
	return unused;
}

static int say_beside_flushes(void)
{
	pthread_t thread;

	become_stderr();
	pthread_create(&thread, NULL, flush_all, NULL);
	for (int i = 0; i < TIMES; i++) {
		errno = UNTOUCHED;
		perror("words");
	}
	psignal(SIGINT, "words");
	is_over = true;
	pthread_join(thread, NULL);
	judge("file");
	return 0;
}

/* perror(3) opens a stream of its own, for which it needs the list that fflush(NULL) holds. */
void scene_perror_beside_flushes(void)
{
	TELL(run_in_time(say_beside_flushes));
}
