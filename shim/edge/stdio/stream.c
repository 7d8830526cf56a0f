/* SPDX-License-Identifier: MIT */
/*
 * Streams as a whole: opened, flushed, positioned, closed. libc opens and closes their descriptors
 * by itself, and flushes before it seeks, closes, reads or changes a buffer. So these functions
 * flush first, through the write path (edge/stdio/stdio.h).
 */
#define _GNU_SOURCE
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "core/lifecycle.h"
#include "core/resolve.h"
#include "edge/stdio/stdio.h"
#include "os/real.h"

/* The flags of open(2) for a mode of fopen(3). */
static int flags_of(const char *mode)
{
	int flags = *mode == 'r' ? O_RDONLY : O_WRONLY | O_CREAT;

	if (strchr(mode, '+'))
		flags = (flags & ~O_ACCMODE) | O_RDWR;
	return flags | (*mode == 'w' ? O_TRUNC : 0) | (*mode == 'a' ? O_APPEND : 0);
}

/* Before the call: whether WT_STRICT lets the file be truncated. Sets errno if not. */
static bool may_open(const char *path, const char *mode)
{
	int errno_before = errno;

	return !wt_leave(wt_resolve_may_truncate(AT_FDCWD, path, flags_of(mode)), errno_before);
}

/* After the call: NULL and errno if WT_STRICT refuses the file. */
static FILE *opened(FILE *file, const char *path, int flags)
{
	int errno_before = errno;

	if (!file || file->_fileno < 0)
		return file;
	int err = wt_resolve_opened(file->_fileno, flags,
				    path ? &(struct wt_path){ AT_FDCWD, path } : NULL);
	if (err)
		wt_real.fclose(file);
	wt_leave(err, errno_before);
	return err ? NULL : file;
}

WT_EXPORT FILE *fopen(const char *path, const char *mode)
{
	return may_open(path, mode) ? opened(wt_real.fopen(path, mode), path, flags_of(mode))
				    : NULL;
}

WT_ALIAS(fopen) FILE *fopen64(const char *path, const char *mode);

WT_EXPORT FILE *tmpfile(void)
{
	return opened(wt_real.tmpfile(), NULL, O_RDWR | O_CREAT);
}

WT_ALIAS(tmpfile) FILE *tmpfile64(void);

/*
 * Flushes a stream before it is closed. Returns 0 or -errno: the error of the flush, or else the
 * one that close(2) has to return.
 */
static int closing(FILE *file)
{
	int errno_before = errno;
	int err = wt_stream_flush(file) ? -errno : 0;
	if (err)
		__fpurge(file); /* a wide stream still has the bytes and would try again */
	wt_stream_ends(file);
	int close_err = file->_flags & WT_STREAM_IS_FILE ? wt_edge_closing(file->_fileno) : 0;

	errno = errno_before;
	return err ? err : close_err;
}

WT_EXPORT int fclose(FILE *file)
{
	int errno_before = errno;
	int err = closing(file);

	/*
	 * Programs that check their output close stderr in atexit(3), before any destructor runs,
	 * so a report that goes to stderr is written now.
	 */
	if (file == stderr)
		wt_core_stderr_closing();
	int ret = wt_real.fclose(file);

	if (ret || likely(!err))
		return ret;
	wt_leave(err, errno_before);
	return EOF;
}

WT_EXPORT int fcloseall(void)
{
	int err = wt_stream_flush_all();
	int ret = wt_real.fcloseall();

	return ret ? ret : err;
}

WT_EXPORT int pclose(FILE *file)
{
	closing(file);
	return wt_real.pclose(file);
}

/*
 * The old file is closed, and the new one mostly gets its number. Without a path, the file stays
 * the same and its mode changes.
 */
WT_EXPORT FILE *freopen(const char *path, const char *mode, FILE *file)
{
	if (path && !may_open(path, mode))
		return NULL;
	int err = closing(file);
	if (err)
		errno = -err;
	return opened(wt_real.freopen(path, mode, file), path, flags_of(mode));
}

