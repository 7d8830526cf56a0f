/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <aio.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

/* What _FORTIFY_SOURCE calls instead of dprintf. */
int __dprintf_chk(int fd, int flag, const char *format, ...);
int __vdprintf_chk(int fd, int flag, const char *format, va_list args);

#define PIPE_BYTES 65536
#define REQUESTS 4

/* What any of these calls would write, and where. */
struct piece {
	char *from;
	size_t len;
	off_t offset;
};

static struct piece any_piece(struct rng *rng, int fd)
{
	struct piece p = { .len = any_len(rng) % PIPE_BYTES };

	p.offset = any_offset(rng, fd) % (off_t)POOL_BYTES;
	p.from = pool + below(rng, POOL_BYTES - p.len);
	return p;
}

static int print_by(int way, int fd, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	ret = way ? vdprintf(fd, format, args) : __vdprintf_chk(fd, 1, format, args);
	va_end(args);
	return ret;
}

void op_print(struct rng *rng)
{
	int fd = any_fd(rng);
	int way = below(rng, 4);
	int len = any_len(rng) % 20000;
	const char *from = prose + below(rng, POOL_BYTES - len);
	long result = -1;

	switch (way) {
	case 0:
	case 1:
		result = TRY(print_by(way, fd, "%ld %.*s\n", my.op, len, from));
		break;
	case 2:
		result = TRY(dprintf(fd, "%.*s%5d", len, from, len));
		break;
	case 3:
		result = TRY(__dprintf_chk(fd, 1, "%.*s", len, from));
		break;
	}
	trace_fd(fd, result, "print by %d to descriptor %d, %d bytes", way, fd, len);
}

/* The pipe holds all of it: how much a splice(2) moves depends on nothing else. */
static long splice_piece(const struct piece *p, bool map, int fd, off64_t *offset)
{
	struct iovec bytes = { p->from, p->len };
	int ends[2];
	long result = -1;

	if (TRY(pipe(ends)))
		return -1;
	if (map)
		vmsplice(ends[1], &bytes, 1, 0);
	else
		wt_syscall(SYS_write, ends[1], p->from, p->len);
	wt_syscall(SYS_close, ends[1]);
	result = TRY(splice(ends[0], NULL, fd, offset, p->len, 0));
	wt_syscall(SYS_close, ends[0]);
	return result;
}

void op_copy(struct rng *rng)
{
	int in = any_fd(rng);
	int out = any_fd(rng);
	int way = below(rng, 6);
	struct piece p = any_piece(rng, out);
	off64_t from = below(rng, LAST_OFFSET);
	off64_t *in_offset = one_in(rng, 2) ? &from : NULL;
	off64_t *out_offset = one_in(rng, 2) ? &p.offset : NULL;
	long result = -1;

	if (!raw_is_file(in) || !raw_is_file(out))
		return; /* how much a pipe takes depends on the pages that it comes from */
	switch (way) {
	case 0:
	case 1:
		result = TRY(copy_file_range(in, in_offset, out, out_offset, p.len, 0));
		break;
	case 2:
		result = TRY(sendfile(out, in, in_offset, p.len));
		break;
	case 3:
		result = TRY(sendfile64(out, in, in_offset, p.len));
		break;
	case 4:
	case 5:
		result = splice_piece(&p, way == 4, out, out_offset);
		break;
	}
	trace_fd(in, 0, "%d is copied from, to %ld", in, (long)from);
	trace_fd(out, result, "copy by %d to %d, %zu bytes, to %ld", way, out, p.len, p.offset);
}

void op_allocate(struct rng *rng)
{
	static const int modes[] = { FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
				     FALLOC_FL_ZERO_RANGE,
				     FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE };
	int fd = any_fd(rng);
	int way = below(rng, 4);
	int mode = modes[below(rng, COUNT(modes))];
	off_t offset = below(rng, LAST_OFFSET / 4096) * 4096 + (one_in(rng, 2) ? 0 : 100);
	off_t len = below(rng, 20) * 4096 + (one_in(rng, 2) ? 0 : 100);
	long result = -1;

	switch (way) {
	case 0:
		result = TRY(posix_fallocate(fd, offset, len));
		break;
	case 1:
		result = TRY(posix_fallocate64(fd, offset, len));
		break;
	case 2:
		result = TRY(fallocate64(fd, mode, offset, len));
		break;
	case 3:
		result = TRY(fallocate(fd, mode, offset, len));
		break;
	}
	trace_fd(fd, result, "allocate by %d mode %#x, %d %ld+%ld", way, mode, fd, offset, len);
}

