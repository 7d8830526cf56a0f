/* SPDX-License-Identifier: MIT */
/*
 * stdio - how a call of a stream is carried out.
 *
 * glibc writes for streams by an internal call that no preloaded symbol sees, so each function that
 * may hand a stream's buffer to the kernel is an edge. If it does, the write path carries the call
 * out as it does a write(2): what was handed over is where the rule wants it when the call returns,
 * or the call fails and the stream has an error. Nothing is flushed that the program did not flush:
 * a call whose bytes stay in the buffer is libc's alone.
 *
 * Locking: the stream's own lock (flockfile(3)), around the call and its sync.
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

/* glibc's libio/libio.h: of all kinds of streams only files have a descriptor in _fileno. */
#define WT_STREAM_IS_FILE 0x2000
#define WT_STREAM_IS_UNBUFFERED 0x0002
#define WT_STREAM_CANNOT_READ 0x0004
#define WT_STREAM_IS_BACKED_UP 0x0100 /* reads what was pushed back, ungetc(3) */
#define WT_STREAM_IS_LINES 0x0200

/* What a call adds is not known before it is made. */
#define WT_STREAM_UNKNOWN SIZE_MAX

/* One call of a stream, carried out by `does`, which says whether it succeeded. */
struct wt_stream_call {
	struct wt_act act; /* first */
	FILE *file;	   /* NULL: past any stream, to fd */
	int fd;
	bool (*does)(struct wt_stream_call *call);
	bool (*does_staying)(struct wt_stream_call *call); /* what stays; NULL: the same */
	size_t adds;   /* bytes into the stream, where it succeeds; `does` may know better */
	bool may_stay; /* in its buffer */
	bool empties;  /* hands over what is pending, where anything is, and adds nothing */
	bool moves;    /* and then to another place */
	long failure;  /* what the function returns where it fails */

	/* The arguments, as the function needs them. */
	const void *data; /* a string, a format, a block of memory */
	const void *more;
	size_t size;
	size_t count;
	off_t offset;
	va_list *args;
	int number; /* a character, a flag */

	/* What came of it. */
	bool done;
	bool failed;
	int err; /* errno as libc is to find it, and as it left it */
	long result;
};

/* Carries the call out. Returns what libc's function does, and sets errno as it does. */
long wt_stream_carry(struct wt_stream_call *call);

/* A call that adds nothing: hands over what is pending, where anything is. 0, or EOF as it fails.
 */
int wt_stream_empty(FILE *file, bool (*does)(struct wt_stream_call *call));

/*
 * Before a call that hands over all that is pending, and does more: hands it over. 0, or EOF with
 * errno and the stream's error set.
 */
int wt_stream_flush(FILE *file);

/* What every stream holds, as fflush(NULL) does it, or _flushlbf(3) those of lines. 0 or EOF. */
int wt_stream_flush_all(void);
int wt_stream_flush_all_lines(void);

/*
 * After a call for which it is libc's to know whether it flushes this stream: where it did, the
 * file is brought to its level. An error is the stream's (ferror), as that of the flush. Where
 * what was pending is WT_STREAM_UNKNOWN, it may have.
 */
void wt_stream_settle(FILE *file, size_t pending_before);

/* Before libc's own last flush of a stream: for the report, where its file is under no rule. */
void wt_stream_ends(FILE *file);

/* For ferror(3), of a call that is over. */
void wt_stream_note_error(FILE *file);

static inline bool wt_stream_has_no_rule(const FILE *file)
{
	return likely(!wt_config.active || !(file->_flags & WT_STREAM_IS_FILE) ||
		      file->_fileno < 0 || wt_fdtable_get(file->_fileno).state == WT_NO_RULE);
}

/* Whether what is to be written is pending. */
static inline bool wt_stream_holds(const FILE *file)
{
	return !wt_stream_has_no_rule(file) && __fwritable((FILE *)file) &&
	       __fpending((FILE *)file);
}

/* Bytes that fit into the buffer as it is; 0 for a stream that hands over each line or call. */
static inline size_t wt_stream_room(const FILE *file)
{
	return file->_IO_write_end > file->_IO_write_ptr
		       ? (size_t)(file->_IO_write_end - file->_IO_write_ptr)
		       : 0;
}

/* A function's part of a call: makes it, and says whether it succeeded. */
#define WT_STREAM_DOES(name, expression, success)                                                  \
	static bool does_##name(struct wt_stream_call *call)                                       \
	{                                                                                          \
		call->result = (long)(expression);                                                 \
		return success;                                                                    \
	}

/* The body of a variadic function: `call` takes the va_list args, whose last argument is `last`. */
#define WT_BY_LIST(last, call)                                                                     \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, last);                                                              \
		int ret = call;                                                                    \
		va_end(args);                                                                      \
		return ret;                                                                        \
	} while (0)

#endif
