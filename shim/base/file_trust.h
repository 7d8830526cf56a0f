/* SPDX-License-Identifier: MIT */
/*
 * file_trust - which files may give libwt its rules, and which may take its words.
 *
 * Pure. Judged is what fstat(2) says of the open descriptor: a path can come to mean another
 * file between a look and an open. What is wrong is added to `fault`, with what would be right;
 * nothing where all is well.
 */
#ifndef WT_FILE_TRUST_H
#define WT_FILE_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/text.h"

/* Enough for any fault. */
#define WT_FILE_TRUST_FAULT_BYTES 160

/* Rules for a process whose effective user is `uid`: what root obeys, only root may write. */
void wt_file_trust_rules(const struct stat *st, uid_t uid, struct wt_text *fault);

/*
 * The log and the report of such a process: nothing is added to a file of another user, who may
 * have laid it out, nor to one that goes by a second name somewhere else, nor to a disk.
 */
void wt_file_trust_output(const struct stat *st, uid_t uid, struct wt_text *fault);

/*
 * The name that the user gave for them. Words for standard output are no path: who reads a
 * program's output takes all that is there for its data.
 */
void wt_file_trust_output_name(const char *where, struct wt_text *fault);

/* Whether that name is the word for standard error, in capitals or not. */
bool wt_file_trust_is_stderr(const char *where);

#endif
