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

/* Around one request; prints its line and passes its return value on. */
void answer_begin(void);
long answer_end(const char *request, const char *detail, int fd, long ret);

void group_offsets(void);
void group_flags(void);
void group_opens(void);
void group_duplicates(void);
void group_arguments(void);
void group_copies(void);

#endif
