/* SPDX-License-Identifier: MIT */
/*
 * history - the last requests, and counts of all of them. The caller locks.
 */
#ifndef DISK_HISTORY_H
#define DISK_HISTORY_H

#include "request.h"

#define HISTORY_LENGTH (1UL << 18)

struct history_counts {
	uint64_t requests;		 /* that arrived */
	uint64_t succeeded[REQUEST_OPS]; /* that completed without error */
	uint64_t failed;
	uint64_t sectors_written; /* by writes that succeeded */
};

/* Gives the request its number and its time of arrival. */
void history_begin(struct request *request);

/* Notes its error, and gives it its time of completion. */
void history_end(struct request *request);

struct history_counts history_counts(void);

/* A request of the past, or NULL: not yet there, or too long ago. */
const struct request *history_at(uint64_t number);

#endif
