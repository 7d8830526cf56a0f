/* SPDX-License-Identifier: MIT */
/*
 * Functions that read from streams. If libc has to fill a stream's buffer, it first flushes what
 * the stream itself holds and, for a line-buffered or unbuffered stream, also a line-buffered
 * stdout (_IO_new_file_underflow). Only libc knows whether it does, so what it flushed is brought
 * to its level after the function has returned (wt_stream_settle). stdout is flushed before the
 * function, because a read may wait for long, and the process may end meanwhile.
 */
#define _GNU_SOURCE
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "edge/reserved.h"
#include "edge/stdio/stdio.h"
#include "os/real.h"

/* Whether bytes to be written may be pending. For a wide stream only libc knows. */
static inline bool may_hold(const FILE *file)
{
	return file->_IO_write_ptr != file->_IO_write_base || file->_mode > 0;
}

static inline bool may_flush(const FILE *file)
{
	return unlikely(
		wt_config.active &&
		(may_hold(file) || (stdout->_flags & WT_STREAM_IS_LINES && may_hold(stdout))));
}

/* How many bytes the stream has read ahead. */
static size_t read_ahead(const FILE *file)
{
	return file->_IO_read_end - file->_IO_read_ptr;
}

/* Whether the stream has read ahead the byte `c`, or `len` bytes. */
static bool has_read_ahead(const FILE *file, int c, size_t len)
{
	size_t most = read_ahead(file);

	return most >= len || memchr(file->_IO_read_ptr, c, most);
}

/*
 * Whether a read of `size` bytes fills the buffer: as much as would fill it is read past it. A
 * terminal's buffer, if it has none yet, will have 1 KiB or more.
 */
static bool fills_for(const FILE *file, size_t size)
{
	size_t buffer = file->_IO_buf_base ? file->_IO_buf_end - file->_IO_buf_base : 1024;
	size_t most = read_ahead(file);

	return size > most && size - most < buffer;
}

/*
 * Whether the stream is line-buffered or unbuffered. A stream without a buffer yet becomes
 * line-buffered if it is a terminal.
 */
static bool reads_lines(const FILE *file)
{
	int errno_before = errno;
	bool is_terminal = !file->_IO_buf_base && isatty(file->_fileno);

	errno = errno_before;
	return is_terminal || file->_flags & (WT_STREAM_IS_LINES | WT_STREAM_IS_UNBUFFERED);
}

/* Called before a read that has to fill the buffer and may wait for long. */
static void flush_stdout_to_fill(const FILE *file)
{
	if (stdout->_flags & WT_STREAM_IS_LINES && wt_stream_holds(stdout) && reads_lines(file) &&
	    !(file->_flags & (WT_STREAM_CANNOT_READ | WT_STREAM_IS_BACKED_UP | _IO_EOF_SEEN)))
		wt_stream_flush(stdout);
}

/* Defines a function that reads. `fills`: whether it has to fill the buffer for certain. */
#define READS(ret, name, params, args, fills)                                                      \
	WT_EXPORT ret name params                                                                  \
	{                                                                                          \
		if (likely(!may_flush(file)))                                                      \
			return wt_real.name args;                                                  \
		if (fills)                                                                         \
			flush_stdout_to_fill(file);                                                \
		FILE *const out = stdout;                                                          \
		size_t others = __fpending(out), own = __fpending(file);                           \
		ret result = wt_real.name args;                                                    \
		wt_stream_settle(file, own);                                                       \
		if (out != file)                                                                   \
			wt_stream_settle(out, others);                                             \
		return result;                                                                     \
	}

READS(size_t, fread, (void *data, size_t size, size_t count, FILE *file), (data, size, count, file),
      fills_for(file, size *count))
READS(size_t, fread_unlocked, (void *data, size_t size, size_t count, FILE *file),
      (data, size, count, file), fills_for(file, size *count))
READS(size_t, __fread_chk, (void *data, size_t room, size_t size, size_t count, FILE *file),
      (data, room, size, count, file), fills_for(file, size *count))
READS(size_t, __fread_unlocked_chk,
      (void *data, size_t room, size_t size, size_t count, FILE *file),
      (data, room, size, count, file), fills_for(file, size *count))
