/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "orders.h"
#include "disk.h"
#include "history.h"
#include "random.h"
#include "tape.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* What all the keys can say; a command looks at its own. */
struct order {
	struct disk_when when;
	uint64_t within;
	uint64_t seed;
	struct media_fate fate;
	struct fault fault;
	struct media_sectors sectors;
	double bad;
	uint64_t us;
	uint64_t ms;
	uint64_t since;
	const char *file;
	bool reads; /* what a read would see, not what is stable */
};

static const char *const op_names[REQUEST_OPS] = { "read", "write", "zero", "trim", "flush" };

static bool take_number(const char *value, void *field)
{
	char *end;

	errno = 0;
	*(uint64_t *)field = strtoull(value, &end, 10);
	return *value >= '0' && *value <= '9' && !*end && !errno;
}

static bool take_percent(const char *value, void *field)
{
	return take_number(value, field) && *(uint64_t *)field <= 100;
}

static bool take_chance(const char *value, void *field)
{
	double *chance = field;
	char *end;

	*chance = strtod(value, &end);
	return *value && !*end && *chance >= 0 && *chance <= 1;
}

static bool take_op(const char *value, void *field)
{
	for (int op = 0; op < REQUEST_OPS; op++)
		if (!strcmp(value, op_names[op])) {
			*(enum request_op *)field = op;
			return true;
		}
	return false;
}

static bool take_error(const char *value, void *field)
{
	if (strcmp(value, "EIO") && strcmp(value, "ENOSPC"))
		return false;
	*(int *)field = strcmp(value, "EIO") ? ENOSPC : EIO;
	return true;
}

static bool take_sectors(const char *value, void *field)
{
	struct media_sectors *sectors = field;
	char *dash = strchr(value, '-');

	if (!dash)
		return false;
	*dash = 0;
	return take_number(value, &sectors->first) && take_number(dash + 1, &sectors->last) &&
	       sectors->first <= sectors->last;
}

static bool take_text(const char *value, void *field)
{
	*(const char **)field = value;
	return *value;
}

static bool take_image(const char *value, void *field)
{
	*(bool *)field = !strcmp(value, "reads");
	return *(bool *)field || !strcmp(value, "stable");
}

static const struct key {
	const char *name;
	size_t at;
	bool (*take)(const char *value, void *field);
	const char *expected;
} keys[] = {
	{ "at", offsetof(struct order, when.at), take_number, "the number of a request" },
	{ "after", offsetof(struct order, when.after), take_number, "a count of requests" },
	{ "within", offsetof(struct order, within), take_number, "a count of requests" },
	{ "seed", offsetof(struct order, seed), take_number, "a number" },
	{ "keep", offsetof(struct order, fate.keep), take_percent, "0 to 100" },
	{ "tear", offsetof(struct order, fate.tear), take_percent, "0 to 100" },
	{ "op", offsetof(struct order, fault.op), take_op, "read, write, zero, trim or flush" },
	{ "whole", offsetof(struct order, fate.whole), take_sectors, "FIRST-LAST" },
	{ "sectors", offsetof(struct order, sectors), take_sectors, "FIRST-LAST" },
	{ "times", offsetof(struct order, fault.times), take_number, "a number" },
	{ "error", offsetof(struct order, fault.error), take_error, "EIO or ENOSPC" },
	{ "chance", offsetof(struct order, fault.chance), take_chance, "0 to 1" },
	{ "bad", offsetof(struct order, bad), take_chance, "0 to 1" },
	{ "us", offsetof(struct order, us), take_number, "microseconds" },
	{ "ms", offsetof(struct order, ms), take_number, "milliseconds" },
	{ "since", offsetof(struct order, since), take_number, "the number of a request" },
	{ "file", offsetof(struct order, file), take_text, "a path" },
	{ "mark", offsetof(struct order, fault.mark), take_text, "a text" },
	{ "of", offsetof(struct order, reads), take_image, "stable or reads" },
};

static void choose_moment(struct order *order)
{
	if (order->within)
		order->when.after = 1 + random_of(order->seed, 2, 0) % order->within;
}

static int obey_cut(struct order *order, FILE *out)
{
	(void)out;
	order->fate.seed = order->seed;
	choose_moment(order);
	return disk_cut(&order->when, &order->fate);
}

static int obey_vanish(struct order *order, FILE *out)
{
	(void)out;
	choose_moment(order);
	return disk_vanish(&order->when);
}

static int obey_on(struct order *order, FILE *out)
{
	(void)order;
	(void)out;
	disk_power_on();
	return 0;
}

static int obey_wait(struct order *order, FILE *out)
{
	(void)out;
	return disk_wait_off(order->ms * 1000);
}

static int obey_fail(struct order *order, FILE *out)
{
	(void)out;
	order->fault.seed = order->seed;
	order->fault.first_sector = order->sectors.first;
	order->fault.last_sector = order->sectors.last;
	order->fault.bad_blocks = order->bad > 0;
	if (order->bad > 0)
		order->fault.chance = order->bad;
	return disk_fail(&order->fault);
}

static int obey_heal(struct order *order, FILE *out)
{
	(void)order;
	(void)out;
	disk_heal();
	return 0;
}

static int obey_delay(struct order *order, FILE *out)
{
	(void)out;
	disk_delay(order->fault.op, order->us);
	return 0;
}

