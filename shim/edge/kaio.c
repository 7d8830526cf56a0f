/* SPDX-License-Identifier: MIT */
/*
 * Linux asynchronous I/O (libaio): each write to a file under a rule is made RWF_DSYNC or RWF_SYNC,
 * so its event comes when it is on stable storage (io_submit(2), 4.13), or has its error.
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

/* What has to be added to the flags of a request, 0 for most. */
static int missing(const struct iocb *request)
{
	if (request->aio_lio_opcode != IOCB_CMD_PWRITE &&
	    request->aio_lio_opcode != IOCB_CMD_PWRITEV)
		return 0;
	return wt_submit_flag((int)request->aio_fildes) & ~request->aio_rw_flags;
}

/* Before the kernel has it: its end may free the vector. -1 where it is no write. */
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

/* The flag of a threaded program's write stays in its request (below), which may come back as
 * another that takes none. */
static bool keeps_flag(const struct iocb *request)
{
	switch (request->aio_lio_opcode) {
	case IOCB_CMD_FSYNC:
	case IOCB_CMD_FDSYNC:
	case IOCB_CMD_POLL:
		return request->aio_rw_flags == RWF_DSYNC || request->aio_rw_flags == RWF_SYNC;
	}
	return false;
}

/* Past libaio, whose own is syscall(3), and so comes back here. */
static int pass(aio_context_t context, long count, struct iocb **requests)
{
	return (int)wt_raw(SYS_io_submit, (long)context, count, (long)requests, 0, 0, 0);
}

/*
 * The kernel has copied the requests when it returns, and their flags are the program's again,
 * where no other thread can have seen their end by then: what has ended may be gone, or another
 * request.
 */
static int submit_batch(aio_context_t context, long count, struct iocb **requests)
{
	struct iocb *request, copy;
	int added[BATCH] = { 0 }, fds[BATCH];
	ssize_t bytes[BATCH];
	long seen = 0;

	for (long i = 0; i < count && read_request(&requests[i], &request, &copy); i++) {
		added[i] = missing(&copy);
		if (added[i])
			request->aio_rw_flags |= added[i];
		if (unlikely(keeps_flag(&copy)))
			request->aio_rw_flags = 0;
		fds[i] = (int)copy.aio_fildes;
		bytes[i] = bytes_of(&copy);
		seen = i + 1;
	}
	int ret = pass(context, count, requests);
	for (long i = 0; i < ret && i < seen; i++)
		if (bytes[i] >= 0)
			wt_submit_count(fds[i], WT_ROW_IO_SUBMIT, bytes[i]);
	for (long i = 0; wt_thread_is_only() && i < count; i++)
		if (added[i])
			requests[i]->aio_rw_flags &= ~added[i];
	return ret;
}

/* As libaio's, which leaves errno alone. */
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
