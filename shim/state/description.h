/* SPDX-License-Identifier: MIT */
/*
 * description - what the writers of one open file description must know of each other.
 *
 * The kernel reports a writeback error once to each open file description
 * (Documentation/core-api/errseq.rst). If several threads wait on one description at the same time,
 * only one of them gets the error, though the bytes may be another's. So every wait on a
 * description is registered here. A wait that was alone from its start to its end got the right
 * answer; for any other the answer is checked (core/attribution.c). An error that the wait of a
 * write got is pending for the program's own fsync (pending_error.h).
 *
 * A description has a number, given when libwt sees it opened and copied with each duplicate. A
 * description that libwt did not see opened (inherited over execve, received over a socket) is
 * externally shared: libwt cannot see who else waits on it.
 *
 * The table lies in memory shared with every process forked from here on. It has no lock but the
 * hold of the offset, which lasts a second at most. Descriptions whose numbers collide share a
 * slot, and only check on, or wait for, each other without need.
 */
#ifndef WT_DESCRIPTION_H
#define WT_DESCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

/* Maps the table. 0 or -errno; without it every description counts as externally shared. */
int wt_description_init(void);

/*
 * A new number of 48 bits, never 0. `seen`: libwt saw the description opened; else it counts as
 * externally shared.
 */
uint64_t wt_description_number(bool seen);

/*
 * Whether something that libwt does not see may wait on the description; true of number 0. It is so
 * from the start, or once wt_description_share was called: the description was mapped (msync(2)
 * waits on the description behind a mapping), kept over an execve, sent over a socket, or synced by
 * aio_fsync(3).
 */
bool wt_description_is_externally_shared(uint64_t number);
/* Marks the description as externally shared, for good. */
void wt_description_share(uint64_t number);

/* One wait on a description: a write's, or the program's own fsync. */
struct wt_wait {
	bool was_alone;	    /* no other wait was under way when it began */
	uint32_t ticket;    /* its position in the order in which waits began */
	uint32_t failed;    /* how many waits of the slot had failed when it began */
	unsigned int place; /* its index in the slot's list of waits */
	uint64_t word;	    /* its entry there: thread id and ticket */
};

/* Registers a wait, before the bytes are copied. */
void wt_description_wait_begin(uint64_t number, struct wt_wait *wait);
/* Ends the wait, after the kernel has answered. `failed`: with an error. */
void wt_description_wait_end(uint64_t number, const struct wt_wait *wait, bool failed);

/* Whether any other wait overlapped this one, which has just ended. */
bool wt_description_was_shared(uint64_t number, const struct wt_wait *wait);

/* Whether all waits that overlapped it have ended: then the next function returns at once. */
bool wt_description_others_ended(uint64_t number, const struct wt_wait *wait);

/*
 * Whether one of the overlapping waits got an error, which may have been this one's. Waits for them
 * to end: a minute at most, and a second for one whose thread is gone. Another wait of the calling
 * thread (it is in a signal handler) does not count, as its system call does not overlap this
 * one's.
 */
bool wt_description_others_failed(uint64_t number, const struct wt_wait *wait);

/*
 * Takes the hold of the description's offset, from a write at that offset until lseek(2) has shown
 * where its bytes went. Signals must be held off. A token, never 0. After a second another thread
 * may take the hold away.
 */
uint32_t wt_description_hold_offset(uint64_t number);
/* Releases the hold. Whether it was held all the time. */
bool wt_description_let_offset(uint64_t number, uint32_t token);

#endif
