/* SPDX-License-Identifier: MIT */
/*
 * Linux asynchronous I/O (io_submit(2)). Each write to a file under a rule is made RWF_DSYNC or
 * RWF_SYNC (since 4.13), so that its event comes when the bytes are on stable storage, or has the
 * error.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "core/submit.h"
#include "edge/edge.h"
#include "os/raw.h"
#include "os/sys.h"
#include "state/config.h"

#define BATCH 64

int io_submit(aio_context_t context, long count, struct iocb **requests);

static bool read_request(struct iocb **at, struct iocb **request, struct iocb *copy)
{
	return wt_sys_read_program(request, at, sizeof(*request)) &&
	       wt_sys_read_program(copy, *request, sizeof(*copy));
}

/* The flags that a request has to have; its own for most. */
static int flags_for(const struct iocb *request)
{
	if (request->aio_lio_opcode != IOCB_CMD_PWRITE &&
	    request->aio_lio_opcode != IOCB_CMD_PWRITEV)
		return request->aio_rw_flags;
	return wt_submit_flags((int)request->aio_fildes, request->aio_rw_flags);
}

/*
 * The bytes of a write, or -1 for another request. Read before the kernel gets the request, because
 * the program may free the vector when the request has ended.
 */
static ssize_t bytes_of(const struct iocb *request)
{
	switch (request->aio_lio_opcode) {
	case IOCB_CMD_PWRITE:
		return request->aio_nbytes & SSIZE_MAX;
	case IOCB_CMD_PWRITEV:
		return wt_submit_vector_bytes((const struct iovec *)(uintptr_t)request->aio_buf,
					      request->aio_nbytes) &
		       SSIZE_MAX;
	}
	return -1;
}

/*
 * Whether the request has a flag that libwt added to it when it was a write. In a program with
 * threads the flag stays (submit_batch), and these requests take none.
 */
static bool has_stale_flag(const struct iocb *request)
{
	switch (request->aio_lio_opcode) {
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
	case IOCB_CMD_POLL:
		return request->aio_rw_flags == RWF_DSYNC || request->aio_rw_flags == RWF_SYNC;
	}
	return false;
}

/* The system call itself: libaio's function would call syscall(3), which comes back here. */
static int pass(aio_context_t context, long count, struct iocb **requests)
{
	return (int)wt_raw(SYS_io_submit, (long)context, count, (long)requests, 0, 0, 0);
}

/*
 * The kernel has copied the requests when the call returns, so libwt takes its flags out again. If
 * other threads run, they stay: one of those may have seen a request end, and have freed or reused
 * it.
 */
static int submit_batch(aio_context_t context, long count, struct iocb **requests)
{
	struct iocb *request, copy;
	int given[BATCH], flags[BATCH], fds[BATCH];
	ssize_t bytes[BATCH];
	long seen = 0;

	for (long i = 0; i < count && read_request(&requests[i], &request, &copy); i++) {
		given[i] = copy.aio_rw_flags;
		flags[i] = flags_for(&copy);
		if (flags[i] != given[i])
			request->aio_rw_flags = flags[i];
		if (unlikely(has_stale_flag(&copy)))
			request->aio_rw_flags = 0;
		fds[i] = (int)copy.aio_fildes;
		bytes[i] = bytes_of(&copy);
		seen = i + 1;
	}
	int ret = pass(context, count, requests);
	for (long i = 0; i < ret && i < seen; i++)
		if (bytes[i] >= 0)
			wt_submit_count(fds[i], given[i], WT_ROW_IO_SUBMIT, bytes[i]);
	for (long i = 0; wt_thread_is_only() && i < seen; i++)
		if (flags[i] != given[i])
			requests[i]->aio_rw_flags = given[i];
	return ret;
}

/* Answers as libaio's function does: -errno, with errno left alone. */
WT_EXPORT int io_submit(aio_context_t context, long count, struct iocb **requests)
{
	long done = 0;
	int errno_before = errno;

	if (likely(!wt_config.active) || count <= 0)
		return pass(context, count, requests);
	while (done < count) {
		long batch = count - done < BATCH ? count - done : BATCH;
		int ret = submit_batch(context, batch, requests + done);

		if (ret > 0 || !done)
			done += ret;
		if (ret < batch)
			break;
	}
	errno = errno_before;
	return (int)done;
}
