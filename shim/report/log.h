/* SPDX-License-Identifier: MIT */
/*
 * log - what libwt says while the program runs, a line at a time.
 *
 * Each line is built on the stack and leaves with one write, to stderr or to
 * WT_LOG_FILE, which is opened for the line alone: libwt holds no descriptor.
 * No lock and no allocation. A line that is not wanted costs one comparison.
 *
 * The signals that a write of libwt's own could raise (SIGPIPE, SIGXFSZ) never
 * reach the program.
 */
#ifndef WT_LOG_H
#define WT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum wt_log_level { WT_LOG_ERROR, WT_LOG_WARN, WT_LOG_INFO, WT_LOG_DEBUG };

/* Set once, before the program runs. `path` NULL: stderr. It must outlive the process. */
void wt_log_init(enum wt_log_level level, const char *path);

/* "error", "warn", "info", "debug" to its level, or -EINVAL. */
int wt_log_level_parse(const char *name);

extern enum wt_log_level wt_log_threshold;

/* Callers use wt_log. A line longer than 1 KiB is cut and ends in "...". */
void wt_log_line(enum wt_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define wt_log(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) <= wt_log_threshold)                                                   \
			wt_log_line(level, __VA_ARGS__);                                           \
	} while (0)

/* Whether a warning would still go where the first one went; one that is not wanted does. A child
 * that is about to execute has its standard error where that program wants it. */
bool wt_log_reaches(void);

/*
 * Expands %p (process id), %e (the program's name) and %% of a path given by
 * the user. The length, or -ENAMETOOLONG / -EINVAL (another letter after %).
 */
int wt_log_expand(const char *path, char *buf, size_t size);

/* The name that the program was started under, without its directory. */
const char *wt_log_program(void);

/* What an errno value (or its negative) means, in words. */
const char *wt_log_errno_text(int err);

/*
 * Writes to stderr, unless that has become a file or socket other than what it
 * was at the start: that may be the program's data. What fails is ignored.
 */
void wt_log_stderr(const char *buf, size_t len);

/*
 * Appends to the file that `path` expands to, made with mode 0600, never through
 * a symbolic link, never to what is not this user's own (file_trust.h) and never waiting for the
 * reader of a FIFO. 0 or -errno; where it is not trusted, -EPERM and the reason in `fault`, else
 * empty.
 */
int wt_log_append(const char *path, const char *buf, size_t len, struct wt_text *fault);

#endif
