/* SPDX-License-Identifier: MIT */
/*
 * footprint - what a writing process holds: resident memory and descriptors.
 *
 *   footprint rss FILE [NUMBER]   KiB resident after many writes, through descriptor NUMBER
 *   footprint fds FILE            the descriptors open after writes from several threads
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <sys/resource.h>

#include "../lib/probe.h"

#define LEN (1 << 20)
#define THREADS 4

static char *block;
static int fd;

/* In blocks and not in blocks, small and large, in a region of its own. */
static void *write_all(void *region)
{
	off_t start = (intptr_t)region * 2 * LEN;

	for (int i = 0; i < 8; i++) {
		if (pwrite(fd, block, 65536, start + i * 65536) < 0 ||
		    pwrite(fd, block + 1, 3333, start + i * 5000) < 0 ||
		    pwrite(fd, block, LEN, start) < 0)
			abort();
	}
	return NULL;
}

static void write_from_threads(void)
{
	pthread_t threads[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, write_all, (void *)i))
			abort();
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* smaps_rollup counts pages one by one; VmRSS is an estimate. */
static void print_resident(void)
{
	char text[4096] = "";
	int rollup = probe_open("/proc/self/smaps_rollup", O_RDONLY);

	if (syscall(SYS_read, rollup, text, sizeof(text) - 1) <= 0 || !strstr(text, "Rss:"))
		abort();
	printf("rss=%ld\n", atol(strstr(text, "Rss:") + 4));
}

static void print_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			printf("%s ", entry->d_name);
	printf("\n");
	closedir(dir);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	fd = open(argv[2], O_RDWR | O_CREAT, 0600);
	if (argc > 3) {
		struct rlimit many = { atoi(argv[3]) + 1, atoi(argv[3]) + 1 };

		if (setrlimit(RLIMIT_NOFILE, &many) || (fd = dup2(fd, atoi(argv[3]))) < 0)
			return 2;
	}
	block = probe_buffer(LEN);
	memset(block, 'f', LEN);
	if (!strcmp(argv[1], "rss")) {
		write_all(NULL);
		print_resident();
	} else {
		write_from_threads();
		print_descriptors();
	}
	return 0;
}