static int obey_status(struct order *order, FILE *out)
{
	static const char *const powers[] = {
		[DISK_ON] = "on",
		[DISK_OFF] = "off",
		[DISK_AWAY] = "away",
	};
	struct history_counts counts;
	struct media_unflushed unflushed;
	uint64_t cut_at;

	(void)order;
	disk_lock();
	counts = history_counts();
	unflushed = media_unflushed();
	cut_at = disk_cut_at();
	fprintf(out, "power=%s\n", powers[disk_power()]);
	disk_unlock();
	fprintf(out, "cut_at=%lu\nrequests=%lu\nfailed=%lu\n", cut_at, counts.requests,
		counts.failed);
	for (int op = 0; op < REQUEST_OPS; op++)
		fprintf(out, "%s=%lu\n", op_names[op], counts.succeeded[op]);
	fprintf(out, "sectors_written=%lu\nunflushed_writes=%lu\nunflushed_sectors=%lu\n",
		counts.sectors_written, unflushed.writes, unflushed.sectors);
	return 0;
}

static void print_request(const struct request *request, FILE *out)
{
	const char *error = request->error ? strerrorname_np(-request->error) : "0";

	fprintf(out, "%lu %s %lu %lu %s %ld %ld\n", request->number, op_names[request->op],
		request->offset, request->length, error, request->arrived_ns,
		request->completed_ns);
}

/* The lock is not held for a whole log, so that nobody's write waits for a slow reader. */
static int obey_log(struct order *order, FILE *out)
{
	const struct request *noted;
	struct request request;
	uint64_t last;

	disk_lock();
	last = history_counts().requests;
	disk_unlock();
	for (uint64_t number = order->since ? order->since : 1; number <= last; number++) {
		disk_lock();
		noted = history_at(number);
		if (noted)
			request = *noted;
		disk_unlock();
		if (!noted)
			return -ENODATA;
		print_request(&request, out);
	}
	return 0;
}

static int obey_dump(struct order *order, FILE *out)
{
	const struct media_sectors *sectors = &order->sectors;
	uint64_t offset = sectors->first * MEDIA_SECTOR;
	uint64_t length = sectors->last == UINT64_MAX ? media_size()
						      : (sectors->last + 1) * MEDIA_SECTOR - offset;
	int error;

	(void)out;
	if (!order->file)
		return -EINVAL;
	disk_lock();
	error = media_dump(order->file, offset, length, !order->reads);
	disk_unlock();
	return error;
}

static int obey_record(struct order *order, FILE *out)
{
	int error;

	(void)out;
	disk_lock();
	error = tape_to(order->file);
	disk_unlock();
	return error;
}

static const struct command {
	const char *name;
	int (*obey)(struct order *order, FILE *out);
	const char *keys;
} commands[] = {
	{ "cut", obey_cut, " at after within seed keep tear whole " },
	{ "vanish", obey_vanish, " at after within seed " },
	{ "power-on", obey_on, "" },
	{ "wait-off", obey_wait, " ms " },
	{ "fail", obey_fail, " op sectors mark times error chance bad seed " },
	{ "heal", obey_heal, "" },
	{ "delay", obey_delay, " op us " },
	{ "status", obey_status, "" },
	{ "log", obey_log, " since " },
	{ "dump", obey_dump, " file sectors of " },
	{ "record", obey_record, " file " },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct key *find_key(const struct command *command, const char *name)
{
	char padded[32];

	for (size_t i = 0; i < COUNT(keys); i++) {
		snprintf(padded, sizeof(padded), " %s ", keys[i].name);
		if (!strcmp(name, keys[i].name) && strstr(command->keys, padded))
			return &keys[i];
	}
	return NULL;
}

static bool take_argument(const struct command *command, char *argument, struct order *order,
			  FILE *out)
{
	char *value = strchr(argument, '=');
	const struct key *key;

	if (value)
		*value++ = 0;
	key = find_key(command, argument);
	if (!key) {
		fprintf(out, "error: %s: %s: expected a key of%s\n", command->name, argument,
			*command->keys ? command->keys : " nothing");
		return false;
	}
	if (value && key->take(value, (char *)order + key->at))
		return true;
	fprintf(out, "error: %s: %s: expected %s\n", command->name, argument, key->expected);
	return false;
}

static void run(const struct command *command, char **rest, FILE *out)
{
	struct order order = {
		.fate = { .keep = 34, .tear = 33, .whole = { .first = 1 } },
		.sectors = { .last = UINT64_MAX },
		.fault = FAULT_ALWAYS,
		.ms = 10000,
	};
	char *argument;
	int error;

	while ((argument = strtok_r(NULL, " ", rest)))
		if (!take_argument(command, argument, &order, out))
			return;
	error = command->obey(&order, out);
	if (error)
		fprintf(out, "error: %s: %s\n", command->name, strerror(-error));
	else
		fprintf(out, "ok\n");
}

void orders_obey(char *line, FILE *out)
{
	char *rest;
	const char *name = strtok_r(line, " ", &rest);

	for (size_t i = 0; name && i < COUNT(commands); i++)
		if (!strcmp(name, commands[i].name)) {
			run(&commands[i], &rest, out);
			return;
		}
	fprintf(out, "error: %s: expected", name ? name : "nothing");
	for (size_t i = 0; i < COUNT(commands); i++)
		fprintf(out, " %s", commands[i].name);
	fprintf(out, "\n");
}
