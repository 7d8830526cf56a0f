/* SPDX-License-Identifier: MIT */
/*
 * threads - threads that come and go, and what they leave behind in their process.
 *
 *   burst FILE COUNT WIDTH       COUNT threads, WIDTH at a time, write a block each through one
 *                                descriptor
 *   late FILE COUNT WIDTH        the same, and once more when their keys are destroyed
 *   exit FILE COUNT WIDTH        the same, and end by pthread_exit(3) under a handler that writes
 *   keys FILE                    makes all pthread keys that there are, around threads that write
 *   forks FILE COUNT             threads write whole blocks while COUNT children are forked
 *   child FILE                   writes from threads, and waits for children that it has not
 *   forked FILE COUNT            writes, and so does each of COUNT children
 *   killed FILE COUNT            children that share the descriptor are killed as they write
 *   mixed FILE COUNT [own]       writes whole blocks, or O_DIRECT with `own`, while a thread stores
 *                                into a mapping of them, writes parts and syncs; counts errors
 *   cancel FILE CALL WHEN COUNT  threads are cancelled at CALL, `before` it, or in the middle,
 *                                `deferred` or `async`
 *   reap FILE COUNT              io_submit(2) of COUNT writes, whose requests another thread unmaps
 *                                as soon as they are complete
 *   stream FILE HOW COUNT        a thread empties the stream that another puts words into, by
 *                                fflush(3) of `one` or `all` or a `seek`; rounds that end dirty
 *   signal FILE LOG COUNT        handlers write to FILE and LOG while COUNT writes are under way
 *
 * Prints NAME=VALUE, and what the process holds before and after. 2 where a call fails.
 */
#define _GNU_SOURCE
#include "threads.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../lib/probe.h"

#define WIDTH_MAX 16

int file_fd, appending;
char *block, *large;

static pthread_key_t key;
static bool writes_late, exits;

pthread_t start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	must(!pthread_create(&thread, NULL, body, argument), "pthread_create");
	return thread;
}

static void print_status(const char *when, const char *name, const char *field)
{
	char text[8192] = "";
	int status = probe_open("/proc/self/status", O_RDONLY);
	long len = syscall(SYS_read, status, text, sizeof(text) - 1);
	const char *at = len > 0 ? strstr(text, field) : NULL;

	probe_close(status);
	must(at, field);
	printf("%s_%s=%ld\n", when, name, atol(at + strlen(field)));
}

/* All mappings, and those of an io_uring. */
static void print_mappings(const char *when)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 100];
	int all = 0, rings = 0;

	must(maps, "/proc/self/maps");
	while (fgets(line, sizeof(line), maps)) {
		all++;
		rings += strstr(line, "[io_uring]") != NULL;
	}
	fclose(maps);
	printf("%s_maps=%d\n%s_rings=%d\n", when, all, when, rings);
}

static void print_held(const char *when)
{
	DIR *dir = opendir("/proc/self/fd");
	int fds = 0;

	must(dir, "/proc/self/fd");
	while (readdir(dir))
		fds++;
	closedir(dir);
	printf("%s_fds=%d\n", when, fds);
	print_mappings(when);
	print_status(when, "kib", "\nVmRSS:");
	print_status(when, "threads", "\nThreads:");
}

void *write_once(void *place)
{
	off_t offset = (intptr_t)place % BLOCKS * PROBE_BLOCK;

	must(pwrite(file_fd, block, PROBE_BLOCK, offset) == (ssize_t)PROBE_BLOCK, "pwrite");
	return NULL;
}

static void write_late(void *place)
{
	write_once(place);
}

static void *write_and_end(void *place)
{
	if (writes_late)
		pthread_setspecific(key, place);
	write_once(place);
	if (exits) {
		pthread_cleanup_push(write_late, place);
		pthread_exit(NULL);
		pthread_cleanup_pop(0);
	}
	return NULL;
}

/* Threads, `width` at a time, that write the blocks from 1 on. */
static void run(int count, int width)
{
	pthread_t threads[WIDTH_MAX];

	for (int i = 0; i < count; i += width) {
		for (int j = 0; j < width; j++)
			threads[j] = start(write_and_end, (void *)(intptr_t)(1 + i + j));
		for (int j = 0; j < width; j++)
			pthread_join(threads[j], NULL);
	}
}

/* The first ones make what stays: stacks that the C library keeps, the library's own memory. */
static void burst(int count, int width)
{
	must(width > 0 && width <= WIDTH_MAX, "WIDTH");
	must(!pthread_key_create(&key, write_late), "pthread_key_create");
	run(8 * width, width);
	print_held("before");
	run(count, width);
	print_held("after");
}

static void make_all_keys(void)
{
	pthread_key_t last;
	int made = 0;

	run(8, 2);
	while (!pthread_key_create(&last, NULL))
		made++;
	printf("keys=%d\nkeys_max=%d\n", made, PTHREAD_KEYS_MAX);
	run(8, 2);
	/* Nobody else's value is in it. */
	printf("value=%d\n", pthread_getspecific(last) != NULL);
	pthread_key_delete(last);
	printf("again=%d\n", pthread_key_create(&last, NULL));
	print_held("after");
}

static atomic_bool forked;

