/* SPDX-License-Identifier: MIT */
/* Requests that are gone when their submission returns: who reaped them took their memory away. */
#define _GNU_SOURCE
#include "threads.h"

#include <linux/aio_abi.h>
#include <sys/mman.h>

#include "../lib/probe.h"

#define AT_ONCE 4

static aio_context_t context;

static void *reap(void *count)
{
	struct io_event events[AT_ONCE];
	long left = *(int *)count, failed = 0;

	while (left > 0) {
		long got = syscall(SYS_io_getevents, context, 1L, (long)AT_ONCE, events, NULL);

		must(got > 0, "io_getevents");
		for (long i = 0; i < got; i++) {
			failed += events[i].res != PROBE_BLOCK;
			munmap((void *)(uintptr_t)events[i].obj, PROBE_BLOCK);
		}
		left -= got;
	}
	return (void *)failed;
}

static struct iocb *request(int place)
{
	struct iocb *made =
		mmap(NULL, PROBE_BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(made != MAP_FAILED, "mmap");
	made->aio_lio_opcode = IOCB_CMD_PWRITE;
	made->aio_fildes = file_fd;
	made->aio_buf = (uintptr_t)block;
	made->aio_nbytes = PROBE_BLOCK;
	made->aio_offset = place % BLOCKS * PROBE_BLOCK;
	return made;
}

void submit_writes(int count)
{
	void *failed;

	must(!syscall(SYS_io_setup, 64, &context), "io_setup");
	pthread_t reaper = start(reap, &count);
	for (int i = 0; i < count; i += AT_ONCE) {
		struct iocb *requests[AT_ONCE];
		long done = 0;

		for (int k = 0; k < AT_ONCE; k++)
			requests[k] = request(i + k);
		while (done < AT_ONCE) {
			long ret = syscall(SYS_io_submit, context, AT_ONCE - done, requests + done);

			must(ret > 0 || errno == EAGAIN, "io_submit");
			done += ret > 0 ? ret : 0;
		}
	}
	pthread_join(reaper, &failed);
	printf("reaped=%d failed=%ld\n", count, (long)failed);
}
