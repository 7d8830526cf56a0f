/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "tape.h"
#include "../record.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

_Static_assert((int)RECORD_FLUSH == (int)REQUEST_FLUSH, "the same operations");

static int fd = -1;
static int failure;

int tape_to(const char *path)
{
	int error = failure;

	if (fd >= 0)
		close(fd);
	fd = -1;
	failure = 0;
	if (!path)
		return error;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : error;
}

void tape_request(const struct request *request, const void *data)
{
	struct record record = {
		.op = request->op,
		.offset = request->offset,
		.length = request->length,
		.error = request->error,
		.arrived_ns = request->arrived_ns,
		.completed_ns = request->completed_ns,
	};
	struct iovec iov[2] = { { &record, sizeof(record) }, { (void *)data, 0 } };
	ssize_t put;

	if (fd < 0 || failure)
		return;
	if (request->op == REQUEST_WRITE && !request->error)
		iov[1].iov_len = record.carried = request->length;
	put = writev(fd, iov, 2);
	if (put != (ssize_t)(sizeof(record) + record.carried))
		failure = put < 0 ? -errno : -ENOSPC;
}