READS(int, getw, (FILE * file), (file), fills_for(file, sizeof(int)))
READS(int, fgetc, (FILE * file), (file), !read_ahead(file))
READS(int, fgetc_unlocked, (FILE * file), (file), !read_ahead(file))
READS(int, __uflow, (FILE * file), (file), !read_ahead(file))
READS(int, __underflow, (FILE * file), (file), !read_ahead(file))
READS(char *, fgets, (char *text, int size, FILE *file), (text, size, file),
      size > 1 && !has_read_ahead(file, '\n', size - 1))
READS(char *, fgets_unlocked, (char *text, int size, FILE *file), (text, size, file),
      size > 1 && !has_read_ahead(file, '\n', size - 1))
READS(char *, __fgets_chk, (char *text, size_t room, int size, FILE *file),
      (text, room, size, file), size > 1 && !has_read_ahead(file, '\n', size - 1))
READS(char *, __fgets_unlocked_chk, (char *text, size_t room, int size, FILE *file),
      (text, room, size, file), size > 1 && !has_read_ahead(file, '\n', size - 1))
READS(ssize_t, getdelim, (char **text, size_t *size, int end, FILE *file), (text, size, end, file),
      !has_read_ahead(file, end, SIZE_MAX))
READS(int, __isoc99_vfscanf, (FILE * file, const char *format, va_list args), (file, format, args),
      !read_ahead(file))

/* How much a wide stream has read ahead cannot be seen. */
READS(wint_t, fgetwc, (FILE * file), (file), false)
READS(wint_t, fgetwc_unlocked, (FILE * file), (file), false)
READS(wchar_t *, fgetws, (wchar_t * text, int size, FILE *file), (text, size, file), false)
READS(wchar_t *, fgetws_unlocked, (wchar_t * text, int size, FILE *file), (text, size, file), false)
READS(wchar_t *, __fgetws_chk, (wchar_t * text, size_t room, int size, FILE *file),
      (text, room, size, file), false)
READS(wchar_t *, __fgetws_unlocked_chk, (wchar_t * text, size_t room, int size, FILE *file),
      (text, room, size, file), false)
READS(int, __isoc99_vfwscanf, (FILE * file, const wchar_t *format, va_list args),
      (file, format, args), false)

WT_ALIAS(fgetwc) wint_t getwc(FILE *file);
WT_ALIAS(fgetwc_unlocked) wint_t getwc_unlocked(FILE *file);

WT_EXPORT int getc(FILE *file)
{
	return fgetc(file);
}

WT_EXPORT int _IO_getc(FILE *file)
{
	return fgetc(file);
}

WT_EXPORT int getchar(void)
{
	return fgetc(stdin);
}

WT_EXPORT int getc_unlocked(FILE *file)
{
	return fgetc_unlocked(file);
}

WT_EXPORT int getchar_unlocked(void)
{
	return fgetc_unlocked(stdin);
}

WT_EXPORT ssize_t __getdelim(char **text, size_t *size, int end, FILE *file)
{
	return getdelim(text, size, end, file);
}

WT_EXPORT ssize_t getline(char **text, size_t *size, FILE *file)
{
	return getdelim(text, size, '\n', file);
}

WT_EXPORT int __isoc99_vscanf(const char *format, va_list args)
{
	return __isoc99_vfscanf(stdin, format, args);
}

WT_EXPORT int __isoc99_fscanf(FILE *file, const char *format, ...)
{
	WT_BY_LIST(format, __isoc99_vfscanf(file, format, args));
}

WT_EXPORT int __isoc99_scanf(const char *format, ...)
{
	WT_BY_LIST(format, __isoc99_vfscanf(stdin, format, args));
}

WT_EXPORT wint_t getwchar(void)
{
	return fgetwc(stdin);
}

WT_EXPORT wint_t getwchar_unlocked(void)
{
	return fgetwc_unlocked(stdin);
}

WT_EXPORT int __isoc99_vwscanf(const wchar_t *format, va_list args)
{
	return __isoc99_vfwscanf(stdin, format, args);
}

WT_EXPORT int __isoc99_fwscanf(FILE *file, const wchar_t *format, ...)
{
	WT_BY_LIST(format, __isoc99_vfwscanf(file, format, args));
}

WT_EXPORT int __isoc99_wscanf(const wchar_t *format, ...)
{
	WT_BY_LIST(format, __isoc99_vfwscanf(stdin, format, args));
}
