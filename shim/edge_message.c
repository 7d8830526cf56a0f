/* SPDX-License-Identifier: MIT */
/* Messages that libc writes to stderr, which may be a log under a rule (edge_stdio.h). */
#define _GNU_SOURCE
#include <err.h>
#include <error.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "edge_stdio.h"
#include "real.h"

/* None of them says whether it succeeded. */
#define SAYS(name, statement) WT_STREAM_DOES(name, ((statement), 0), !ferror(call->file))

SAYS(perror, wt_real.perror(call->data))
SAYS(psignal, wt_real.psignal(call->number, call->data))
WT_STREAM_DOES(psiginfo, (wt_real.psiginfo(call->more, call->data), 0), true)
SAYS(vwarn, wt_real.vwarn(call->data, *call->args))
SAYS(vwarnx, wt_real.vwarnx(call->data, *call->args))
SAYS(error, wt_real.error(0, call->number, "%s", (const char *)call->data))
SAYS(error_at_line, wt_real.error_at_line(0, call->number, call->more, (unsigned int)call->count,
					  "%s", (const char *)call->data))

static void say(struct wt_stream_call call)
{
	call.file = stderr;
	call.adds = WT_STREAM_UNKNOWN;
	wt_stream_carry(&call);
}

WT_EXPORT void perror(const char *text)
{
	if (wt_stream_has_no_rule(stderr))
		wt_real.perror(text);
	else
		say((struct wt_stream_call){ .does = does_perror, .data = text });
}

WT_EXPORT void psignal(int number, const char *text)
{
	if (wt_stream_has_no_rule(stderr))
		wt_real.psignal(number, text);
	else
		say((struct wt_stream_call){
			.does = does_psignal, .data = text, .number = number });
}

/* Goes past the stream, to its number. */
WT_EXPORT void psiginfo(const siginfo_t *info, const char *text)
{
	if (!wt_config.active || wt_fdtable_get(STDERR_FILENO).state == WT_NO_RULE)
		wt_real.psiginfo(info, text);
	else
		wt_stream_carry(&(struct wt_stream_call){ .fd = STDERR_FILENO,
							  .does = does_psiginfo,
							  .adds = WT_STREAM_UNKNOWN,
							  .data = text,
							  .more = info });
}

WT_EXPORT void vwarn(const char *format, va_list args)
{
	va_list copy;

	va_copy(copy, args);
	if (wt_stream_has_no_rule(stderr))
		wt_real.vwarn(format, copy);
	else
		say((struct wt_stream_call){ .does = does_vwarn, .data = format, .args = &copy });
	va_end(copy);
}

WT_EXPORT void vwarnx(const char *format, va_list args)
{
	va_list copy;

	va_copy(copy, args);
	if (wt_stream_has_no_rule(stderr))
		wt_real.vwarnx(format, copy);
	else
		say((struct wt_stream_call){ .does = does_vwarnx, .data = format, .args = &copy });
	va_end(copy);
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

/*
 * error(3) takes no va_list: its text is made first, and then its to frame. It flushes stdout. It
 * may leave a message out, and then neither flushes nor ends the program (error_one_per_line).
 */
static void say_error(struct wt_stream_call call, int status, const char *format, va_list args)
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
	call.data = text ? text : format;
	if (!error_one_per_line)
		wt_stream_flush(stdout);
	errno = errno_before;
	size_t pending = __fpending(stdout);
	if (!wt_stream_has_no_rule(stderr)) {
		say(call);
	} else {
		call.file = stderr;
		call.does(&call);
	}
	free(text);
	wt_stream_settle(stdout, pending);
	if (status && error_message_count != said)
		exit(status);
}

WT_EXPORT void error(int status, int number, const char *format, ...)
{
	BY_LIST(format, say_error((struct wt_stream_call){ .does = does_error, .number = number },
				  status, format, args));
}

WT_EXPORT void error_at_line(int status, int number, const char *file, unsigned int line,
			     const char *format, ...)
{
	BY_LIST(format, say_error((struct wt_stream_call){ .does = does_error_at_line,
							   .more = file,
							   .count = line,
							   .number = number },
				  status, format, args));
}