bool aio_is_lost;
bool aio_was_used;

static void fill_request(struct rng *rng, struct aiocb *request, int fd, off_t apart)
{
	struct piece p = any_piece(rng, fd);

	*request = (struct aiocb){ .aio_fildes = fd,
				   .aio_buf = p.from,
				   .aio_nbytes = p.len,
				   .aio_offset = p.offset + apart,
				   .aio_lio_opcode = LIO_WRITE };
	request->aio_sigevent.sigev_notify = SIGEV_NONE;
}

static void await(const struct aiocb *request)
{
	while (aio_suspend(&request, 1, NULL) && errno == EINTR)
		;
}

static void finish_request(struct aiocb *request, long result, const char *what)
{
	int err;

	if (result) {
		trace(result, "%s", what);
		return;
	}
	await(request);
	err = aio_error(request);
	trace_fd(request->aio_fildes, TRY(aio_return(request)), "%s of %zu@%ld, %s", what,
		 request->aio_nbytes, request->aio_offset, errno_name(err ? err : UNTOUCHED));
}

/* Told by a signal that is waited for. */
static void write_and_signal(struct aiocb *request)
{
	struct timespec long_enough = { 20, 0 };
	siginfo_t info = { 0 };
	sigset_t told;

	sigemptyset(&told);
	sigaddset(&told, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &told, NULL);
	request->aio_sigevent = (struct sigevent){ .sigev_notify = SIGEV_SIGNAL,
						   .sigev_signo = SIGUSR2,
						   .sigev_value = { .sival_int = 77 } };
	if (TRY(aio_write(request)) == 0)
		trace(sigtimedwait(&told, &info, &long_enough), "signal of aio_write, %d",
		      info.si_value.sival_int);
	finish_request(request, 0, "aio_write with a signal");
}

/* Requests for one descriptor are carried out one after the other; no two touch one byte. */
static void write_list(struct rng *rng, int fd, int mode)
{
	struct aiocb requests[REQUESTS];
	struct aiocb *list[REQUESTS];
	int count = 1 + below(rng, REQUESTS);
	long result;

	for (int i = 0; i < count; i++) {
		fill_request(rng, &requests[i], fd, i * PIPE_BYTES * 2);
		if (one_in(rng, 8))
			requests[i].aio_lio_opcode = LIO_NOP;
		list[i] = one_in(rng, 12) ? NULL : &requests[i];
	}
	result = one_in(rng, 2) ? TRY(lio_listio(mode, list, count, NULL))
				: TRY(lio_listio64(mode, (struct aiocb64 **)list, count, NULL));
	for (int i = 0; i < count; i++)
		if (!list[i] || requests[i].aio_lio_opcode == LIO_NOP)
			list[i] = NULL;
		else
			await(list[i]);
	trace_fd(fd, result, "lio_listio of %d, mode %d", count, mode);
	for (int i = 0; i < count; i++)
		if (list[i])
			finish_request(&requests[i], 0, "lio_listio's write");
}

void op_aio(struct rng *rng)
{
	int fd = any_fd(rng);
	int way = below(rng, 7);
	int op = one_in(rng, 2) ? O_DSYNC : O_SYNC;
	struct aiocb sync = { .aio_fildes = fd, .aio_sigevent = { .sigev_notify = SIGEV_NONE } };
	struct aiocb request;

	if (aio_is_lost)
		return;
	aio_was_used = true;
	fill_request(rng, &request, fd, 0);
	switch (way) {
	case 0:
		finish_request(&request, TRY(aio_write(&request)), "aio_write");
		break;
	case 1:
		finish_request(&request, TRY(aio_write64((struct aiocb64 *)&request)),
			       "aio_write64");
		break;
	case 2:
		finish_request(&request, TRY(aio_write(&request)), "aio_write, then aio_fsync");
		finish_request(&sync, TRY(aio_fsync(op, &sync)), "aio_fsync");
		break;
	case 3:
		finish_request(&sync, TRY(aio_fsync64(op, (struct aiocb64 *)&sync)), "aio_fsync64");
		break;
	case 4:
		write_and_signal(&request);
		break;
	case 5:
		write_list(rng, fd, LIO_WAIT);
		break;
	case 6:
		write_list(rng, fd, LIO_NOWAIT);
		break;
	}
}

