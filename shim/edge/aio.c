/* SPDX-License-Identifier: MIT */
/*
 * POSIX asynchronous I/O (aio(7)). libc writes in threads of its own, by an internal call. So a
 * write to a file under a rule is carried out before aio_write(3) returns, which is allowed: it is
 * complete then, and at its level. Its error is returned by aio_error(3) and aio_return(3).
 */
#define _GNU_SOURCE
#include <aio.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/mman.h>

#include "core/resolve.h"
#include "core/sharing.h"
#include "core/sync.h"
#include "core/write.h"
#include "edge/edge.h"
#include "os/real.h"
#include "state/config.h"

#define PRIORITY_MAX 20 /* AIO_PRIO_DELTA_MAX of libc, which refuses more */
#define FEW 64

/*
 * Whether libwt carries the request out. It leaves pipes and sockets to libc, which ignores the
 * offset.
 */
static bool is_ours(const struct aiocb *request)
{
	union wt_verdict verdict;
	int errno_before = errno;

	if (likely(!wt_config.active) || request->aio_reqprio < 0 ||
	    request->aio_reqprio > PRIORITY_MAX)
		return false;
	/* If WT_STRICT refuses the descriptor, wt_core_write will refuse the write. */
	bool refused = wt_resolve_verdict(request->aio_fildes, &verdict);
	errno = errno_before;
	return refused || verdict.state == WT_RULED;
}

static void answer(struct aiocb *request, ssize_t ret)
{
	request->__return_value = ret < 0 ? -1 : ret;
	request->__error_code = ret < 0 ? (int)-ret : 0;
}

/*
 * Carries the write out. False if the descriptor turns out to be a pipe's: its number may have been
 * a file's that the program closed by a system call instruction. Not a cancellation point, as
 * libc's function is none.
 */
static bool carry_out(struct aiocb *request)
{
	struct iovec iov = { (void *)request->aio_buf, request->aio_nbytes };
	union wt_verdict verdict = wt_fdtable_get(request->aio_fildes);
	const struct wt_io io = { WT_PWRITE, request->aio_fildes, 1, 0,
				  { &iov },  request->aio_offset };
	int errno_before = errno, cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ssize_t ret = request->aio_offset < 0 ? -EINVAL : wt_core_write(&io, verdict);
	pthread_setcancelstate(cancel, NULL);
	errno = errno_before;
	answer(request, ret);
	return ret != -ESPIPE;
}

/*
 * Notifies the program of an ended request. libc does so at the end of a list, and an empty list
 * ends at once.
 */
static int notify(struct sigevent *event)
{
	struct aiocb *none[1] = { NULL };

	return event->sigev_notify == SIGEV_NONE ? 0
						 : wt_real.lio_listio(LIO_NOWAIT, none, 0, event);
}

WT_EXPORT int aio_write(struct aiocb *request)
{
	if (!is_ours(request) || !carry_out(request))
		return wt_real.aio_write(request);
	return notify(&request->aio_sigevent);
}

WT_EXPORT int aio_write64(struct aiocb64 *request)
{
	return aio_write((struct aiocb *)request);
}

/*
 * For a file under no rule, libc syncs in a thread of its own, which waits on the description
 * unseen.
 */
WT_EXPORT int aio_fsync(int op, struct aiocb *request)
{
	union wt_verdict verdict = wt_fdtable_get(request->aio_fildes);
	struct wt_sync sync = { .call = op == O_SYNC ? WT_FSYNC : WT_FDATASYNC,
				.fd = request->aio_fildes };
	int errno_before = errno, cancel;

	if ((op != O_SYNC && op != O_DSYNC) || verdict.state != WT_RULED) {
		wt_core_sharing(request->aio_fildes);
		return wt_real.aio_fsync(op, request);
	}
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	int ret = wt_core_sync(&sync, verdict);
	pthread_setcancelstate(cancel, NULL);
	errno = errno_before;
	if (ret == -EBADF) /* closed unseen: libc checks the descriptor */
		return wt_real.aio_fsync(op, request);
	answer(request, ret);
	return notify(&request->aio_sigevent);
}

WT_EXPORT int aio_fsync64(int op, struct aiocb64 *request)
{
	return aio_fsync(op, (struct aiocb *)request);
}

/*
 * Carries out the writes to files under rules, and copies the other requests to `rest`. Returns
 * whether a write failed.
 */
static bool carry_out_ours(struct aiocb *const list[], struct aiocb *rest[], int count)
{
	bool failed = false;

	for (int i = 0; i < count; i++) {
		rest[i] = list[i];
		if (!list[i] || list[i]->aio_lio_opcode != LIO_WRITE || !is_ours(list[i]) ||
		    !carry_out(list[i]))
			continue;
		failed |= list[i]->__error_code;
		rest[i] = NULL;
		notify(&list[i]->aio_sigevent);
	}
	return failed;
}

static bool has_ours(struct aiocb *const list[], int count)
{
	for (int i = 0; i < count; i++)
		if (list[i] && list[i]->aio_lio_opcode == LIO_WRITE && is_ours(list[i]))
			return true;
	return false;
}

WT_EXPORT int lio_listio(int mode, struct aiocb *const list[], int count, struct sigevent *event)
{
	struct aiocb *few[FEW], **rest = few;
	size_t size = count > FEW ? count * sizeof(*rest) : 0;

	if (likely(!wt_config.active) || (mode != LIO_WAIT && mode != LIO_NOWAIT) ||
	    !has_ours(list, count))
		return wt_real.lio_listio(mode, list, count, event);
	if (size)
		rest = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (rest == MAP_FAILED) {
		errno = EAGAIN;
		return -1;
	}
	bool failed = carry_out_ours(list, rest, count);
	int ret = wt_real.lio_listio(mode, rest, count, event);
	if (size)
		munmap(rest, size);
	if (!ret && failed && mode == LIO_WAIT) {
		errno = EIO;
		ret = -1;
	}
	return ret;
}

WT_EXPORT int lio_listio64(int mode, struct aiocb64 *const list[], int count,
			   struct sigevent *event)
{
	return lio_listio(mode, (struct aiocb *const *)list, count, event);
}
