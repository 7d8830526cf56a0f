/* SPDX-License-Identifier: MIT */
/*
 * faults - rules by which requests fail. The caller locks.
 */
#ifndef DISK_FAULTS_H
#define DISK_FAULTS_H

#include "request.h"

#include <stdbool.h>
#include <stdint.h>

struct fault {
	enum request_op op;    /* REQUEST_WRITE: everything that changes bytes */
	uint64_t first_sector; /* of 512 bytes; no matter to a flush */
	uint64_t last_sector;
	uint64_t times; /* how often it may still strike */
	int error;
	double chance;	 /* 1: always */
	bool bad_blocks; /* chance picks blocks of 4 KiB that always fail, not requests */
	uint64_t seed;
	const char *mark; /* only writes that carry this text; NULL for all */
};

#define FAULT_ALWAYS                                                                               \
	{                                                                                          \
		.op = REQUEST_WRITE, .last_sector = UINT64_MAX, .times = UINT64_MAX, .error = EIO, \
		.chance = 1                                                                        \
	}

/* Comes behind the rules that are there; the mark is copied. 0 or -ENOMEM. */
int faults_add(const struct fault *fault);

/* Without any rule from here on. */
void faults_heal(void);

/* 0, or -errno by the first rule that strikes this request; `data` is what a write carries. */
int faults_strike(const struct request *request, const void *data);

#endif
