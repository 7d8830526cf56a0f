/* SPDX-License-Identifier: MIT */
/* What else a call of a stream meets: locks of others, and functions of the program. */
#include "symbol.h"

#include <error.h>
#include <printf.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#define TIMES 30

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
	TELL(in_child(say_while_stdout_is_held));
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
	TELL(in_child(say_beside_flushes));
}

/* How often it was called is told, too. */
static int print_twice(FILE *stream, const struct printf_info *info, const void *const *args)
{
	static int calls;

	(void)info;
	int value = **(const int *const *)args;
	int len = fprintf(stream, "%d, ", value);

	return len + fprintf(stream, "%d in call %d", value, ++calls);
}

static int takes_int(const struct printf_info *info, size_t count, int *types)
{
	(void)info;
	if (count > 0)
		types[0] = PA_INT;
	return 1;
}

static int takes_int_of_size(const struct printf_info *info, size_t count, int *types, int *sizes)
{
	if (count > 0)
		sizes[0] = sizeof(int);
	return takes_int(info, count, types);
}

static int print_by_own_function(const char *format)
{
	static const struct state states[] = {
		{ .name = "its own buffer", .mode = "w" },
		{ .name = "a small buffer", .mode = "w", .room = 4 },
		{ .name = "lines", .mode = "w", .buffering = _IOLBF },
		{ .name = "unbuffered", .mode = "w", .buffering = _IONBF },
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		open_state(&states[i]);
		for (int k = 0; k < TIMES; k++)
			TELL(fprintf(file, format, k, -k));
		TELL(fflush(file));
		judge("file");
		close_state();
	}
	return 0;
}

static int print_by_specifier(void)
{
	TELL(register_printf_specifier('Y', print_twice, takes_int_of_size));
	TELL(register_printf_specifier(-1, print_twice, takes_int_of_size));
	return print_by_own_function("%Y and %Y\n");
}

#pragma GCC diagnostic ignored "-Wdeprecated-declarations" /* register_printf_function(3) */
static int print_by_function(void)
{
	TELL(register_printf_function('Y', print_twice, takes_int));
	TELL(register_printf_function(-1, print_twice, takes_int));
	return print_by_own_function("%Y and %Y\n");
}

/* A conversion of the program's own, which prints into the stream that is being printed into. */
void try_register_printf_specifier(void)
{
	TELL(in_child(print_by_specifier));
}

void try_register_printf_function(void)
{
	TELL(in_child(print_by_function));
}

static char *page;

static void make_readable(int number)
{
	(void)number;
	mprotect(page, PROBE_BLOCK, PROT_READ | PROT_WRITE);
}

static long put_page(void)
{
	mprotect(page, PROBE_BLOCK, PROT_NONE);
	return fwrite(page, 1, 100, file);
}

static long print_page(void)
{
	mprotect(page, PROBE_BLOCK, PROT_NONE);
	return fprintf(file, "%.7s\n", page);
}

/* A handler brings the memory that the stream reads. */
void scene_memory_by_handler(void)
{
	static const struct state states[] = {
		{ .name = "a small buffer", .mode = "w", .room = 128 },
		{ .name = "lines", .mode = "w", .buffering = _IOLBF },
	};

	page = mmap(NULL, PROBE_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(page, 'p', PROBE_BLOCK);
	signal(SIGSEGV, make_readable);
	for (size_t i = 0; i < COUNT(states); i++) {
		open_state(&states[i]);
		TELL(put_page());
		TELL(put_page());
		TELL(print_page());
		TELL(fflush(file));
		judge("file");
		close_state();
	}
	signal(SIGSEGV, SIG_DFL);
}
