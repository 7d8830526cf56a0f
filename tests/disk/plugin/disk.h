/* SPDX-License-Identifier: MIT */
/*
 * disk - the one path that every request takes, and the power switch.
 *
 * A request arrives (it gets its number, and its fate is decided), waits out its delay, and takes
 * effect when it completes: what a delayed write carries is in no flush that arrived before the
 * write's end, and a flush makes stable what had been written when the flush arrived. A request
 * that fails changes nothing; after a failed flush the cache is as volatile as before.
 *
 * Everything here locks by itself; disk_lock is for looking at media and history.
 */
#ifndef DISK_DISK_H
#define DISK_DISK_H

#include "faults.h"
#include "media.h"
#include "request.h"

#include <stdbool.h>
#include <stdint.h>

enum disk_power {
	DISK_ON,
	DISK_OFF,  /* the cache is gone */
	DISK_AWAY, /* unplugged: the cache is there, but nothing is answered */
};

/* Serves a request: `data` is filled by a read and carried by a write. 0 or -errno. */
int disk_serve(enum request_op op, void *data, uint64_t offset, uint64_t length);

/* When a request arrives: the one with this number, or the n-th from now; both 0: at once. */
struct disk_when {
	uint64_t at;
	uint64_t after;
};

/*
 * The power goes. If the request of that moment is a write, it is one of those that may survive;
 * it fails, like all after it. -ERANGE if it has passed already.
 */
int disk_cut(const struct disk_when *when, const struct media_fate *fate);

/* Like a cut, but the cache stays for the time when the disk is on again. */
int disk_vanish(const struct disk_when *when);

/* Serves again; forgets a cut that is still to come. */
void disk_power_on(void);

/* Waits for the power to go. 0 or -ETIMEDOUT. */
int disk_wait_off(uint64_t timeout_us);

void disk_delay(enum request_op op, uint64_t delay_us);
int disk_fail(const struct fault *fault);
void disk_heal(void);

void disk_lock(void);
void disk_unlock(void);

/* Under disk_lock. */
enum disk_power disk_power(void);
uint64_t disk_cut_at(void);

#endif
