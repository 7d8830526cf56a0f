/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "edge_stdio.h"

#include <pthread.h>
#include <stdio_ext.h>
#include <sys/single_threaded.h>
#include <unistd.h>

#include "core.h"
#include "real.h"
#include "sys.h"

/* What is put into a stream from now on is handed over at once: libc's last flush is not seen. */
static _Atomic bool is_ending;

/* What is pending in a wide stream is not yet bytes. */
static bool counts_bytes(const struct wt_stream_call *call)
{
	return call->file->_mode <= 0 && call->adds != WT_STREAM_UNKNOWN;
}

/*
 * Where the count of bytes cannot be known from the buffer, by the descriptor's offset: part of
 * them may have been handed over by a call that failed.
 */
static ssize_t carry_out(struct wt_act *act)
{
	struct wt_stream_call *call = (struct wt_stream_call *)act;
	int fd = call->file->_fileno;
	size_t pending = __fpending(call->file);
	off_t before = wt_sys.lseek(fd, 0, SEEK_CUR);

	call->failed = !call->does(call);
	call->err = errno;
	call->done = true;
	off_t handed = wt_sys.lseek(fd, 0, SEEK_CUR) - before;
	if (counts_bytes(call) && !call->failed)
		handed = pending + call->adds - __fpending(call->file);
	if (handed > 0)
		return handed;
	return call->failed ? -call->err : 0;
}

/*
 * As after a flush that failed in libc: its bytes are gone from the buffer, and where the
 * descriptor's offset is has to be asked for.
 */
static long fail(const struct wt_stream_call *call, int err)
{
	__fpurge(call->file);
	call->file->_offset = -1;
	call->file->_flags |= _IO_ERR_SEEN;
	errno = err;
	return call->failure;
}

static long cover(struct wt_stream_call *call)
{
	int fd = call->file->_fileno;
	const struct wt_io io = {
		.call = WT_ACT,
		.fd = fd,
		.act = &call->act,
		.offset = WT_OFFSET_NONE,
	};

	call->act = (struct wt_act){ "stream", carry_out };
	ssize_t ret = wt_core_write(&io, wt_fdtable_get(fd));
	if (!call->done || (ret < 0 && !call->failed))
		return fail(call, -ret);
	errno = call->err;
	return call->result;
}

static long carry_locked(struct wt_stream_call *call)
{
	int errno_before = errno;

	if (!call->may_stay || call->adds >= wt_stream_room(call->file)) {
		errno = errno_before;
		return cover(call);
	}
	call->does(call);
	if (unlikely(is_ending) && call->result != call->failure && wt_stream_flush(call->file))
		return call->failure;
	return call->result;
}

static void unlock(void *file)
{
	funlockfile(file);
}

/* At its exit a thread may hold a stream for ever: libc's last flush waits for none. */
static bool lock(FILE *file)
{
	if (unlikely(is_ending))
		return !ftrylockfile(file);
	flockfile(file);
	return true;
}

long wt_stream_carry(struct wt_stream_call *call)
{
	long ret;

	if (likely(__libc_single_threaded) || !lock(call->file))
		return carry_locked(call);
	pthread_cleanup_push(unlock, call->file);
	ret = carry_locked(call);
	pthread_cleanup_pop(1);
	return ret;
}

WT_STREAM_DOES(fflush, wt_real.fflush_unlocked(call->file), call->result != EOF)

int wt_stream_flush(FILE *file)
{
	struct wt_stream_call call = { .file = file, .does = does_fflush, .failure = EOF };

	if (wt_stream_has_no_rule(file) || !__fwritable(file) || !__fpending(file))
		return 0;
	return wt_stream_carry(&call);
}

int wt_stream_flush_to_read(FILE *file)
{
	if (__flbf(stdout) && (__flbf(file) || __fbufsize(file) <= 1))
		wt_stream_flush(stdout);
	return wt_stream_flush(file);
}

/* libc's own list of streams; declared nowhere, exported since GLIBC_2.2. */
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

static int flush_each(void)
{
	int ret = 0;

	for (stream_iterator at = _IO_iter_begin(); at != _IO_iter_end(); at = _IO_iter_next(at))
		if (wt_stream_flush(_IO_iter_file(at)))
			ret = EOF;
	return ret;
}

int wt_stream_flush_all(void)
{
	int ret;

	if (likely(!wt_config.active))
		return 0;
	_IO_list_lock();
	pthread_cleanup_push(unlock_list, NULL);
	ret = flush_each();
	pthread_cleanup_pop(1);
	return ret;
}

void wt_edge_exiting(void)
{
	is_ending = true;
	wt_stream_flush_all();
}
