/* SPDX-License-Identifier: MIT */
/*
 * hold - what one thread at a time has, in any of the processes that share its memory.
 *
 * It is no lock that a program can hang on: a signal handler, a killed thread or a stopped process
 * may leave it taken, so it is taken away from whoever has it for too long. The holder learns so
 * when it lets go. Waiting is by futex(2).
 */
#ifndef WT_HOLD_H
#define WT_HOLD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct wt_hold {
	_Atomic uint32_t token; /* 0: free */
	_Atomic uint32_t waiters;
};

/*
 * A token, never 0. It is taken from who has it for `seconds_max` seconds, after the first second
 * from a thread that is gone, and at once from the calling thread itself: libc calls the program
 * while it prints (register_printf_specifier(3)), which may write to the same file.
 */
uint32_t wt_hold_take(struct wt_hold *hold, unsigned int seconds_max);

/*
 * Whether the thread was killed, or is stopped, as it may be for long. A thread of another PID
 * namespace looks like one that was killed.
 */
bool wt_hold_thread_is_gone(uint32_t thread);

/* Whether it was held all the time since. */
bool wt_hold_let(struct wt_hold *hold, uint32_t token);

#endif
