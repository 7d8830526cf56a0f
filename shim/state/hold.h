/* SPDX-License-Identifier: MIT */
/*
 * hold - what one thread at a time has, among all processes that share the memory it lies in.
 *
 * It is no lock that a program can hang on. A signal handler, a killed thread or a stopped process
 * may leave it taken, so it is taken away from a thread that has it for too long, which learns so
 * when it lets go. Waiting is by futex(2). The user of a hold places it in zeroed memory; nothing
 * is allocated.
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
 * Takes the hold, and waits for that if need be. A token, never 0. The hold is taken away from a
 * thread that has it for `seconds_max` seconds; after one second from a thread that is gone; and at
 * once from the calling thread itself: libc calls the program while it prints
 * (register_printf_specifier(3)), and that may write to the same file.
 */
uint32_t wt_hold_take(struct wt_hold *hold, unsigned int seconds_max);

/*
 * Whether a thread was killed, or is stopped, which may last long. A thread of another PID
 * namespace looks like a killed one.
 */
bool wt_hold_thread_is_gone(uint32_t thread);

/* Releases the hold. Whether it was held all the time; false if it was taken away. */
bool wt_hold_let(struct wt_hold *hold, uint32_t token);

#endif
