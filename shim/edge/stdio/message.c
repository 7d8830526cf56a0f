/* SPDX-License-Identifier: MIT */
/* Messages that libc writes to stderr, which may be a log under a rule (edge/stdio/stdio.h). */
#define _GNU_SOURCE
#include <err.h>
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/namespace.h"
#include "core/resolve.h"
#include "edge/stdio/stdio.h"
#include "os/real.h"

/*
 * Besides stderr, these functions lock stdout or libc's list of streams, in an order of their own,
 * and may call the program (error_print_progname). So libwt holds no lock around them and brings to
 * its level afterwards what they wrote. None of them returns whether it succeeded.
 */
static void settle_stderr(void)
{
	wt_stream_settle(stderr, WT_STREAM_UNKNOWN);
}

/* Whether WT_STRICT refuses the file, as it would a write. */
static bool is_refused(int fd)
{
	union wt_verdict verdict;
	int errno_before = errno;
	bool refused = wt_config.active && fd >= 0 && wt_resolve_verdict(fd, &verdict);

	errno = errno_before;
	return refused;
}

static bool may_say(void)
{
	if (likely(wt_stream_has_no_rule(stderr) || !is_refused(stderr->_fileno)))
		return true;
	wt_stream_note_error(stderr);
	return false;
}

WT_EXPORT void perror(const char *text)
{
	if (may_say())
		wt_real.perror(text);
	settle_stderr();
}

WT_EXPORT void psignal(int number, const char *text)
{
	if (may_say())
		wt_real.psignal(number, text);
	settle_stderr();
}

/* psiginfo(3) writes past the stream, to the descriptor 2. */
WT_EXPORT void psiginfo(const siginfo_t *info, const char *text)
{
	if (!is_refused(STDERR_FILENO))
		wt_real.psiginfo(info, text);
	int errno_before = errno;
	if (wt_config.active)
		wt_namespace_resized(STDERR_FILENO);
	errno = errno_before;
}

WT_EXPORT void vwarn(const char *format, va_list args)
{
	if (may_say())
		wt_real.vwarn(format, args);
	settle_stderr();
}

WT_EXPORT void vwarnx(const char *format, va_list args)
{
	if (may_say())
		wt_real.vwarnx(format, args);
	settle_stderr();
}

WT_EXPORT void verr(int status, const char *format, va_list args)
{
	vwarn(format, args);
	exit(status);
}

WT_EXPORT void verrx(int status, const char *format, va_list args)
{
	vwarnx(format, args);
	exit(status);
}

#define BY_LIST(last, call)                                                                        \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, last);                                                              \
		call;                                                                              \
		va_end(args);                                                                      \
	} while (0)

WT_EXPORT void warn(const char *format, ...)
{
	BY_LIST(format, vwarn(format, args));
}

WT_EXPORT void warnx(const char *format, ...)
{
	BY_LIST(format, vwarnx(format, args));
}

WT_EXPORT void err(int status, const char *format, ...)
{
	BY_LIST(format, vwarn(format, args));
	exit(status);
}

WT_EXPORT void errx(int status, const char *format, ...)
{
	BY_LIST(format, vwarnx(format, args));
	exit(status);
}

struct line {
	const char *path;
	unsigned int number;
};

/*
 * error(3) takes no va_list, so the text is formatted first, and error(3) puts its frame around it.
 * It flushes stdout. It may leave a message out (error_one_per_line), and then neither flushes nor
 * ends the program.
 */
static void say_error(int status, int number, const struct line *at, const char *format,
		      va_list args)
{
	va_list counted;
	int errno_before = errno;
	unsigned int said = error_message_count;

	va_copy(counted, args);
	int len = vsnprintf(NULL, 0, format, counted);
	va_end(counted);
	char *text = len < 0 ? NULL : malloc((size_t)len + 1);
	errno = errno_before;
	if (text)
		vsnprintf(text, (size_t)len + 1, format, args);
	if (!error_one_per_line)
		wt_stream_flush(stdout);
	errno = errno_before;
	size_t pending = __fpending(stdout);
	bool refused = !may_say();
	if (at && !refused)
		wt_real.error_at_line(0, number, at->path, at->number, "%s", text ? text : format);
	else if (!refused)
		wt_real.error(0, number, "%s", text ? text : format);
	free(text);
	settle_stderr();
	wt_stream_settle(stdout, pending);
	if (status && (refused || error_message_count != said))
		exit(status);
}

WT_EXPORT void error(int status, int number, const char *format, ...)
{
	BY_LIST(format, say_error(status, number, NULL, format, args));
}

WT_EXPORT void error_at_line(int status, int number, const char *file, unsigned int line,
			     const char *format, ...)
{
	const struct line at = { file, line };

	BY_LIST(format, say_error(status, number, &at, format, args));
}