/* Each block is written from private memory that changes at once afterwards, and read back. */
static void *write_and_compare(void *number)
{
	char *mine = probe_buffer(PROBE_BLOCK), *back = probe_buffer(PROBE_BLOCK);
	off_t offset = (intptr_t)number * PROBE_BLOCK;
	int direct = probe_open("/proc/self/fd/3", O_RDONLY | O_DIRECT);
	intptr_t wrong = 0;

	must(direct >= 0, "O_DIRECT");
	for (int round = 0; !forked; round++) {
		memset(mine, round, PROBE_BLOCK);
		must(pwrite(file_fd, mine, PROBE_BLOCK, offset) == (ssize_t)PROBE_BLOCK, "pwrite");
		memset(mine, ~round, PROBE_BLOCK);
		must(pread(direct, back, PROBE_BLOCK, offset) == (ssize_t)PROBE_BLOCK, "pread");
		for (size_t i = 0; i < PROBE_BLOCK && back[i] == (char)round; i++)
			wrong -= i == PROBE_BLOCK - 1;
		wrong++;
	}
	probe_close(direct);
	return (void *)wrong;
}

static void fork_children(int count)
{
	pthread_t threads[2];
	intptr_t wrong = 0;

	must(file_fd == 3, "the first descriptor");
	for (intptr_t i = 0; i < 2; i++)
		threads[i] = start(write_and_compare, (void *)i);
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		must(child >= 0, "fork");
		if (!child) {
			memset(block, 'x', PROBE_BLOCK);
			_exit(0);
		}
		must(waitpid(child, NULL, 0) == child, "waitpid");
	}
	forked = true;
	for (int i = 0; i < 2; i++) {
		void *of_thread;

		pthread_join(threads[i], &of_thread);
		wrong += (intptr_t)of_thread;
	}
	printf("wrong=%jd\n", (intmax_t)wrong);
}

static atomic_int children_told;

static void count_child(int signal)
{
	(void)signal;
	children_told++;
}

static void wait_for_nobody(void)
{
	signal(SIGCHLD, count_child);
	run(8, 2);
	write_once(NULL);
	pid_t child = waitpid(-1, NULL, __WALL);
	printf("child=%d\nno_child=%d\ntold=%d\n", child > 0, errno == ECHILD, children_told);
}

static atomic_int errors;
static atomic_bool done;

static void *write_parts(void *unused)
{
	char *map = mmap(NULL, 8 * PROBE_BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);

	must(map != MAP_FAILED, "mmap");
	for (unsigned int round = 0; !done; round++) {
		map[round % 8 * PROBE_BLOCK] = round;
		errors += pwrite(file_fd, block, 100, round % 8 * PROBE_BLOCK + 50) < 0;
		errors += round % 32 == 0 && fsync(file_fd) < 0;
	}
	munmap(map, 8 * PROBE_BLOCK);
	return unused;
}

static void mix(int count, bool own)
{
	int whole = own ? probe_open("/proc/self/fd/3", O_WRONLY | O_DIRECT) : file_fd;
	pthread_t thread = start(write_parts, NULL);

	must(file_fd == 3 && whole >= 0, "O_DIRECT");
	for (int i = 0; i < count; i++)
		errors += pwrite(whole, block, PROBE_BLOCK, i % 8 * PROBE_BLOCK) < 0;
	done = true;
	pthread_join(thread, NULL);
	printf("errors=%d\n", errors + (fsync(file_fd) < 0));
}

static void write_in_children(int count)
{
	int status = 0;

	run(8, 2);
	write_once(NULL);
	for (int i = 0; i < count && !status; i++) {
		pid_t child = fork();

		must(child >= 0, "fork");
		if (!child)
			_exit(write_once(NULL) != NULL);
		must(waitpid(child, &status, 0) == child, "waitpid");
	}
	printf("status=%d\n", status);
}

static void kill_children(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		must(child >= 0, "fork");
		while (!child)
			pwrite(file_fd, large, LARGE, 0);
		usleep(1000 + i * 531 % 4000);
		kill(child, SIGKILL);
		must(waitpid(child, NULL, 0) == child, "waitpid");
		must(write(file_fd, block, 100) == 100, "write");
	}
	printf("killed=%d\n", count);
}

static bool do_it(int argc, char **argv)
{
	const char *what = argv[1];
	int count = argc > 3 ? atoi(argv[argc - 1]) : 0;

	writes_late = !strcmp(what, "late");
	exits = !strcmp(what, "exit");
	if (argc == 5 && (writes_late || exits || !strcmp(what, "burst")))
		burst(atoi(argv[3]), count);
	else if (argc == 3 && !strcmp(what, "keys"))
		make_all_keys();
	else if (argc == 4 && !strcmp(what, "forks"))
		fork_children(count);
	else if (argc == 3 && !strcmp(what, "child"))
		wait_for_nobody();
	else if (argc >= 4 && !strcmp(what, "mixed"))
		mix(atoi(argv[3]), argc > 4);
	else if (argc == 4 && !strcmp(what, "forked"))
		write_in_children(count);
	else if (argc == 4 && !strcmp(what, "killed"))
		kill_children(count);
	else if (argc == 4 && !strcmp(what, "reap"))
		submit_writes(count);
	else if (argc == 6 && !strcmp(what, "cancel"))
		cancel_threads(argv[3], argv[4], count);
	else if (argc == 5 && !strcmp(what, "stream"))
		share_stream(argv[2], argv[3], count);
	else if (argc == 5 && !strcmp(what, "signal"))
		interrupt_writes(argv[3], count);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	file_fd = open(argv[2], O_RDWR | O_CREAT, 0600);
	appending = open(argv[2], O_RDWR | O_APPEND);
	must(file_fd >= 0 && appending >= 0, argv[2]);
	block = probe_buffer(PROBE_BLOCK);
	memset(block, 't', PROBE_BLOCK);
	large = probe_buffer(LARGE);
	memset(large, 'l', LARGE);
	if (!do_it(argc, argv))
		return 2;
	print_held("end");
	return 0;
}
