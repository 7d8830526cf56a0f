/* SPDX-License-Identifier: MIT */
/* Writes that are submitted: POSIX aio, libaio, liburing. */
#include "symbol.h"

#include <aio.h>
#include <libaio.h>
#include <liburing.h>
#include <pthread.h>
#include <signal.h>

#include "../../shim/raw.h" /* past libwt, which exports syscall(3) */

static void open_file(int flags)
{
	make_file("file", 10000);
	fd = open("file", flags);
}

/* Waits for its end, and tells it. */
static void finish(struct aiocb *request)
{
	const struct aiocb *const list[] = { request };

	while (aio_error(request) == EINPROGRESS)
		aio_suspend(list, 1, NULL);
	TELL(aio_error(request));
	TELL(aio_return(request));
}

static struct aiocb writing(int to, const char *text, off_t offset)
{
	return (struct aiocb){ .aio_fildes = to,
			       .aio_buf = (char *)text,
			       .aio_nbytes = strlen(text),
			       .aio_offset = offset,
			       .aio_lio_opcode = LIO_WRITE };
}

static void submit(int (*call)(struct aiocb *), struct aiocb request)
{
	errno = UNTOUCHED;
	int ret = call(&request), err = errno;

	if (!ret)
		finish(&request);
	errno = err;
	tell("submitted", ret);
}

static volatile sig_atomic_t signals, value;

static void note_signal(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	signals++;
	value = info->si_value.sival_int;
}

static void wait_for_signal(void)
{
	while (!signals)
		usleep(100);
	say("signals: %d, value %d", signals, value);
	signals = 0;
}

static struct sigevent by_signal(int with)
{
	sigaction(SIGUSR1,
		  &(struct sigaction){ .sa_sigaction = note_signal, .sa_flags = SA_SIGINFO }, NULL);
	return (struct sigevent){ .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGUSR1,
				  .sigev_value.sival_int = with };
}

static void all_aio_writes(int (*call)(struct aiocb *))
{
	struct aiocb request;

	open_file(O_RDWR);
	submit(call, writing(fd, "in the middle", 5000));
	judge("file");
	submit(call, writing(fd, "", 5000));
	submit(call, writing(fd, "before the start", -5));
	request = writing(fd, "of no priority", 0);
	request.aio_reqprio = 99;
	submit(call, request);
	request = writing(fd, "with a signal", 9000);
	request.aio_sigevent = by_signal(31);
	submit(call, request);
	judge("file");
	wait_for_signal();
	limit(9500);
	submit(call, writing(fd, text_of(1000), 9000));
	submit(call, writing(fd, "no room", 9500));
	limit(-1);
	close(fd);
	open_file(O_WRONLY | O_APPEND);
	submit(call, writing(fd, "appended", 0));
	judge("file");
	close(fd);
	open_file(O_RDONLY);
	submit(call, writing(fd, "only read", 0));
	fd = -1;
	submit(call, writing(-1, "not open", 0));
}

void try_aio_write(void)
{
	all_aio_writes(aio_write);
}

static int by_aio_write64(struct aiocb *request)
{
	return aio_write64((struct aiocb64 *)request);
}

void try_aio_write64(void)
{
	all_aio_writes(by_aio_write64);
}

static void all_listio(int (*call)(int, struct aiocb *const[], int, struct sigevent *))
{
	struct sigevent event = by_signal(32);

	open_file(O_RDWR);
	struct aiocb one = writing(fd, "one", 100), two = writing(fd, "two", 4095);
	struct aiocb bad = writing(-1, "not open", 0), none = { .aio_lio_opcode = LIO_NOP };
	struct aiocb *good[] = { &one, NULL, &two, &none }, *mixed[] = { &two, &bad };

	TELL(call(LIO_WAIT, good, 4, NULL));
	finish(&one);
	finish(&two);
	judge("file");
	TELL(call(LIO_NOWAIT, good, 4, &event));
	wait_for_signal();
	finish(&one);
	finish(&two);
	one.aio_sigevent = by_signal(33);
	TELL(call(LIO_NOWAIT, good, 1, NULL));
	wait_for_signal();
	finish(&one);
	TELL(one.aio_sigevent.sigev_notify == SIGEV_SIGNAL);
	TELL(call(LIO_WAIT, mixed, 2, NULL));
	finish(&two);
	finish(&bad);
	TELL(call(99, good, 1, NULL));
	TELL(call(LIO_WAIT, good, 0, NULL));
}

