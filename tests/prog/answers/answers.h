/* SPDX-License-Identifier: MIT */
/* answers - what its groups of requests share. */
#ifndef WT_TESTS_ANSWERS_H
#define WT_TESTS_ANSWERS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "../../lib/probe.h"
#include "../../lib/ways.h"

#include <limits.h>
#include <signal.h>

#define ANSWER_FILE_LEN 20000

extern const char *file_path;

/* The file made anew, written and on disk, opened with these flags. */
int answer_fd(int flags);

/* A value that no call sets: success must leave it alone. */
#define UNTOUCHED 12345

/* One request: prints its line and passes its return value on. */
#define ASK(request, detail, fd, call) (errno = UNTOUCHED, answer(request, detail, fd, (call)))
long answer(const char *request, const char *detail, int fd, long ret);

void group_offsets(void);
void group_flags(void);
void group_opens(void);
void group_duplicates(void);
void group_arguments(void);
void group_copies(void);

#endif
