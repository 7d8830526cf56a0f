/* SPDX-License-Identifier: MIT */
/* names - what its files share. */
#ifndef WT_TESTS_NAMES_H
#define WT_TESTS_NAMES_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A new file of `len` bytes, all alike, not synced. Its descriptor. */
int make_file(const char *name, size_t len, char byte);

/* The calls that go wrong, and those that odd files get: one line each. */
void print_answers(void);

/* Whether the process still has its record lock on a file after each call that names it. */
void print_locks(void);

/*
 * How often a descriptor has another number than the lowest that is free, while a thread renames
 * files that no rule names.
 */
void print_numbers(void);

#endif
