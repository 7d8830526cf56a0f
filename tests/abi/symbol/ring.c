/* SPDX-License-Identifier: MIT */
/* Requests of an io_uring of the program's own. */
#include "symbol.h"

#include <liburing.h>
#include <signal.h>

static struct io_uring ring;

/* Makes the ring, and has a write in it that was not submitted. */
static void prepare(int to, const char *bytes, off_t offset)
{
	io_uring_prep_write(io_uring_get_sqe(&ring), to, bytes, strlen(bytes), offset);
}

static void take(void)
{
	struct io_uring_cqe *cqe = NULL;

	io_uring_wait_cqe(&ring, &cqe);
	say("result: %d", cqe ? cqe->res : 0);
	if (cqe)
		io_uring_cqe_seen(&ring, cqe);
}

static struct __kernel_timespec second = { .tv_sec = 1 };
static struct io_uring_cqe *cqe;

static void submit_ring(const char *call, long (*submit_it)(void))
{
	errno = UNTOUCHED;
	long ret = submit_it();
	int err = errno;

	take();
	errno = err;
	tell(call, ret);
}

/* A write that succeeds, one at the offset, and those that do not. */
static void all_ring(const char *call, long (*submit_it)(void))
{
	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	prepare(fd, "by a ring", 5000);
	submit_ring(call, submit_it);
	judge("file");
	prepare(fd, "at the offset", -1);
	submit_ring(call, submit_it);
	judge("file");
	limit(9000);
	prepare(fd, "no room", 9000);
	submit_ring(call, submit_it);
	limit(-1);
	prepare(open("file", O_RDONLY), "only read", 0);
	submit_ring(call, submit_it);
	prepare(-1, "not open", 0);
	submit_ring(call, submit_it);
}

/* These two only wait for what was submitted, where the kernel takes a time by itself. */
#define SUBMITTED(call) (io_uring_submit(&ring) * 1000 + (call))

CASE(io_uring_submit, all_ring, io_uring_submit(&ring))
CASE(io_uring_submit_and_wait, all_ring, io_uring_submit_and_wait(&ring, 1))
CASE(io_uring_submit_and_wait_timeout, all_ring,
     io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &second, NULL))
CASE(io_uring_submit_and_get_events, all_ring, io_uring_submit_and_get_events(&ring))
CASE(io_uring_wait_cqes, all_ring, SUBMITTED(io_uring_wait_cqes(&ring, &cqe, 1, &second, NULL)))
CASE(io_uring_wait_cqe_timeout, all_ring,
     SUBMITTED(io_uring_wait_cqe_timeout(&ring, &cqe, &second)))

/* Writes to registered files have no descriptor: the report names the file. */
static void write_registered(int index)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	io_uring_prep_write(sqe, index, "registered", 10, 0);
	sqe->flags |= IOSQE_FIXED_FILE;
	say("submitted: %d", io_uring_submit(&ring));
	take();
}

void try_io_uring_register_files(void)
{
	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	TELL(io_uring_register_files(&ring, &fd, 1));
	write_registered(0);
	TELL(io_uring_register_files(&ring, &fd, 1));
	io_uring_unregister_files(&ring);
	TELL(io_uring_register_files(&ring, &(int){ 1000 }, 1));
	TELL(io_uring_register_files(&ring, NULL, 0));
	TELL(io_uring_register_files(&ring, (int *)16, 2));
	write_registered(0);
}

void try_io_uring_register_files_update(void)
{
	int none[2] = { -1, -1 };

	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	TELL(io_uring_register_files(&ring, none, 2));
	TELL(io_uring_register_files_update(&ring, 1, &fd, 1));
	write_registered(1);
	write_registered(0);
	TELL(io_uring_register_files_update(&ring, 5, &fd, 1));
	TELL(io_uring_register_files_update(&ring, 0, &(int){ 1000 }, 1));
}

static const __u64 tags[2];

void try_io_uring_register_files_tags(void)
{
	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	TELL(io_uring_register_files_tags(&ring, &fd, tags, 1));
	write_registered(0);
	TELL(io_uring_register_files_tags(&ring, &fd, tags, 1));
	io_uring_unregister_files(&ring);
	TELL(io_uring_register_files_tags(&ring, (int *)16, tags, 2));
}

void try_io_uring_register_files_update_tag(void)
{
	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	TELL(io_uring_register_files_sparse(&ring, 2));
	TELL(io_uring_register_files_update_tag(&ring, 1, &fd, tags, 1));
	write_registered(1);
	write_registered(0);
	TELL(io_uring_register_files_update_tag(&ring, 0, (int *)16, tags, 1));
}

/* What io_uring_submit(3) does, but for the system call. */
static void hand_over(void)
{
	struct io_uring_sq *sq = &ring.sq;
	unsigned int tail = *sq->ktail;

	for (; sq->sqe_head != sq->sqe_tail; sq->sqe_head++)
		sq->array[tail++ & *sq->kring_mask] = sq->sqe_head & *sq->kring_mask;
	__atomic_store_n(sq->ktail, tail, __ATOMIC_RELEASE);
}

/* Such a request is not covered: the report names the file. */
static void enter_by_hand(const char *call, int (*enter)(int of))
{
	io_uring_queue_init(4, &ring, 0);
	open_made(O_RDWR);
	prepare(fd, "by hand", 5000);
	hand_over();
	TELL_AS(call, enter(ring.ring_fd));
	take();
	TELL_AS(call, enter(-1));
}

static int by_enter(int of)
{
	return io_uring_enter(of, 1, 1, IORING_ENTER_GETEVENTS, NULL);
}

static int by_enter2(int of)
{
	return io_uring_enter2(of, 1, 1, IORING_ENTER_GETEVENTS, NULL, _NSIG / 8);
}

void try_io_uring_enter(void)
{
	enter_by_hand("io_uring_enter", by_enter);
}

void try_io_uring_enter2(void)
{
	enter_by_hand("io_uring_enter2", by_enter2);
}

/* The files that are open then are named. */
void try_io_uring_setup(void)
{
	struct io_uring_params params = { 0 };

	open_made(O_RDWR);
	TELL_AS("io_uring_setup(1, &params)", io_uring_setup(1, &params) >= 0);
	TELL(io_uring_setup(0, &params));
	TELL(write(fd, "written", 7));
}
