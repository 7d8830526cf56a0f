/* SPDX-License-Identifier: MIT */
/*
 * request - one request to the disk, as it is served and as it stands in the log.
 */
#ifndef DISK_REQUEST_H
#define DISK_REQUEST_H

#include <stdint.h>

enum request_op { REQUEST_READ, REQUEST_WRITE, REQUEST_ZERO, REQUEST_TRIM, REQUEST_FLUSH };

#define REQUEST_OPS (REQUEST_FLUSH + 1)

struct request {
	uint64_t number; /* from 1, in the order of arrival */
	enum request_op op;
	uint64_t offset;
	uint64_t length;
	int error;	      /* 0 or -errno, once completed */
	int64_t arrived_ns;   /* CLOCK_MONOTONIC */
	int64_t completed_ns; /* 0: under way */
};

#endif
