/* SPDX-License-Identifier: MIT */
/*
 * thread - what the kernel knows of the calling thread, and libc may not.
 *
 * A thread that clone(2) made is none that libc knows of: __libc_single_threaded does not change,
 * nobody can cancel it, and its thread-local storage may be its creator's, or some bytes of its
 * own without errno and without anything else of libc's. So libwt has no thread-local variable, and
 * asks here before it calls what libc keeps in a thread.
 */
#ifndef WT_THREAD_H
#define WT_THREAD_H

#include <stdbool.h>
#include <stdint.h>

/* Of its thread-local storage, which need not be there. */
uintptr_t wt_thread_pointer(void);

/*
 * Whether the thread-local storage is one that libc made, be it this thread's or the one's that
 * made it. Without a system call but for the first time.
 */
bool wt_thread_has_storage(void);

/* errno, to be kept over a call; in a thread without storage an int that nobody looks at. */
int *wt_thread_errno(void);

/* Where libc leaves the error of a call that has failed, in any thread. */
int *wt_thread_failure(void);

/* Whether libc made the thread, which so has a storage of its own and may be cancelled. */
bool wt_thread_is_libcs(void);

/*
 * Carries `act` out, and `end` after it, also where `act` is cancelled: at its points of
 * cancellation alone, whatever the thread has asked for.
 */
void wt_thread_run(void (*act)(void *arg), void (*end)(void *arg), void *arg);

/* As pthread_testcancel(3). */
void wt_thread_test_cancel(void);

/*
 * Whether the process ends with this thread, kernel workers aside. Where /proc is not there, what
 * libc knows. errno stays as it is.
 */
bool wt_thread_is_last(void);

/*
 * The thread may only read, write and end from now on (seccomp(2), SECCOMP_MODE_STRICT), and any
 * other system call kills it; so it says what it has seen of its storage before. It is known by
 * that storage: of threads that share one each is taken for it.
 */
void wt_thread_become_strict(bool has_storage);

/* Whether it is such a thread; no system call. */
bool wt_thread_is_strict(void);

/*
 * Whether no other thread runs, as far as libc and the calls of clone(2) show: one that is made by
 * an instruction of the program's own is not seen.
 */
bool wt_thread_is_only(void);

/* A child of clone(2) was asked for that runs in this memory at the same time. */
void wt_thread_cloning(void);

/* Called once, by the main thread. */
void wt_thread_init(void);

#endif
