/* SPDX-License-Identifier: MIT */
/*
 * description - what writers of one open file description must know of each other.
 *
 * The kernel tells a writeback error once to each open file description
 * (Documentation/core-api/errseq.rst). Who waits on a description takes the
 * error that another writer on it would have been told. So every wait on a
 * description is registered here: one that was alone from its start to its end was told
 * the truth, and one that was not asks on (attribution.c). What a write's wait took is owed to
 * the program's fsync (pending_error.h).
 *
 * A description has a number, given when it is seen to be opened and copied
 * with each duplicate. One that was not seen (inherited over execve, received over a
 * socket) is externally shared: nobody knows who else waits on it.
 *
 * The table is memory shared with every process that is forked from here on.
 * Locking: none but the offset's, which is had for a second at most. Descriptions
 * share slots by number, which only makes them ask, or wait, for one another.
 */
#ifndef WT_DESCRIPTION_H
#define WT_DESCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Maps the table. 0 or -errno; without it every description is externally shared. */
int wt_description_init(void);

/* A number of 48 bits, never 0, for a description that was just seen to be opened, or not. */
uint64_t wt_description_number(bool seen);

/*
 * Whether anything that is not seen may wait on it. So it is from the start, or after it was
 * shared with such: mapped (msync(2) waits on the description behind a mapping), kept
 * over an execve, sent over a socket, synced by aio_fsync(3).
 */
bool wt_description_is_externally_shared(uint64_t number);
void wt_description_share(uint64_t number);

/* One wait on the description itself: a write's, or the program's own fsync. */
struct wt_wait {
	bool was_alone;	    /* no other was under way when it began */
	uint32_t ticket;    /* in the order of their beginnings */
	uint32_t failed;    /* how many had failed by then */
	unsigned int place; /* in the description's list, where it stands as */
	uint64_t word;	    /* its thread and its ticket */
};

/* Called before the bytes are copied, and when the kernel has answered. */
void wt_description_wait_begin(uint64_t number, struct wt_wait *wait);
void wt_description_wait_end(uint64_t number, const struct wt_wait *wait, bool failed);

/* Whether any other wait was under way at some time of one that has ended just now. */
bool wt_description_was_shared(uint64_t number, const struct wt_wait *wait);

/* Whether all of those have ended by now: then the next answers at once. */
bool wt_description_others_ended(uint64_t number, const struct wt_wait *wait);

/*
 * Whether one of those was told an error, in the place of this one perhaps. Waits for
 * them to end: a minute at most, and a second for one whose thread is gone. A wait of the
 * calling thread itself, under a signal handler, does not count: its call to the kernel is before
 * or after this one's.
 */
bool wt_description_others_failed(uint64_t number, const struct wt_wait *wait);

/*
 * Held from a write at the description's own offset to the look where that has
 * gone, so that the range is known; with signals held off. A token, never 0. let says whether it
 * was held all the time: it is taken from who has it for more than a second.
 */
uint32_t wt_description_hold_offset(uint64_t number);
bool wt_description_let_offset(uint64_t number, uint32_t token);

#endif