void try_lio_listio(void)
{
	all_listio(lio_listio);
}

static int by_lio_listio64(int mode, struct aiocb *const list[], int count, struct sigevent *event)
{
	return lio_listio64(mode, (struct aiocb64 *const *)list, count, event);
}

void try_lio_listio64(void)
{
	all_listio(by_lio_listio64);
}

static void sync_by(int (*call)(int, struct aiocb *), int op, struct aiocb *request)
{
	if (!TELL(call(op, request)))
		finish(request);
}

static void all_aio_syncs(int (*call)(int, struct aiocb *))
{
	struct aiocb request = { 0 };

	for (int i = 0; i < 2; i++) {
		open_file(O_RDWR);
		wt_syscall(SYS_pwrite64, fd, "dirt", 4L, 5000L);
		request.aio_fildes = fd;
		sync_by(call, i ? O_SYNC : O_DSYNC, &request);
		tell_dirty("file");
	}
	sync_by(call, 99, &request);
	request.aio_fildes = fd = -1;
	sync_by(call, O_SYNC, &request);
	request.aio_fildes = fd = open("file", O_RDONLY);
	sync_by(call, O_SYNC, &request);
}

void try_aio_fsync(void)
{
	all_aio_syncs(aio_fsync);
}

static int by_aio_fsync64(int op, struct aiocb *request)
{
	return aio_fsync64(op, (struct aiocb64 *)request);
}

void try_aio_fsync64(void)
{
	all_aio_syncs(by_aio_fsync64);
}

static void submit_and_wait(io_context_t context, struct iocb *request)
{
	struct io_event event = { 0 };

	if (TELL(io_submit(context, 1, &request)) != 1)
		return;
	io_getevents(context, 1, 1, &event, NULL);
	say("event: %ld, flags %#x", (long)event.res, request->aio_rw_flags);
}

static void *return_at_once(void *nothing)
{
	return nothing;
}

/* A request that comes back as another, in a program that has had a thread. */
static void resubmit(io_context_t context, struct iocb *request)
{
	pthread_t thread;

	pthread_create(&thread, NULL, return_at_once, NULL);
	pthread_join(thread, NULL);
	io_prep_pwrite(request, fd, "reused", 6, 5000);
	TELL(io_submit(context, 1, &request));
	io_getevents(context, 1, 1, &(struct io_event){ 0 }, NULL);
	judge("file");
	request->aio_lio_opcode = IO_CMD_FSYNC;
	request->u.c = (struct io_iocb_common){ 0 };
	if (TELL(io_submit(context, 1, &request)) == 1)
		io_getevents(context, 1, 1, &(struct io_event){ 0 }, NULL);
}

void try_io_submit(void)
{
	char bytes[] = "submitted";
	struct iovec iov[2] = { { bytes, 3 }, { bytes, 9 } };
	struct iocb request, *wild = (struct iocb *)16;
	io_context_t context = NULL;

	io_setup(4, &context);
	open_file(O_RDWR);
	io_prep_pwrite(&request, fd, bytes, 9, 5000);
	submit_and_wait(context, &request);
	judge("file");
	io_prep_pwritev(&request, fd, iov, 2, 100);
	submit_and_wait(context, &request);
	judge("file");
	io_prep_pwrite(&request, fd, bytes, 9, -9);
	submit_and_wait(context, &request);
	io_prep_pwrite(&request, fd, (void *)16, 9, 0);
	submit_and_wait(context, &request);
	io_prep_pwrite(&request, open("file", O_RDONLY), bytes, 9, 0);
	submit_and_wait(context, &request);
	io_prep_pwrite(&request, -1, bytes, 9, 0);
	submit_and_wait(context, &request);
	TELL(io_submit(context, 1, &wild));
	TELL(io_submit(context, 0, NULL));
	TELL(io_submit(context, -1, NULL));
	TELL(io_submit(NULL, 1, &wild));
	close(fd);
	open_file(O_RDWR);
	resubmit(context, &request);
}

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

