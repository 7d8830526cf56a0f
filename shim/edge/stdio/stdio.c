/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "edge/stdio/stdio.h"

#include <pthread.h>
#include <stdio_ext.h>
#include <unistd.h>

#include "core/namespace.h"
#include "core/resolve.h"
#include "core/write.h"
#include "os/real.h"
#include "os/sys.h"

/*
 * How many bytes the call has handed over: after a success by what is left in the buffer; after a
 * failure, which may have handed over a part, by the descriptor's offset. In a wide stream
 * characters are pending, and the offset shows how many bytes they became, unless the file is
 * appended to.
 */
static ssize_t handed_over(const struct wt_stream_call *call, size_t pending, off_t moved)
{
	bool is_wide = call->file && call->file->_mode > 0;

	/*
	 * If the offset moved back (the file was truncated meanwhile, or the stream had read
	 * ahead), it is only known that something may have been written.
	 */
	if (call->failed)
		return moved < 0 ? 1 : moved;
	ssize_t gone = pending + call->adds - (call->file ? __fpending(call->file) : 0);
	return is_wide && !call->moves && moved > gone ? moved : gone;
}

static ssize_t carry_out(struct wt_act *act)
{
	struct wt_stream_call *call = (struct wt_stream_call *)act;
	size_t pending = call->file ? __fpending(call->file) : 0;
	off_t before = wt_sys.lseek(call->fd, 0, SEEK_CUR);

	errno = call->err;
	call->failed = !call->does(call);
	call->err = errno;
	call->done = true;
	off_t moved = wt_sys.lseek(call->fd, 0, SEEK_CUR) - before;
	ssize_t handed = handed_over(call, pending, moved);
	if (handed > 0)
		return handed;
	return call->failed ? -call->err : 0;
}

/*
 * Leaves the stream as a flush that failed in libc does: the bytes are gone from the buffer, and
 * the descriptor's offset has to be asked for.
 */
static long fail(const struct wt_stream_call *call, int err)
{
	if (call->file) {
		__fpurge(call->file);
		call->file->_offset = -1;
		call->file->_flags |= _IO_ERR_SEEN;
	}
	errno = err;
	return call->failure;
}

static long cover(struct wt_stream_call *call)
{
	if (call->file)
		call->fd = call->file->_fileno;
	const struct wt_io io = {
		.call = WT_ACT,
		.fd = call->fd,
		.act = &call->act,
		.offset = WT_OFFSET_NONE,
	};

	call->act = (struct wt_act){ "stream", carry_out, call->moves, true };
	call->err = errno;
	ssize_t ret = wt_core_write(&io, wt_fdtable_get(call->fd));
	if (!call->done || (ret < 0 && !call->failed))
		return fail(call, -ret);
	errno = call->err;
	return call->result;
}

/*
 * Whether the bytes stay in the buffer. A line-buffered stream may have room left from before
 * setvbuf(3) made it one.
 */
static bool stays(const struct wt_stream_call *call)
{
	return call->may_stay && call->adds < wt_stream_room(call->file) &&
	       !(call->file->_flags & WT_STREAM_IS_LINES);
}

/* Called with the stream's lock held, because another thread may add bytes at any time. */
static bool hands_nothing_over(const struct wt_stream_call *call)
{
	return stays(call) || (call->empties && !wt_stream_holds(call->file));
}

static long carry_locked(struct wt_stream_call *call)
{
	if (!hands_nothing_over(call))
		return cover(call);
	(call->does_staying ? call->does_staying : call->does)(call);
	return call->result;
}

static void unlock(void *file)
{
	funlockfile(file);
}

long wt_stream_carry(struct wt_stream_call *call)
{
	int errno_before = errno;
	long ret;

	if (likely(wt_thread_is_only()) || !call->file)
		return carry_locked(call);
	flockfile(call->file);
	errno = errno_before;
	pthread_cleanup_push(unlock, call->file);
	ret = carry_locked(call);
	pthread_cleanup_pop(1);
	return ret;
}

/*
 * Flushes as libc does it by itself, and leaves undecided whether the stream is wide. fflush(3)
 * would also forget the stream's position and ask the descriptor for it.
 */