WT_ALIAS(freopen) FILE *freopen64(const char *path, const char *mode, FILE *file);

WT_STREAM_DOES(fflush, wt_real.fflush(call->file), !call->result)
WT_STREAM_DOES(fflush_unlocked, wt_real.fflush_unlocked(call->file), !call->result)

WT_EXPORT int fflush(FILE *file)
{
	if (likely(!wt_config.active))
		return wt_real.fflush(file);
	if (!file)
		return wt_stream_flush_all();
	return wt_stream_has_no_rule(file) ? wt_real.fflush(file)
					   : wt_stream_empty(file, does_fflush);
}

WT_EXPORT int fflush_unlocked(FILE *file)
{
	if (!file)
		return fflush(NULL);
	return wt_stream_has_no_rule(file) ? wt_real.fflush_unlocked(file)
					   : wt_stream_empty(file, does_fflush_unlocked);
}

WT_EXPORT void _flushlbf(void)
{
	if (likely(!wt_config.active))
		wt_real._flushlbf();
	else
		wt_stream_flush_all_lines();
}

/*
 * libc's function is called without a flush before it: a stream that was flushed would get another
 * position, and not every one of these functions flushes in every case.
 */
WT_STREAM_DOES(fseek, wt_real.fseeko(call->file, call->offset, call->number), !call->result)
WT_STREAM_DOES(fsetpos, wt_real.fsetpos(call->file, call->data), !call->result)
WT_STREAM_DOES(rewind, (wt_real.rewind(call->file), 0), true)
WT_STREAM_DOES(setvbuf, wt_real.setvbuf(call->file, (char *)call->data, call->number, call->size),
	       !call->result)
WT_STREAM_DOES(setbuffer, (wt_real.setbuffer(call->file, (char *)call->data, call->size), 0), true)

static int move(struct wt_stream_call call)
{
	call.empties = true;
	call.moves = true;
	call.failure = -1;
	return (int)wt_stream_carry(&call);
}

WT_EXPORT int fseek(FILE *file, long offset, int whence)
{
	return fseeko(file, offset, whence);
}

WT_EXPORT int fseeko(FILE *file, off_t offset, int whence)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fseeko(file, offset, whence);
	return move((struct wt_stream_call){
		.file = file, .does = does_fseek, .offset = offset, .number = whence });
}

WT_ALIAS(fseeko) int fseeko64(FILE *file, off64_t offset, int whence);

WT_EXPORT int fsetpos(FILE *file, const fpos_t *position)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fsetpos(file, position);
	return move(
		(struct wt_stream_call){ .file = file, .does = does_fsetpos, .data = position });
}

WT_EXPORT int fsetpos64(FILE *file, const fpos64_t *position)
{
	return fsetpos(file, (const fpos_t *)position);
}

/*
 * Clears the stream's error, also that of its own flush, as libc's does: only errno shows it
 * (rewind(3)).
 */
WT_EXPORT void rewind(FILE *file)
{
	if (wt_stream_has_no_rule(file)) {
		wt_real.rewind(file);
		return;
	}
	move((struct wt_stream_call){ .file = file, .does = does_rewind });
	clearerr(file);
}

/* If only the mode changes, libc flushes nothing. */
WT_EXPORT int setvbuf(FILE *file, char *buf, int mode, size_t size)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.setvbuf(file, buf, mode, size);
	return (int)wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does_setvbuf,
		.empties = true,
		.failure = EOF,
		.data = buf,
		.number = mode,
		.size = size,
	});
}

WT_EXPORT void setbuffer(FILE *file, char *buf, size_t size)
{
	if (wt_stream_has_no_rule(file))
		wt_real.setbuffer(file, buf, size);
	else
		wt_stream_carry(&(struct wt_stream_call){ .file = file,
							  .does = does_setbuffer,
							  .empties = true,
							  .data = buf,
							  .size = size });
}

WT_EXPORT void setbuf(FILE *file, char *buf)
{
	setbuffer(file, buf, BUFSIZ);
}