/* By the C library's syscall(2), which a library may interpose. */
void op_syscall(struct rng *rng)
{
	int fd = any_fd(rng);
	struct piece p = any_piece(rng, fd);
	struct iovec halves[2] = { { p.from, p.len / 2 },
				   { p.from + p.len / 2, p.len - p.len / 2 } };
	int flags = one_in(rng, 3) ? RWF_DSYNC : one_in(rng, 3) ? RWF_APPEND : 0;
	int way = below(rng, 5);
	long result = -1;

	switch (way) {
	case 0:
		result = TRY(syscall(SYS_write, fd, p.from, p.len));
		break;
	case 1:
		result = TRY(syscall(SYS_pwrite64, fd, p.from, p.len, p.offset));
		break;
	case 2:
		result = TRY(syscall(SYS_writev, fd, halves, 2));
		break;
	case 3:
		result = TRY(syscall(SYS_pwritev, fd, halves, 2, p.offset, 0L));
		break;
	case 4:
		result = TRY(syscall(SYS_pwritev2, fd, halves, 2, p.offset, 0L, flags));
		break;
	}
	trace_fd(fd, result, "syscall by %d, %d %zu@%ld", way, fd, p.len, p.offset);
}

/* Stores into a mapping: no library can make them write-through, but none must overlook it. */
void op_map(struct rng *rng)
{
	int fd = any_fd(rng);
	long long size = raw_size(fd);
	size_t len = 1 + below(rng, 9000);
	char *at;

	if (!raw_is_file(fd) || size <= 0 || size > (long long)POOL_BYTES)
		return;
	if (len > (size_t)size)
		len = size;
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	trace_fd(fd, at == MAP_FAILED, "mapping of %d, %zu bytes", fd, len);
	if (at == MAP_FAILED)
		return;
	memcpy(at + len / 2, pool + below(rng, POOL_BYTES - len), len - len / 2);
	say_hole(fd);
	if (one_in(rng, 3))
		trace(TRY(msync(at, len, MS_SYNC)), "msync");
	munmap(at, len);
}

/* What a signal handler does, and what came of it. */
static struct {
	struct piece piece;
	int fd;
	int way;
	long result;
	int error;
} handled;

static void handle(int signal)
{
	int errno_before = errno;
	struct iovec bytes = { handled.piece.from, handled.piece.len };

	(void)signal;
	errno = UNTOUCHED;
	if (handled.way == 0)
		handled.result = write(handled.fd, bytes.iov_base, bytes.iov_len);
	else if (handled.way == 1)
		handled.result =
			pwrite(handled.fd, bytes.iov_base, bytes.iov_len, handled.piece.offset);
	else if (handled.way == 2)
		handled.result = writev(handled.fd, &bytes, 1);
	else
		handled.result = fdatasync(handled.fd);
	handled.error = errno;
	errno = errno_before;
}

/* A stack as small as programs make it, with a page below that nobody may touch. */
static void use_small_stack(void)
{
	static char *stack;
	size_t len = sysconf(_SC_SIGSTKSZ);
	size_t page = sysconf(_SC_PAGESIZE);

	if (!stack) {
		stack = mmap(NULL, page + len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(stack + page, len, PROT_READ | PROT_WRITE);
	}
	sigaltstack(&(stack_t){ .ss_sp = stack + page, .ss_size = len }, NULL);
}

void op_signal(struct rng *rng)
{
	struct sigaction action = { .sa_handler = handle };
	int way = below(rng, 3);

	if (one_in(rng, 2)) {
		use_small_stack();
		action.sa_flags = SA_ONSTACK;
	}
	handled.fd = any_fd(rng);
	handled.way = below(rng, 4);
	handled.piece = any_piece(rng, handled.fd);
	sigaction(SIGUSR1, &action, NULL);
	if (way == 0)
		raise(SIGUSR1);
	else if (way == 1)
		kill(getpid(), SIGUSR1);
	else
		pthread_kill(pthread_self(), SIGUSR1);
	errno = handled.error;
	trace_fd(handled.fd, returned(handled.result), "a handler's call %d, %d %zu@%ld, flags %#x",
		 handled.way, handled.fd, handled.piece.len, handled.piece.offset, action.sa_flags);
}
