/* SPDX-License-Identifier: MIT */
/*
 * log - the messages of libwt while the program runs, a line each.
 *
 * A line is built in a mapping of its own and written by one call, to stderr or to WT_LOG_FILE,
 * which is opened for that line alone: libwt holds no descriptor. No lock, and nothing from an
 * allocator; safe in signal handlers. A message that is not wanted costs one comparison.
 *
 * The signals that a write of libwt's own could raise (SIGPIPE, SIGXFSZ) never reach the program.
 */
#ifndef WT_LOG_H
#define WT_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum wt_log_level { WT_LOG_ERROR, WT_LOG_WARN, WT_LOG_INFO, WT_LOG_DEBUG };

/* Called once, before the program runs. `path` NULL means stderr; the string must stay valid. */
void wt_log_init(enum wt_log_level level, const char *path);

/* The level of the name "error", "warn", "info" or "debug", or -EINVAL. */
int wt_log_level_parse(const char *name);

extern enum wt_log_level wt_log_threshold;

/* Callers use wt_log instead. A line longer than 1 KiB is cut and ends in "...". */
void wt_log_line(enum wt_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define wt_log(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) <= wt_log_threshold)                                                   \
			wt_log_line(level, __VA_ARGS__);                                           \
	} while (0)

/*
 * False if warnings go to stderr, but stderr is no longer what it was at the start: a child that is
 * about to execute has directed it to where the new program wants it.
 */
bool wt_log_reaches(void);

/*
 * Expands %p (the process id), %e (the program's name) and %% in a path given by the user. Returns
 * the length, or -ENAMETOOLONG, or -EINVAL for another letter after %.
 */
int wt_log_expand(const char *path, char *buf, size_t size);

/* The name that the program was started under, without its directory. */
const char *wt_log_program(void);

/* The text for an errno value or its negative. */
const char *wt_log_errno_text(int err);

/*
 * Writes to stderr, unless that has become another file or socket than it was at the start, which
 * may hold the program's data. Errors are ignored.
 */
void wt_log_stderr(const char *buf, size_t len);

/*
 * Appends to the file that `path` expands to. The file is created with mode 0600. libwt does not
 * open it through a symbolic link, does not wait for the reader of a FIFO, and does not write to a
 * file that is not this user's own (base/file_trust.h). Returns 0 or -errno. For a file that is not
 * trusted it returns -EPERM with the reason in `fault`, which stays empty otherwise.
 */
int wt_log_append(const char *path, const char *buf, size_t len, struct wt_text *fault);

#endif
