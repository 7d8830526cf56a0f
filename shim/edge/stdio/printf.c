/* SPDX-License-Identifier: MIT */
/* Formatted output, narrow and wide, to streams and descriptors (edge/stdio/stdio.h). */
#define _GNU_SOURCE
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include <stdio.h>
#include <wchar.h>

#include "edge/reserved.h"
#include "edge/stdio/stdio.h"
#include "os/real.h"

/*
 * Defines the `does` of a function that prints. How much it printed is known afterwards; of a wide
 * stream not in bytes.
 */
#define PRINTS(name, expression)                                                                   \
	static bool does_##name(struct wt_stream_call *call)                                       \
	{                                                                                          \
		call->result = (expression);                                                       \
		if (call->result >= 0)                                                             \
			call->adds = call->result;                                                 \
		return call->result >= 0;                                                          \
	}

PRINTS(vfprintf, wt_real.vfprintf(call->file, call->data, *call->args))
PRINTS(vfprintf_chk, wt_real.__vfprintf_chk(call->file, call->number, call->data, *call->args))
PRINTS(vfwprintf, wt_real.vfwprintf(call->file, call->data, *call->args))
PRINTS(vfwprintf_chk, wt_real.__vfwprintf_chk(call->file, call->number, call->data, *call->args))
PRINTS(vdprintf, wt_real.vdprintf(call->fd, call->data, *call->args))
PRINTS(vdprintf_chk, wt_real.__vdprintf_chk(call->fd, call->number, call->data, *call->args))

#define TEXT_MAX 512

/* Puts text that is already formatted. */
static bool does_text(struct wt_stream_call *call)
{
	bool done = wt_real.fwrite(call->more, 1, call->adds, call->file) == call->adds;

	call->result = done ? (long)call->adds : call->failure;
	return done;
}

/* Whether the program has conversions of its own, which only libc may call, and only once. */
static _Atomic bool has_own_conversions;

/*
 * Output that fits into the buffer stays there. Formatting it first, to know its length, costs less
 * than what surrounds a write; if it is short, the text is then put as it is. errno is kept,
 * because %m shows it.
 */
static void format_ahead(struct wt_stream_call *call, char text[TEXT_MAX], va_list args)
{
	va_list copy;
	int errno_before = errno;

	if (!wt_stream_room(call->file) || call->file->_mode > 0 || has_own_conversions)
		return;
	va_copy(copy, args);
	int len =
		__builtin___vsnprintf_chk(text, TEXT_MAX, call->number, TEXT_MAX, call->data, copy);
	va_end(copy);
	errno = errno_before;
	if (len < 0)
		return;
	call->adds = len;
	call->may_stay = true;
	if (len && len < TEXT_MAX) {
		call->more = text;
		call->does_staying = does_text;
	}
}

static int carry(struct wt_stream_call call, va_list args)
{
	va_list copy;

	va_copy(copy, args);
	call.failure = -1;
	call.args = &copy;
	int ret = (int)wt_stream_carry(&call);
	va_end(copy);
	return ret;
}

static int print(bool (*does)(struct wt_stream_call *), FILE *file, int flag, const char *format,
		 va_list args)
{
	char text[TEXT_MAX];
	struct wt_stream_call call = {
		.file = file,
		.does = does,
		.adds = WT_STREAM_UNKNOWN,
		.data = format,
		.number = flag,
	};

	format_ahead(&call, text, args);
	return carry(call, args);
}

static int print_wide(bool (*does)(struct wt_stream_call *), FILE *file, int flag,
		      const wchar_t *format, va_list args)
{
	return carry((struct wt_stream_call){ .file = file,
					      .does = does,
					      .adds = WT_STREAM_UNKNOWN,
					      .data = format,
					      .number = flag },
		     args);
}

WT_EXPORT int vfprintf(FILE *file, const char *format, va_list args)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.vfprintf(file, format, args);
	return print(does_vfprintf, file, 0, format, args);
}

WT_EXPORT int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.__vfprintf_chk(file, flag, format, args);
	return print(does_vfprintf_chk, file, flag, format, args);
}

