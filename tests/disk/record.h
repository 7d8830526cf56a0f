/* SPDX-License-Identifier: MIT */
/*
 * record - what stands in the file of the disk's command `record`: each request as it completed,
 * in that order, with the bytes that a successful write carried.
 *
 * It says what the disk held at any moment since the recording began: a write takes effect when it
 * completes, and is stable once a flush has succeeded that arrived after that.
 */
#ifndef WT_TESTS_DISK_RECORD_H
#define WT_TESTS_DISK_RECORD_H

#include <stdint.h>

enum record_op { RECORD_READ, RECORD_WRITE, RECORD_ZERO, RECORD_TRIM, RECORD_FLUSH };

/* Followed by `carried` bytes. */
struct record {
	uint64_t op; /* enum record_op */
	uint64_t offset;
	uint64_t length;
	uint64_t carried;   /* the length of a write that succeeded, else 0 */
	int64_t error;	    /* 0 or -errno */
	int64_t arrived_ns; /* CLOCK_MONOTONIC */
	int64_t completed_ns;
};

#endif
