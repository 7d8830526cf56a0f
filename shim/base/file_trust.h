/* SPDX-License-Identifier: MIT */
/*
 * file_trust - which files may give libwt its rules, and which may receive its log and its report.
 *
 * Pure. The functions check what fstat(2) says of a file that is already open, because a path can
 * come to mean another file between a check and an open. They append to `fault` what is wrong and
 * what would be right, and append nothing if all is well.
 */
#ifndef WT_FILE_TRUST_H
#define WT_FILE_TRUST_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/text.h"

/* Enough for the text of any fault. */
#define WT_FILE_TRUST_FAULT_BYTES 160

/*
 * Checks a file of rules for a process with the effective user `uid`. Rules that root obeys must
 * come from a file that only root may write.
 */
void wt_file_trust_rules(const struct stat *st, uid_t uid, struct wt_text *fault);

/*
 * Checks a log or report file of a process with the effective user `uid`. libwt does not append to
 * a file of another user, who may have put it there as a trap, to a file with a second hard link,
 * or to a block device.
 */
void wt_file_trust_output(const struct stat *st, uid_t uid, struct wt_text *fault);

/*
 * Checks the name that the user gave for the log or the report. Names of standard output are
 * refused, because whoever reads a program's output takes all of it for the program's data.
 */
void wt_file_trust_output_name(const char *where, struct wt_text *fault);

/* Whether the name means standard error: "stderr", in capitals or not, or "/dev/stderr". */
bool wt_file_trust_is_stderr(const char *where);

#endif