WT_EXPORT int vfwprintf(FILE *file, const wchar_t *format, va_list args)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.vfwprintf(file, format, args);
	return print_wide(does_vfwprintf, file, 0, format, args);
}

WT_EXPORT int __vfwprintf_chk(FILE *file, int flag, const wchar_t *format, va_list args)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.__vfwprintf_chk(file, flag, format, args);
	return print_wide(does_vfwprintf_chk, file, flag, format, args);
}

/* Prints to a descriptor, through a buffer of libc's own. */
static int print_fd(bool (*does)(struct wt_stream_call *), int fd, int flag, const char *format,
		    va_list args)
{
	return carry((struct wt_stream_call){ .fd = fd,
					      .does = does,
					      .adds = WT_STREAM_UNKNOWN,
					      .data = format,
					      .number = flag },
		     args);
}

static bool fd_has_no_rule(int fd)
{
	return likely(!wt_config.active || fd < 0 || wt_fdtable_get(fd).state == WT_NO_RULE);
}

WT_EXPORT int vdprintf(int fd, const char *format, va_list args)
{
	if (fd_has_no_rule(fd))
		return wt_real.vdprintf(fd, format, args);
	return print_fd(does_vdprintf, fd, 0, format, args);
}

WT_EXPORT int __vdprintf_chk(int fd, int flag, const char *format, va_list args)
{
	if (fd_has_no_rule(fd))
		return wt_real.__vdprintf_chk(fd, flag, format, args);
	return print_fd(does_vdprintf_chk, fd, flag, format, args);
}

WT_EXPORT int fprintf(FILE *file, const char *format, ...)
{
	WT_BY_LIST(format, vfprintf(file, format, args));
}

WT_EXPORT int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	WT_BY_LIST(format, __vfprintf_chk(file, flag, format, args));
}

WT_EXPORT int printf(const char *format, ...)
{
	WT_BY_LIST(format, vfprintf(stdout, format, args));
}

WT_EXPORT int __printf_chk(int flag, const char *format, ...)
{
	WT_BY_LIST(format, __vfprintf_chk(stdout, flag, format, args));
}

WT_EXPORT int vprintf(const char *format, va_list args)
{
	return vfprintf(stdout, format, args);
}

WT_EXPORT int __vprintf_chk(int flag, const char *format, va_list args)
{
	return __vfprintf_chk(stdout, flag, format, args);
}

WT_EXPORT int dprintf(int fd, const char *format, ...)
{
	WT_BY_LIST(format, vdprintf(fd, format, args));
}

WT_EXPORT int __dprintf_chk(int fd, int flag, const char *format, ...)
{
	WT_BY_LIST(format, __vdprintf_chk(fd, flag, format, args));
}

WT_EXPORT int fwprintf(FILE *file, const wchar_t *format, ...)
{
	WT_BY_LIST(format, vfwprintf(file, format, args));
}

WT_EXPORT int __fwprintf_chk(FILE *file, int flag, const wchar_t *format, ...)
{
	WT_BY_LIST(format, __vfwprintf_chk(file, flag, format, args));
}

WT_EXPORT int wprintf(const wchar_t *format, ...)
{
	WT_BY_LIST(format, vfwprintf(stdout, format, args));
}

WT_EXPORT int __wprintf_chk(int flag, const wchar_t *format, ...)
{
	WT_BY_LIST(format, __vfwprintf_chk(stdout, flag, format, args));
}

WT_EXPORT int vwprintf(const wchar_t *format, va_list args)
{
	return vfwprintf(stdout, format, args);
}

WT_EXPORT int __vwprintf_chk(int flag, const wchar_t *format, va_list args)
{
	return __vfwprintf_chk(stdout, flag, format, args);
}

WT_EXPORT int register_printf_specifier(int character, printf_function *convert,
					printf_arginfo_size_function *describe)
{
	has_own_conversions = true;
	return wt_real.register_printf_specifier(character, convert, describe);
}

WT_EXPORT int register_printf_function(int character, printf_function *convert,
				       printf_arginfo_function *describe)
{
	has_own_conversions = true;
	return wt_real.register_printf_function(character, convert, describe);
}
