/* SPDX-License-Identifier: MIT */
#include "history.h"

#include <stddef.h>
#include <time.h>

static struct request past[HISTORY_LENGTH];
static struct history_counts counts;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static struct request *place_of(uint64_t number)
{
	return &past[number % HISTORY_LENGTH];
}

void history_begin(struct request *request)
{
	request->number = ++counts.requests;
	request->arrived_ns = now_ns();
	*place_of(request->number) = *request;
}

void history_end(struct request *request)
{
	struct request *noted = place_of(request->number);

	request->completed_ns = now_ns();
	if (noted->number == request->number)
		*noted = *request;
	if (request->error) {
		counts.failed++;
		return;
	}
	counts.succeeded[request->op]++;
	if (request->op == REQUEST_WRITE)
		counts.sectors_written += request->length / 512;
}

struct history_counts history_counts(void)
{
	return counts;
}

const struct request *history_at(uint64_t number)
{
	const struct request *noted = place_of(number);

	return number && noted->number == number ? noted : NULL;
}
