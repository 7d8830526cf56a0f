/* SPDX-License-Identifier: MIT */
/*
 * thread - what the kernel knows about the calling thread, and libc may not.
 *
 * libc does not know of a thread that the program made by clone(2): __libc_single_threaded does not
 * change, nobody can cancel the thread, and its thread-local storage may be its creator's, or a few
 * bytes without errno and without anything else that libc keeps there. libwt therefore has no
 * thread-local variable, and asks here before it calls a function of libc's that uses the thread's
 * storage.
 *
 * The module owns tables of atomic words, by thread pointer; no lock. Async-signal-safe.
 */
#ifndef WT_THREAD_H
#define WT_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* The thread pointer: the address of the thread-local storage, which need not exist. */
uintptr_t wt_thread_pointer(void);

/*
 * Whether libc made the thread-local storage, for this thread or for the one that cloned it. Makes
 * a system call only when it sees a storage for the first time.
 */
bool wt_thread_has_storage(void);

/*
 * Where errno is, to save and restore it around a call. In a thread without libc's storage, a
 * variable that nobody reads.
 */
int *wt_thread_errno(void);

/* Where a function of libc's that has failed has stored its error, in any thread. */
int *wt_thread_failure(void);

/* Whether libc made the thread, so that it has storage of its own and can be cancelled. */
bool wt_thread_is_libcs(void);

/*
 * Calls `act` and then `end`, also if the thread is cancelled in `act`. Meanwhile it is cancelled
 * only at cancellation points, even if it has asked for PTHREAD_CANCEL_ASYNCHRONOUS.
 */
void wt_thread_run(void (*act)(void *arg), void (*end)(void *arg), void *arg);

/* As pthread_testcancel(3); does nothing in a thread without libc's storage. */
void wt_thread_test_cancel(void);

/*
 * Whether the process ends with this thread. Kernel workers do not count. Without /proc the answer
 * is what libc knows. errno is unchanged.
 */
bool wt_thread_is_last(void);

/*
 * Called before the thread enters seccomp(2)'s SECCOMP_MODE_STRICT, in which any system call but
 * read, write and exit kills it. Records for later what is known of the thread's storage. The
 * thread is recognized by its thread pointer, so threads that share one are all taken for it.
 */
void wt_thread_become_strict(bool has_storage);

/* Whether the thread is in that mode. Makes no system call. */
bool wt_thread_is_strict(void);

/*
 * Whether no other thread runs, as far as libc and the interposed clone(2) show. A thread that the
 * program made by a system call instruction of its own is not seen.
 */
bool wt_thread_is_only(void);

/* Called before clone(2) makes a child that runs in this memory at the same time. */
void wt_thread_cloning(void);

/* Called once, by the main thread, before all else here. */
void wt_thread_init(void);

#endif
