/* SPDX-License-Identifier: MIT */
/*
 * exit_paths HOW FILE - writes a block in each of its processes, which end in one of many ways.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK_LEN 65536
#define CHILDREN 3

static char block[BLOCK_LEN];
static int fd;

static void write_block(void)
{
	if (write(fd, block, BLOCK_LEN) != BLOCK_LEN)
		abort();
}

static void fork_children(void (*end)(int))
{
	for (int i = 0; i < CHILDREN; i++) {
		if (fork() == 0) {
			write_block();
			end(0);
		}
	}
	while (wait(NULL) > 0)
		continue;
}

static void *last_thread(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	write_block();
	return NULL;
}

static void exit_before_last_thread(void)
{
	static pthread_t self;
	pthread_t other;

	self = pthread_self();
	if (pthread_create(&other, NULL, last_thread, &self))
		abort();
	pthread_exit(NULL);
}

static void exit_after_vfork(void)
{
	if (vfork() == 0)
		_exit(0);
	wait(NULL);
	exit(0);
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	fd = argc > 2 ? open(argv[2], O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
	memset(block, 'l', sizeof(block));
	write_block();
	if (!strcmp(how, "exit"))
		exit(0);
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "_Exit"))
		_Exit(0);
	if (!strcmp(how, "quick_exit"))
		quick_exit(0);
	if (!strcmp(how, "pthread_exit"))
		exit_before_last_thread();
	if (!strcmp(how, "fork"))
		fork_children(exit);
	if (!strcmp(how, "fork__exit"))
		fork_children(_exit);
	if (!strcmp(how, "daemon") && daemon(1, 1) == 0)
		write_block();
	if (!strcmp(how, "vfork"))
		exit_after_vfork();
	return 0;
}
