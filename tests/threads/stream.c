/* SPDX-License-Identifier: MIT */
/* A stream that one thread puts words into and another empties: what each hands over is covered. */
#define _GNU_SOURCE
#include "threads.h"

#include <stdatomic.h>

#include "../lib/probe.h"

#define WORDS 3000

static FILE *file;
static atomic_bool all_put;

static void *flush_one(void *unused)
{
	while (!all_put)
		must(!fflush(file), "fflush");
	return unused;
}

static void *flush_all(void *unused)
{
	while (!all_put)
		must(!fflush(NULL), "fflush(NULL)");
	return unused;
}

static void *seek(void *unused)
{
	while (!all_put)
		must(!fseek(file, 0, SEEK_CUR), "fseek");
	return unused;
}

void share_stream(const char *path, const char *how, int rounds)
{
	void *(*body)(void *) = !strcmp(how, "all") ? flush_all : flush_one;
	int dirty = 0;

	if (!strcmp(how, "seek"))
		body = seek;
	file = fopen(path, "r+");
	must(file, path);
	for (int i = 0; i < rounds; i++) {
		all_put = false;
		pthread_t other = start(body, NULL);
		for (int j = 0; j < WORDS; j++)
			must(fputs("word", file) >= 0, "fputs");
		all_put = true;
		pthread_join(other, NULL);
		/* What the last words left in the buffer is in nobody's way. */
		dirty += probe_dirty_pages(file_fd) > 0;
	}
	must(!fclose(file), "fclose");
	printf("dirty=%d\n", dirty);
}