static bool hands_over(struct wt_stream_call *call)
{
	FILE *file = call->file;
	int mode = file->_mode;

	call->result =
		mode > 0 ? (long)wt_real.__woverflow(file, WEOF) : wt_real.__overflow(file, EOF);
	if (!mode)
		file->_mode = 0;
	return call->result != EOF;
}

static bool does_flush(struct wt_stream_call *call)
{
	return !__fwritable(call->file) || !__fpending(call->file) || hands_over(call);
}

/* libc makes a line-buffered stream ready to be written even if nothing is pending. */
static bool does_flush_lines(struct wt_stream_call *call)
{
	return !__fwritable(call->file) || hands_over(call);
}

static struct wt_stream_call emptying(FILE *file, bool (*does)(struct wt_stream_call *))
{
	return (struct wt_stream_call){
		.file = file,
		.does = does,
		.empties = true,
		.failure = EOF,
	};
}

int wt_stream_empty(FILE *file, bool (*does)(struct wt_stream_call *))
{
	struct wt_stream_call call = emptying(file, does);

	return (int)wt_stream_carry(&call);
}

static int flush(FILE *file)
{
	return wt_stream_empty(file, does_flush);
}

static int flush_lines(FILE *file)
{
	return file->_flags & WT_STREAM_IS_LINES ? wt_stream_empty(file, does_flush_lines) : 0;
}

/* A stream that never had a buffer has written nothing. */
void wt_stream_ends(FILE *file)
{
	if (unlikely(wt_config.report) && file->_flags & WT_STREAM_IS_FILE && file->_fileno >= 0 &&
	    file->_IO_buf_base && __fwritable(file))
		wt_resolve_stream_ends(file->_fileno, __fpending(file));
}

/*
 * At the end of the process a thread may hold the lock for ever, so nobody waits for it; libc's
 * last flush does not either.
 */
static int flush_at_end(FILE *file)
{
	struct wt_stream_call call = emptying(file, does_flush);
	bool is_locked = !ftrylockfile(file);

	carry_locked(&call);
	wt_stream_ends(file);
	if (is_locked)
		funlockfile(file);
	return 0;
}

int wt_stream_flush(FILE *file)
{
	return wt_stream_has_no_rule(file) ? 0 : flush(file);
}

void wt_stream_note_error(FILE *file)
{
	flockfile(file);
	file->_flags |= _IO_ERR_SEEN;
	funlockfile(file);
}

void wt_stream_settle(FILE *file, size_t pending_before)
{
	int errno_before = errno;

	/* After a flush that failed, a wide stream keeps bytes that were handed over in part. */
	bool may_have_flushed =
		__fpending(file) < pending_before || (pending_before && ferror_unlocked(file));
	if (may_have_flushed && !wt_stream_has_no_rule(file) && wt_namespace_resized(file->_fileno))
		wt_stream_note_error(file);
	errno = errno_before;
}

/* libc's own list of streams. No header declares these functions; exported since GLIBC_2.2. */
typedef struct _IO_FILE *stream_iterator;
stream_iterator _IO_iter_begin(void);
stream_iterator _IO_iter_end(void);
stream_iterator _IO_iter_next(stream_iterator at);
FILE *_IO_iter_file(stream_iterator at);
void _IO_list_lock(void);
void _IO_list_unlock(void);

static void unlock_list(void *unused)
{
	(void)unused;
	_IO_list_unlock();
}

static int flush_each(int (*flush_one)(FILE *))
{
	int ret = 0;

	for (stream_iterator at = _IO_iter_begin(); at != _IO_iter_end(); at = _IO_iter_next(at))
		if (flush_one(_IO_iter_file(at)))
			ret = EOF;
	return ret;
}

static int flush_all(int (*flush_one)(FILE *))
{
	int ret;

	if (likely(!wt_config.active))
		return 0;
	_IO_list_lock();
	pthread_cleanup_push(unlock_list, NULL);
	ret = flush_each(flush_one);
	pthread_cleanup_pop(1);
	return ret;
}

int wt_stream_flush_all(void)
{
	return flush_all(flush);
}

int wt_stream_flush_all_lines(void)
{
	return flush_all(flush_lines);
}

void wt_edge_exiting(void)
{
	flush_all(flush_at_end);
}
