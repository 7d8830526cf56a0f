/* SPDX-License-Identifier: MIT */
/*
 * submitted - one write of 64 KiB that the kernel carries out by itself, and what has become of it.
 *
 *   submitted uring|aio FILE FLAGS
 *
 * One line of KEY=VALUE facts: what the submission answered, the request's result, and the pages.
 */
#define _GNU_SOURCE
#include <libaio.h>
#include <liburing.h>

#include "../lib/probe.h"

#define LEN (64 << 10)

static long by_uring(int fd, char *bytes, int flags, long *result)
{
	struct io_uring ring;
	struct io_uring_cqe *cqe;

	if (io_uring_queue_init(4, &ring, 0))
		return -1;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
	io_uring_prep_write(sqe, fd, bytes, LEN, 4096);
	sqe->rw_flags = flags;
	long submitted = io_uring_submit(&ring);
	if (submitted == 1 && !io_uring_wait_cqe(&ring, &cqe))
		*result = cqe->res;
	io_uring_queue_exit(&ring);
	return submitted;
}

static long by_aio(int fd, char *bytes, int flags, long *result)
{
	io_context_t context = NULL;
	struct iocb request, *requests[] = { &request };
	struct io_event event;

	if (io_setup(4, &context))
		return -1;
	io_prep_pwrite(&request, fd, bytes, LEN, 4096);
	request.aio_rw_flags = flags;
	long submitted = io_submit(context, 1, requests);
	if (submitted == 1 && io_getevents(context, 1, 1, &event, NULL) == 1)
		*result = (long)event.res;
	printf("flags_kept=%d ", (int)request.aio_rw_flags == flags);
	io_destroy(context);
	return submitted;
}

int main(int argc, char **argv)
{
	char *bytes = probe_buffer(LEN);
	struct probe_cache cache = { 0 };
	long result = 0, submitted;

	if (argc != 4)
		return 2;
	int fd = open(argv[2], O_RDWR), flags = (int)strtol(argv[3], NULL, 0);
	memset(bytes, 'x', LEN);
	submitted = strcmp(argv[1], "aio") ? by_uring(fd, bytes, flags, &result)
					   : by_aio(fd, bytes, flags, &result);
	int err = probe_cachestat(fd, 4096, LEN, &cache);
	printf("submitted=%ld result=%ld cachestat=%d dirty=%llu writeback=%llu\n", submitted,
	       result, err, (unsigned long long)cache.dirty, (unsigned long long)cache.writeback);
	return 0;
}
