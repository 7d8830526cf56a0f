/* SPDX-License-Identifier: MIT */
/*
 * spawn - what the preload adds to the start of a program.
 *
 *   spawn EMPTY_LIBRARY PROGRAM TURNS
 *
 * Three workers, without a preload, with one that does nothing, and with libwt, start PROGRAM in
 * turn, each way once a turn in an order drawn anew, and wait for its end; a figure is the
 * microseconds of one. What a worker shows is all of it: its own fork under the preload, the
 * loader's work in the program, and the program's end. The empty library is the least that any
 * preload costs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib.h"

enum { PRELOADS = 3, WAYS = 3, ENVIRONMENT_MAX = 8 };

static const char *const preload_names[PRELOADS] = { "libc", "empty", "libwt" };
static const char *const way_names[WAYS] = { "fork", "vfork", "posix_spawn" };

static pid_t start(const char *way, char *const argv[])
{
	pid_t child = -1;

	if (!strcmp(way, "posix_spawn"))
		return posix_spawn(&child, argv[0], NULL, NULL, argv, environ) ? -1 : child;
	child = *way == 'v' ? vfork() : fork();
	if (!child) {
		execve(argv[0], argv, environ);
		_exit(127);
	}
	return child;
}

/* A worker: asked for a way by its number, it answers with the microseconds. */
static int work(int socket, char *program)
{
	char *argv[] = { program, NULL };
	unsigned char way;

	while (read(socket, &way, 1) == 1) {
		uint64_t begin = bench_now_ns();
		pid_t child = start(way_names[way], argv);
		int status = 1;

		if (child < 0 || waitpid(child, &status, 0) != child || status)
			bench_fail("%s: ended with status %d", program, status);
		double us = (double)(bench_now_ns() - begin) / 1000;
		if (write(socket, &us, sizeof(us)) != sizeof(us))
			return 1;
	}
	return 0;
}

static char *variable(const char *name, const char *value)
{
	char *text;

	if (asprintf(&text, "%s=%s", name, value) < 0)
		bench_fail("no memory");
	return text;
}

/* The worker's end of a socket is its standard input. No report: it would be the costliest part. */
static int begin_worker(char **argv, const char *preload, const char *policy)
{
	char *environment[ENVIRONMENT_MAX] = { variable("LD_PRELOAD", preload) };
	posix_spawn_file_actions_t actions;
	int sockets[2], err;
	pid_t child;

	if (policy)
		environment[1] = variable("WT_POLICY", policy);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		bench_fail("socketpair: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, sockets[1], STDIN_FILENO);
	char *worker[] = { argv[0], "worker", argv[2], NULL };
	err = posix_spawn(&child, "/proc/self/exe", &actions, NULL, worker, environment);
	if (err)
		bench_fail("posix_spawn: %s", strerror(err));
	posix_spawn_file_actions_destroy(&actions);
	close(sockets[1]);
	return sockets[0];
}

static double ask(int worker, unsigned char way)
{
	double us;

	if (write(worker, &way, 1) != 1 || read(worker, &us, sizeof(us)) != sizeof(us))
		bench_fail("a worker is gone");
	return us;
}

int main(int argc, char **argv)
{
	static struct bench_figures figures[PRELOADS * WAYS];
	size_t order[PRELOADS * WAYS];
	uint64_t random = 1;
	int workers[PRELOADS];

	if (argc == 3 && !strcmp(argv[1], "worker"))
		return work(STDIN_FILENO, argv[2]);
	if (argc != 4)
		bench_fail("usage: spawn EMPTY_LIBRARY PROGRAM TURNS");
	bench_start();
	workers[0] = begin_worker(argv, "", NULL);
	workers[1] = begin_worker(argv, argv[1], NULL);
	workers[2] = begin_worker(argv, getenv("LD_PRELOAD"), getenv("WT_POLICY"));
	for (int turn = 0; turn < atoi(argv[3]); turn++) {
		bench_shuffle(order, PRELOADS * WAYS, &random);
		for (size_t i = 0; i < PRELOADS * WAYS; i++)
			bench_figures_add(&figures[order[i]],
					  ask(workers[order[i] % PRELOADS], order[i] / PRELOADS));
	}
	for (size_t i = 0; i < PRELOADS * WAYS; i++) {
		printf("{\"series\":\"%s:%s\",", preload_names[i % PRELOADS],
		       way_names[i / PRELOADS]);
		bench_figures_print(&figures[i]);
		printf("}\n");
	}
	return 0;
}
