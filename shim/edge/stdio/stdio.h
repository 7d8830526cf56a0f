/* SPDX-License-Identifier: MIT */
/*
 * stdio - carries out calls on streams (FILE).
 *
 * glibc writes for streams by an internal call that no preloaded symbol sees, so each function that
 * may hand a stream's buffer to the kernel is an edge. If it hands bytes over, the write path
 * carries the call out as it does a write(2): when the call returns, the bytes are where the rule
 * wants them, or the call fails and the stream has an error. libwt flushes nothing that the program
 * did not flush: a call whose bytes stay in the buffer is libc's alone.
 *
 * Locking: the stream's own lock (flockfile(3)) is held around the call and its sync.
 */
#ifndef WT_EDGE_STDIO_H
#define WT_EDGE_STDIO_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdio_ext.h>

#include "edge/edge.h"
#include "os/io.h"
#include "state/config.h"
#include "state/fdtable.h"

/*
 * Flags of a FILE (glibc's libio/libio.h). Only streams of the kind "file" have a descriptor in
 * _fileno.
 */
#define WT_STREAM_IS_FILE 0x2000
#define WT_STREAM_IS_UNBUFFERED 0x0002
#define WT_STREAM_CANNOT_READ 0x0004
#define WT_STREAM_IS_BACKED_UP 0x0100 /* reads what was pushed back, ungetc(3) */
#define WT_STREAM_IS_LINES 0x0200

/* A number of bytes that is not known before the call is made. */
#define WT_STREAM_UNKNOWN SIZE_MAX

/* One call on a stream. `does` makes it and says whether it succeeded. */
struct wt_stream_call {
	struct wt_act act; /* first */
	FILE *file;	   /* NULL for a call that writes to `fd` past any stream */
	int fd;
	bool (*does)(struct wt_stream_call *call);
	bool (*does_staying)(struct wt_stream_call *call); /* if bytes stay; NULL: `does` */
	size_t adds;   /* bytes that a success adds to the stream; `does` may correct it */
	bool may_stay; /* the bytes may stay in the buffer */
	bool empties;  /* adds nothing, and hands over what is pending, if anything is */
	bool moves;    /* and then moves the stream's position */
	long failure;  /* what the function returns if it fails */

	/* The arguments, as the function needs them. */
	const void *data; /* a string, a format, a block of memory */
	const void *more;
	size_t size;
	size_t count;
	off_t offset;
	va_list *args;
	int number; /* a character, a flag */

	/* What `does` found. */
	bool done;
	bool failed;
	int err; /* errno before the call, and as libc left it */
	long result;
};

/* Carries the call out. Returns what libc's function does, and sets errno as it does. */
long wt_stream_carry(struct wt_stream_call *call);

/*
 * Carries out a call that adds nothing and hands over what is pending, if anything is. Returns 0 or
 * EOF.
 */
int wt_stream_empty(FILE *file, bool (*does)(struct wt_stream_call *call));

/*
 * Hands over all that is pending, before a call that would do so and more. Returns 0, or EOF with
 * errno and the stream's error set.
 */
int wt_stream_flush(FILE *file);

/*
 * Flush all streams as fflush(NULL) does, or the line-buffered ones as _flushlbf(3) does. Return 0
 * or EOF.
 */
int wt_stream_flush_all(void);
int wt_stream_flush_all_lines(void);

/*
 * Called after a call of which only libc knows whether it flushed this stream. If it did, brings
 * the file to its level; an error becomes the stream's (ferror(3)), as an error of the flush would.
 * If `pending_before` is WT_STREAM_UNKNOWN, it is taken to have flushed.
 */
void wt_stream_settle(FILE *file, size_t pending_before);

/*
 * Called before libc's own last flush of a stream. If the file is under no rule, tells the report
 * how much it has grown.
 */
void wt_stream_ends(FILE *file);

/* Sets the stream's error (ferror(3)) when the call is over. */
void wt_stream_note_error(FILE *file);

static inline bool wt_stream_has_no_rule(const FILE *file)
{
	return likely(!wt_config.active || !(file->_flags & WT_STREAM_IS_FILE) ||
		      file->_fileno < 0 || wt_fdtable_get(file->_fileno).state == WT_NO_RULE);
}

/* Whether the stream's file is under a rule and bytes to be written are pending. */
static inline bool wt_stream_holds(const FILE *file)
{
	return !wt_stream_has_no_rule(file) && __fwritable((FILE *)file) &&
	       __fpending((FILE *)file);
}

/* How many bytes fit into the buffer; 0 for a stream that is line-buffered or unbuffered. */
static inline size_t wt_stream_room(const FILE *file)
{
	return file->_IO_write_end > file->_IO_write_ptr
		       ? (size_t)(file->_IO_write_end - file->_IO_write_ptr)
		       : 0;
}

/* Defines the `does` of a function: makes its call, and says whether it succeeded. */
#define WT_STREAM_DOES(name, expression, success)                                                  \
	static bool does_##name(struct wt_stream_call *call)                                       \
	{                                                                                          \
		call->result = (long)(expression);                                                 \
		return success;                                                                    \
	}

/*
 * The body of a variadic function: `call` uses the va_list `args`; `last` is the last named
 * argument.
 */
#define WT_BY_LIST(last, call)                                                                     \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, last);                                                              \
		int ret = call;                                                                    \
		va_end(args);                                                                      \
		return ret;                                                                        \
	} while (0)

#endif
