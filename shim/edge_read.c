/* SPDX-License-Identifier: MIT */
/*
 * Functions that read from streams, which makes libc flush: what the stream itself holds, where it
 * was written and not positioned since, and what stdout does, where that holds lines
 * (edge_stdio.h).
 */
#define _GNU_SOURCE
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include <stdio.h>

#include "edge_stdio.h"
#include "real.h"

static inline bool may_flush(const FILE *file)
{
	return unlikely(wt_config.active && (file->_IO_write_ptr != file->_IO_write_base ||
					     stdout->_IO_write_ptr != stdout->_IO_write_base));
}

#define READS(ret, name, params, args, failure)                                                    \
	WT_EXPORT ret name params                                                                  \
	{                                                                                          \
		if (may_flush(file) && wt_stream_flush_to_read(file))                              \
			return failure;                                                            \
		return wt_real.name args;                                                          \
	}

READS(size_t, fread, (void *data, size_t size, size_t count, FILE *file), (data, size, count, file),
      0)
READS(size_t, fread_unlocked, (void *data, size_t size, size_t count, FILE *file),
      (data, size, count, file), 0)
READS(size_t, __fread_chk, (void *data, size_t room, size_t size, size_t count, FILE *file),
      (data, room, size, count, file), 0)
READS(size_t, __fread_unlocked_chk,
      (void *data, size_t room, size_t size, size_t count, FILE *file),
      (data, room, size, count, file), 0)
READS(int, fgetc, (FILE * file), (file), EOF)
READS(int, fgetc_unlocked, (FILE * file), (file), EOF)
READS(int, __uflow, (FILE * file), (file), EOF)
READS(int, __underflow, (FILE * file), (file), EOF)
READS(int, getw, (FILE * file), (file), EOF)
READS(char *, fgets, (char *text, int size, FILE *file), (text, size, file), NULL)
READS(char *, fgets_unlocked, (char *text, int size, FILE *file), (text, size, file), NULL)
READS(char *, __fgets_chk, (char *text, size_t room, int size, FILE *file),
      (text, room, size, file), NULL)
READS(char *, __fgets_unlocked_chk, (char *text, size_t room, int size, FILE *file),
      (text, room, size, file), NULL)
READS(ssize_t, getdelim, (char **text, size_t *size, int end, FILE *file), (text, size, end, file),
      -1)
READS(int, __isoc99_vfscanf, (FILE * file, const char *format, va_list args), (file, format, args),
      EOF)

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
