/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "faults.h"
#include "random.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#define SECTOR 512
#define SECTORS_A_BLOCK 8

struct rule {
	STAILQ_ENTRY(rule) next;
	struct fault fault;
	uint64_t met; /* requests that it was asked about */
};

static STAILQ_HEAD(, rule) rules = STAILQ_HEAD_INITIALIZER(rules);

int faults_add(const struct fault *fault)
{
	struct rule *rule = malloc(sizeof(*rule));

	if (!rule)
		return -ENOMEM;
	rule->fault = *fault;
	rule->met = 0;
	if (fault->mark && !(rule->fault.mark = strdup(fault->mark))) {
		free(rule);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&rules, rule, next);
	return 0;
}

void faults_heal(void)
{
	struct rule *rule;

	while ((rule = STAILQ_FIRST(&rules))) {
		STAILQ_REMOVE_HEAD(&rules, next);
		free((char *)rule->fault.mark);
		free(rule);
	}
}

static bool changes_bytes(enum request_op op)
{
	return op == REQUEST_WRITE || op == REQUEST_ZERO || op == REQUEST_TRIM;
}

static bool is_about(const struct fault *fault, enum request_op op)
{
	return fault->op == op || (fault->op == REQUEST_WRITE && changes_bytes(op));
}

static bool lucky(double chance, uint64_t random)
{
	return (random >> 11) * 0x1p-53 < chance;
}

static bool carries(const struct request *request, const void *data, const char *mark)
{
	return request->op == REQUEST_WRITE && memmem(data, request->length, mark, strlen(mark));
}

static bool strikes(struct rule *rule, const struct request *request, const void *data)
{
	const struct fault *fault = &rule->fault;
	uint64_t first = request->offset / SECTOR;
	uint64_t last = (request->offset + request->length - 1) / SECTOR;

	if (!is_about(fault, request->op) || !fault->times)
		return false;
	if (request->op == REQUEST_FLUSH)
		return lucky(fault->chance, random_of(fault->seed, 0, rule->met++));
	if (first > fault->last_sector || last < fault->first_sector)
		return false;
	if (fault->mark && !carries(request, data, fault->mark))
		return false;
	if (!fault->bad_blocks)
		return lucky(fault->chance, random_of(fault->seed, 0, rule->met++));
	first = first < fault->first_sector ? fault->first_sector : first;
	last = last > fault->last_sector ? fault->last_sector : last;
	for (uint64_t block = first / SECTORS_A_BLOCK; block <= last / SECTORS_A_BLOCK; block++)
		if (lucky(fault->chance, random_of(fault->seed, 1, block)))
			return true;
	return false;
}

int faults_strike(const struct request *request, const void *data)
{
	struct rule *rule;

	STAILQ_FOREACH(rule, &rules, next) {
		if (!strikes(rule, request, data))
			continue;
		if (rule->fault.times != UINT64_MAX)
			rule->fault.times--;
		return -rule->fault.error;
	}
	return 0;
}
