/* SPDX-License-Identifier: MIT */
/*
 * symbol - one case for each symbol that libwt exports, and scenes of several.
 *
 *   symbol NAME DIR
 *
 * Calls it as a program does, where it succeeds and where it fails, and says after each call what
 * came of it: a line that must be the same with libwt as without. Lines that begin with "judged"
 * hold the dirty pages of a file right after a call that gave bytes to the kernel.
 *
 * The files lie in DIR, which is emptied first. Descriptor 3 is where the program speaks.
 */
#ifndef WT_TESTS_SYMBOL_H
#define WT_TESTS_SYMBOL_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include "../../lib/probe.h"

#include <stdarg.h>
#include <wchar.h>

#undef fread_unlocked
#undef fwrite_unlocked

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A value that no call sets: success must leave it alone. */
#define UNTOUCHED 12345

/* What a call is about, if it is about one of them: its state is told with its answer. */
extern int fd;
extern FILE *file;

/* A call, its answer, errno, and where fd or file stand afterwards. Passes the answer on. */
#define TELL_AS(words, call) (errno = UNTOUCHED, tell(words, (long)(call)))
#define TELL(call) TELL_AS(#call, call)
#define TELL_VOID(call) (errno = UNTOUCHED, (call), tell(#call, 0))
#define TELL_POINTER(call) (errno = UNTOUCHED, tell(#call, (call) != NULL))
long tell(const char *call, long ret);

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Another stream's state. */
void tell_stream(const char *name, FILE *other);

/* To be called right after the bytes went over: they are dirty, or where a rule wants them. */
void judge(const char *name);

/* The same where the kernel may have cleaned them without libwt too. */
void judge_if_dirty(const char *name);

/* A call that may change the file: judged where it did. */
long tell_and_judge(const char *name, const char *call, long (*act)(void));

/* Dirty pages that must be the same with libwt as without: of what both have synced. */
void tell_dirty(const char *name);

/* The contents of one file, for those with random names. */
void tell_contents(int of);

/* Made anew past the library, with this many bytes of text on the device. */
void make_file(const char *name, size_t len);

/* Made anew likewise, and opened as fd. */
void open_made(int flags);

/* Text of that length, no two lines alike. */
const char *text_of(size_t len);

/* RLIMIT_FSIZE; -1 for none. */
void limit(long bytes);

/* A child that runs this and leaves with what it returns, or is killed in time; its wait status. */
int in_child(int (*run)(void));
int status_of(pid_t child);

/* The streams of libc by which calls without one go. */
void become_standard(FILE *stream);
void restore_standard(void);

/* A stream in a state that decides what a call of it hands over. */
struct state {
	const char *name;
	const char *mode;
	int buffering;
	size_t room; /* 0: libc's own buffer */
	long limit;  /* RLIMIT_FSIZE, 0 for none */
	bool is_wide;
};

/* Makes "file" and opens it so; it is the standard streams, too. */
void open_state(const struct state *state);
void close_state(void);

/* The status of a child that should have left before: then the program fails. */
#define DIFFERS 99

/* Cases that are no single symbol's. */
#define SCENES(X)                                                                                  \
	X(modes)                                                                                   \
	X(modes_of_freopen)                                                                        \
	X(buffers)                                                                                 \
	X(large)                                                                                   \
	X(formats)                                                                                 \
	X(without_descriptor)                                                                      \
	X(redirected)                                                                              \
	X(cut_log)                                                                                 \
	X(moved_descriptor)                                                                        \
	X(flush_fails)                                                                             \
	X(descriptor_and_stream)                                                                   \
	X(line_mode_later)                                                                         \
	X(aio_to_stale_number)                                                                     \
	X(mapped_unseen)                                                                           \
	X(mapped_to_read)                                                                          \
	X(full)                                                                                    \
	X(wide_limit)                                                                              \
	X(read_past_buffer)                                                                        \
	X(error_waits)                                                                             \
	X(perror_beside_flushes)                                                                   \
	X(memory_by_handler)                                                                       \
	X(left_at_exit)                                                                            \
	X(left_at_quick_exit)                                                                      \
	X(left_at_abort)                                                                           \
	X(left_in_forked_child)                                                                    \
	X(left_locked)                                                                             \
	X(put_by_atexit)                                                                           \
	X(put_by_destructor)                                                                       \
	X(put_by_late_destructor)                                                                  \
	X(put_late_by_macro)                                                                       \
	X(put_late_into_another)

/* A symbol's case: `all` is given the call, in words and as a function. */
#define CASE(name, all, call)                                                                      \
	static long call_##name(void)                                                              \
	{                                                                                          \
		return (long)(call);                                                               \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all(#call, call_##name);                                                           \
	}

#define WT_SYMBOL(ret, name, params) void try_##name(void);
#define WT_LIBC(ret, name, params, args) void try_##name(void);
#define WT_URING(ret, name, params) void try_##name(void);
#define WT_SAME(name, other) void try_##name(void);
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_LIBC
#undef WT_URING
#undef WT_SAME

#define X(name) void scene_##name(void);
SCENES(X)
#undef X

#endif
