/* SPDX-License-Identifier: MIT */
/* Writes that are submitted: POSIX aio, libaio. */
#include "symbol.h"

#include <aio.h>
#include <libaio.h>
#include <pthread.h>
#include <signal.h>

#include "os/raw.h" /* past libwt, which exports syscall(3) */

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

	open_made(O_RDWR);
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
	open_made(O_WRONLY | O_APPEND);
	submit(call, writing(fd, "appended", 0));
	judge("file");
	close(fd);
	open_made(O_RDONLY);
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

	open_made(O_RDWR);
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
		open_made(O_RDWR);
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
	open_made(O_RDWR);
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
	open_made(O_RDWR);
	resubmit(context, &request);
}

static int sync_of(struct aiocb *request)
{
	return aio_fsync(O_SYNC, request);
}

/* A file's number after an instruction has closed it: nothing's, and then a pipe's. */
void scene_aio_to_stale_number(void)
{
	int was, pipes[2];

	open_made(O_RDWR);
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
