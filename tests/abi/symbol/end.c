/* SPDX-License-Identifier: MIT */
/* What streams still hold when a process ends, and what is put into them then. */
#include "symbol.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio_ext.h>
#include <sys/wait.h>

/* As libc's header has it where it optimizes: no symbol until the buffer is full. */
#define PUTC_MACRO(c, stream) __putc_unlocked_body(c, stream)

static const struct state states[] = {
	{ .name = "its own buffer", .mode = "w" },
	{ .name = "a small buffer", .mode = "w", .room = 6 },
	{ .name = "lines", .mode = "w", .buffering = _IOLBF },
	{ .name = "unbuffered", .mode = "w", .buffering = _IONBF },
	{ .name = "wide", .mode = "w", .is_wide = true },
	{ .name = "without room", .mode = "w", .limit = 3 },
};

static const struct state *state;
static int (*end)(void);

static void put(const char *text)
{
	if (fwide(file, 0) > 0)
		fwprintf(file, L"%s", text);
	else
		fputs(text, file);
}

/* The process under test is a child, its parent looks at what it left. */
static int leave(void)
{
	open_state(state);
	put("held");
	return end();
}

static long run(void)
{
	return in_child(leave);
}

static void try_end(const char *call, int (*how)(void))
{
	end = how;
	for (size_t i = 0; i < COUNT(states); i++) {
		wt_syscall(SYS_unlinkat, AT_FDCWD, "file", 0);
		state = &states[i];
		tell_and_judge("file", call, run);
		int of = probe_open("file", O_RDONLY);
		tell_contents(of);
		probe_close(of);
	}
}

#define ENDS(name, call, before)                                                                   \
	static int end_##name(void)                                                                \
	{                                                                                          \
		before;                                                                            \
		call;                                                                              \
		return DIFFERS;                                                                    \
	}                                                                                          \
	void scene_##name(void)                                                                    \
	{                                                                                          \
		try_end(#call, end_##name);                                                        \
	}

ENDS(left_at_exit, exit(3), )
ENDS(left_at_quick_exit, quick_exit(4), )
ENDS(left_at_abort, abort(), )

/* Flushed by both. */
static void fork_with_text(void)
{
	int status = -1;

	put(" twice");
	pid_t child = fork();
	if (child == 0)
		exit(5);
	waitpid(child, &status, 0);
	put(" by the parent");
}

ENDS(left_in_forked_child, exit(6), fork_with_text())

/* Its lock is never let go. */
static pthread_barrier_t locked;

static void *lock_for_ever(void *stream)
{
	flockfile(stream);
	pthread_barrier_wait(&locked);
	pause();
	return NULL;
}

static void leave_to_thread(void)
{
	pthread_t thread;

	pthread_barrier_init(&locked, NULL, 2);
	pthread_create(&thread, NULL, lock_for_ever, file);
	pthread_barrier_wait(&locked);
}

ENDS(left_locked, exit(7), leave_to_thread())

/* By every way that leaves bytes in a buffer. */
static void put_more(void)
{
	if (fwide(file, 0) > 0) {
		fputwc(L'\xe4', file);
		fputws(L"wide", file);
		fwprintf(file, L"%d", 7);
		return;
	}
	fputs(" text", file);
	fprintf(file, " %d", 7);
	fwrite(" block", 1, 6, file);
	fputc('c', file);
	for (const char *c = " by the macro"; *c; c++)
		PUTC_MACRO(*c, file);
}

static void put_characters(void)
{
	if (fwide(file, 0) > 0)
		put_more();
	else
		for (int c = 'a'; c < 'n'; c++)
			PUTC_MACRO(c, file);
}

/* One that nobody closes. */
static void open_another(void)
{
	file = fopen("file", "a");
	put_characters();
}

ENDS(put_by_atexit, exit(8), atexit(put_more))

static void (*put_at_end)(void);

__attribute__((destructor)) static void put_by_destructor(void)
{
	if (put_at_end)
		put_at_end();
}

ENDS(put_by_destructor, exit(9), put_at_end = put_more)

static void at_the_latest(void (*act)(void))
{
	void (*late_do)(void (*)(void));
	char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 16);

	path[len > 0 ? len : 0] = '\0';
	strcpy(strrchr(path, '/') + 1, "late.so");
	void *library = dlopen(path, RTLD_NOW);
	*(void **)&late_do = library ? dlsym(library, "late_do") : NULL;
	if (!late_do)
		_exit(DIFFERS);
	late_do(act);
}

ENDS(put_by_late_destructor, exit(10), at_the_latest(put_more))
ENDS(put_late_by_macro, exit(11), at_the_latest(put_characters))
ENDS(put_late_into_another, exit(12), at_the_latest(open_another))