static void submit_ring(const char *call, int (*submit_it)(void))
{
	errno = UNTOUCHED;
	int ret = submit_it(), err = errno;

	take();
	errno = err;
	tell(call, ret);
}

/* A write that succeeds, one at the offset, and those that do not. */
static void all_ring(const char *call, int (*submit_it)(void))
{
	io_uring_queue_init(4, &ring, 0);
	open_file(O_RDWR);
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

#define RINGS(name, call)                                                                          \
	static int ring_##name(void)                                                               \
	{                                                                                          \
		return call;                                                                       \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_ring(#call, ring_##name);                                                      \
	}

/* These two only wait for what was submitted, where the kernel takes a time by itself. */
#define SUBMITTED(call) (io_uring_submit(&ring) * 1000 + (call))

RINGS(io_uring_submit, io_uring_submit(&ring))
RINGS(io_uring_submit_and_wait, io_uring_submit_and_wait(&ring, 1))
RINGS(io_uring_submit_and_wait_timeout,
      io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &second, NULL))
RINGS(io_uring_submit_and_get_events, io_uring_submit_and_get_events(&ring))
RINGS(io_uring_wait_cqes, SUBMITTED(io_uring_wait_cqes(&ring, &cqe, 1, &second, NULL)))
RINGS(io_uring_wait_cqe_timeout, SUBMITTED(io_uring_wait_cqe_timeout(&ring, &cqe, &second)))

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
	open_file(O_RDWR);
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
	open_file(O_RDWR);
	TELL(io_uring_register_files(&ring, none, 2));
	TELL(io_uring_register_files_update(&ring, 1, &fd, 1));
	write_registered(1);
	write_registered(0);
	TELL(io_uring_register_files_update(&ring, 5, &fd, 1));
	TELL(io_uring_register_files_update(&ring, 0, &(int){ 1000 }, 1));
}

static int sync_of(struct aiocb *request)
{
	return aio_fsync(O_SYNC, request);
}

/* A file's number after an instruction has closed it: nothing's, and then a pipe's. */
void scene_aio_to_stale_number(void)
{
	int was, pipes[2];

	open_file(O_RDWR);
	was = fd;
	submit(aio_write, writing(fd, "a file", 5000));
	judge("file");
	wt_syscall(SYS_close, fd);
	submit(sync_of, writing(was, "", 0));
	submit(aio_write, writing(was, "closed", 5000));
	TELL(pipe(pipes));
	fd = -1;
	say("the same number: %d", pipes[0] == was);
	submit(aio_write, writing(pipes[0], "the end that is read", 5000));
	submit(aio_write, writing(pipes[1], "a pipe", 5000));
	submit(sync_of, writing(pipes[1], "", 0));
}

static const __u64 tags[2];

void try_io_uring_register_files_tags(void)
{
	io_uring_queue_init(4, &ring, 0);
	open_file(O_RDWR);
	TELL(io_uring_register_files_tags(&ring, &fd, tags, 1));
	write_registered(0);
	TELL(io_uring_register_files_tags(&ring, &fd, tags, 1));
	io_uring_unregister_files(&ring);
	TELL(io_uring_register_files_tags(&ring, (int *)16, tags, 2));
}

void try_io_uring_register_files_update_tag(void)
{
	io_uring_queue_init(4, &ring, 0);
	open_file(O_RDWR);
	TELL(io_uring_register_files_sparse(&ring, 2));
	TELL(io_uring_register_files_update_tag(&ring, 1, &fd, tags, 1));
	write_registered(1);
	write_registered(0);
	TELL(io_uring_register_files_update_tag(&ring, 0, (int *)16, tags, 1));
}
