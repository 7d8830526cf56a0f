/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "disk.h"
#include "history.h"
#include "tape.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t power_changed = PTHREAD_COND_INITIALIZER;

/* Under the lock. */
static struct {
	enum disk_power power;
	uint64_t change_at; /* the request at whose arrival the power changes; 0: none */
	enum disk_power change_to;
	struct media_fate fate;
	uint64_t delay_us[REQUEST_OPS];
} disk;

void disk_lock(void)
{
	pthread_mutex_lock(&lock);
}

void disk_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static void change_power(enum disk_power to)
{
	if (to == DISK_OFF)
		media_cut(&disk.fate);
	disk.power = to;
	disk.change_at = 0;
	pthread_cond_broadcast(&power_changed);
}

/* Sleeps without the lock until the time is over or the disk is no longer on. */
static void sleep_while_on(uint64_t delay_us)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += delay_us % 1000000 * 1000;
	until.tv_sec += delay_us / 1000000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (disk.power == DISK_ON &&
	       pthread_cond_clockwait(&power_changed, &lock, CLOCK_MONOTONIC, &until) != ETIMEDOUT)
		;
}

static int perform(const struct request *request, void *data, uint64_t flushed)
{
	switch (request->op) {
	case REQUEST_READ:
		media_read(data, request->offset, request->length);
		return 0;
	case REQUEST_WRITE:
	case REQUEST_ZERO:
	case REQUEST_TRIM:
		return media_write(data, request->offset, request->length);
	case REQUEST_FLUSH:
		media_flush(flushed);
		return 0;
	}
	return -EINVAL;
}

static int serve(const struct request *request, void *data)
{
	uint64_t flushed = media_written();
	int error;

	if (disk.power != DISK_ON)
		return -EIO;
	error = faults_strike(request, data);
	if (request->number == disk.change_at) {
		/* Under way when the power went: it may have been the last write of all. */
		if (!error && request->op != REQUEST_FLUSH)
			perform(request, data, 0);
		change_power(disk.change_to);
		return -EIO;
	}
	if (disk.delay_us[request->op])
		sleep_while_on(disk.delay_us[request->op]);
	if (disk.power != DISK_ON)
		return -EIO;
	return error ? error : perform(request, data, flushed);
}

int disk_serve(enum request_op op, void *data, uint64_t offset, uint64_t length)
{
	struct request request = { .op = op, .offset = offset, .length = length };

	if (offset % MEDIA_SECTOR || length % MEDIA_SECTOR || (!length && op != REQUEST_FLUSH))
		return -EINVAL;
	disk_lock();
	history_begin(&request);
	request.error = serve(&request, data);
	history_end(&request);
	tape_request(&request, data);
	disk_unlock();
	return request.error;
}

static int plan(const struct disk_when *when, enum disk_power to)
{
	uint64_t passed = history_counts().requests;
	uint64_t at = when->after ? passed + when->after : when->at;

	if (at && at <= passed)
		return -ERANGE;
	disk.change_to = to;
	if (at)
		disk.change_at = at;
	else
		change_power(to);
	return 0;
}

int disk_cut(const struct disk_when *when, const struct media_fate *fate)
{
	int error;

	disk_lock();
	disk.fate = *fate;
	error = plan(when, DISK_OFF);
	disk_unlock();
	return error;
}

int disk_vanish(const struct disk_when *when)
{
	int error;

	disk_lock();
	error = plan(when, DISK_AWAY);
	disk_unlock();
	return error;
}

void disk_power_on(void)
{
	disk_lock();
	change_power(DISK_ON);
	disk_unlock();
}

int disk_wait_off(uint64_t timeout_us)
{
	enum disk_power power;

	disk_lock();
	sleep_while_on(timeout_us);
	power = disk.power;
	disk_unlock();
	return power == DISK_ON ? -ETIMEDOUT : 0;
}

void disk_delay(enum request_op op, uint64_t delay_us)
{
	disk_lock();
	disk.delay_us[op] = delay_us;
	disk_unlock();
}

int disk_fail(const struct fault *fault)
{
	int error;

	disk_lock();
	error = faults_add(fault);
	disk_unlock();
	return error;
}

void disk_heal(void)
{
	disk_lock();
	faults_heal();
	disk_unlock();
}

enum disk_power disk_power(void)
{
	return disk.power;
}

uint64_t disk_cut_at(void)
{
	return disk.change_at;
}
