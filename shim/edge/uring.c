/* SPDX-License-Identifier: MIT */
/*
 * The program's own io_urings, where liburing.so submits their requests. Each write to a file under
 * a rule is made RWF_DSYNC or RWF_SYNC before, so that its completion comes when the bytes are on
 * stable storage, or has the error (io_uring_enter(2), pwritev2(2)).
 *
 * Not made stable, but reported: writes to files registered with a ring, which a request does not
 * name by a descriptor, and other requests that change what a file holds.
 *
 * libwt's own rings use a copy of liburing, under names of its own (os/uring.h).
 */
#define _GNU_SOURCE
#include <liburing.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/namespace.h"
#include "core/program_ring.h"
#include "core/sharing.h"
#include "core/submit.h"
#include "edge/edge.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"
#include "wt.h"

/* Operations that the headers may not have yet. */
#define OP_FTRUNCATE 55	   /* 6.9 */
#define OP_WRITEV_FIXED 61 /* 6.15 */

/* Files are registered with a ring. A negative number leaves a place free. */
static void registering(const int *files, unsigned int count)
{
	int errno_before = errno, fd;

	if (likely(!wt_config.active))
		return;
	for (; count && wt_sys_read_program(&fd, files, sizeof(fd)); files++, count--)
		if (fd >= 0)
			wt_core_noticed(fd, WT_WAY_RING);
	errno = errno_before;
}

static void submit_write(struct io_uring_sqe *sqe)
{
	bool is_vector = sqe->opcode == IORING_OP_WRITEV || sqe->opcode == OP_WRITEV_FIXED;
	uint64_t bytes = sqe->len;
	int flags = sqe->rw_flags;

	sqe->rw_flags = wt_submit_flags(sqe->fd, flags);
	if (is_vector)
		bytes = wt_submit_vector_bytes((const struct iovec *)(uintptr_t)sqe->addr,
					       sqe->len);
	if (!(sqe->rw_flags & RWF_WRITETHROUGH))
		wt_submit_count(sqe->fd, flags, WT_ROW_IO_URING, bytes);
}

static bool is_write(const struct io_uring_sqe *sqe)
{
	switch (sqe->opcode) {
	case IORING_OP_WRITE:
	case IORING_OP_WRITEV:
	case IORING_OP_WRITE_FIXED:
	case OP_WRITEV_FIXED:
		return true;
	}
	return false;
}

static void look_at(struct io_uring_sqe *sqe)
{
	bool is_registered = sqe->flags & IOSQE_FIXED_FILE;

	if (is_write(sqe) && !is_registered &&
	    (wt_config.active || sqe->rw_flags & RWF_WRITETHROUGH)) {
		submit_write(sqe);
		return;
	}
	/* Without a policy only a write that asks for a level itself is looked at. */
	if (unlikely(!wt_config.active))
		return;
	if (is_write(sqe)) {
		wt_program_ring_writes();
		return;
	}
	switch (sqe->opcode) {
	case IORING_OP_FALLOCATE:
	case IORING_OP_SPLICE:
	case OP_FTRUNCATE:
		if (is_registered)
			wt_program_ring_writes();
		else
			wt_core_noticed(sqe->fd, WT_WAY_RING);
		break;
	case IORING_OP_FILES_UPDATE:
		registering((const int *)(uintptr_t)sqe->addr, sqe->len);
		break;
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2:
		/* With this, the file gets no descriptor but a place in the ring. */
		if (sqe->file_index)
			wt_namespace_opened_unseen(
				&(struct wt_path){ sqe->fd, (const char *)(uintptr_t)sqe->addr });
		break;
	}
}

