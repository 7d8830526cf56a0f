/* SPDX-License-Identifier: MIT */
/* child - processes that a test makes for a moment, of the kinds that libwt tells apart. */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>

#include "base/base.h"

/* A sanitizer's runtime wants storage of its own in every thread, and system calls of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

/* Forks a child that runs `body` and leaves with what that returns. Its wait status. */
int child_forked(int (*body)(void *arg), void *arg);

/*
 * The same by clone(2) in this process's memory, with more flags; `storage` is what it has for
 * thread-local storage under CLONE_SETTLS. This thread waits until it has ended.
 */
int child_cloned(int flags, int (*body)(void *arg), void *arg, void *storage);

/* How many descriptors are open. */
int child_count_descriptors(void);

/* Makes system call `number` answer -err in this process from here on; 0: it kills the process.
 * False where the kernel refuses such a filter. */
bool child_refuse_call(int number, int err);

#endif