/* Looks at the requests prepared since the last submission, which the kernel has not seen yet. */
static void submitting(struct io_uring *ring)
{
	const struct io_uring_sq *sq = &ring->sq;
	unsigned int shift = ring->flags & IORING_SETUP_SQE128 ? 1 : 0;
	int errno_before = errno;

	if (unlikely(!wt_config.policy.called_len))
		return;
	wt_program_ring_seen();
	for (unsigned int at = sq->sqe_head; at != sq->sqe_tail; at++)
		look_at(&sq->sqes[(at & *sq->kring_mask) << shift]);
	errno = errno_before;
}

WT_EXPORT int io_uring_submit(struct io_uring *ring)
{
	submitting(ring);
	return wt_real.io_uring_submit(ring);
}

WT_EXPORT int io_uring_submit_and_wait(struct io_uring *ring, unsigned int count)
{
	submitting(ring);
	return wt_real.io_uring_submit_and_wait(ring, count);
}

WT_EXPORT int io_uring_submit_and_wait_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
					       unsigned int count, struct __kernel_timespec *time,
					       sigset_t *signals)
{
	submitting(ring);
	return wt_real.io_uring_submit_and_wait_timeout(ring, cqe, count, time, signals);
}

WT_EXPORT int io_uring_submit_and_get_events(struct io_uring *ring)
{
	submitting(ring);
	return wt_real.io_uring_submit_and_get_events(ring);
}

/* These two submit what is prepared, and a timeout behind it. */
WT_EXPORT int io_uring_wait_cqes(struct io_uring *ring, struct io_uring_cqe **cqe,
				 unsigned int count, struct __kernel_timespec *time,
				 sigset_t *signals)
{
	submitting(ring);
	return wt_real.io_uring_wait_cqes(ring, cqe, count, time, signals);
}

WT_EXPORT int io_uring_wait_cqe_timeout(struct io_uring *ring, struct io_uring_cqe **cqe,
					struct __kernel_timespec *time)
{
	submitting(ring);
	return wt_real.io_uring_wait_cqe_timeout(ring, cqe, time);
}

WT_EXPORT int io_uring_register_files(struct io_uring *ring, const int *files, unsigned int count)
{
	registering(files, count);
	return wt_real.io_uring_register_files(ring, files, count);
}

WT_EXPORT int io_uring_register_files_update(struct io_uring *ring, unsigned int first,
					     const int *files, unsigned int count)
{
	registering(files, count);
	return wt_real.io_uring_register_files_update(ring, first, files, count);
}

WT_EXPORT int io_uring_register_files_tags(struct io_uring *ring, const int *files,
					   const __u64 *tags, unsigned int count)
{
	registering(files, count);
	return wt_real.io_uring_register_files_tags(ring, files, tags, count);
}

WT_EXPORT int io_uring_register_files_update_tag(struct io_uring *ring, unsigned int first,
						 const int *files, const __u64 *tags,
						 unsigned int count)
{
	registering(files, count);
	return wt_real.io_uring_register_files_update_tag(ring, first, files, tags, count);
}

/* The program makes a ring's system calls itself, so the ring's requests are not seen. */
static int driven_by_hand(int ret, bool is_known)
{
	int errno_before = errno;

	if (unlikely(wt_config.active) && is_known)
		wt_program_ring_made();
	errno = errno_before;
	return ret;
}

WT_EXPORT int io_uring_setup(unsigned int entries, struct io_uring_params *params)
{
	int ret = wt_real.io_uring_setup(entries, params);

	return driven_by_hand(ret, ret >= 0);
}

WT_EXPORT int io_uring_enter(unsigned int ring, unsigned int submits, unsigned int waits_for,
			     unsigned int flags, sigset_t *signals)
{
	int ret = wt_real.io_uring_enter(ring, submits, waits_for, flags, signals);

	return driven_by_hand(ret, submits && ret > 0);
}

WT_EXPORT int io_uring_enter2(unsigned int ring, unsigned int submits, unsigned int waits_for,
			      unsigned int flags, sigset_t *signals, size_t size)
{
	int ret = wt_real.io_uring_enter2(ring, submits, waits_for, flags, signals, size);

	return driven_by_hand(ret, submits && ret > 0);
}
