/* SPDX-License-Identifier: MIT */
/*
 * reserved - libc's functions under reserved names, which no header of libc's declares as they are:
 * programs come to them by its macros, by _FORTIFY_SOURCE, or by names that are older than a
 * standard's. No lock.
 */
#ifndef WT_RESERVED_H
#define WT_RESERVED_H

#include <stdarg.h>
#include <stdio.h>
#include <wchar.h>

int __open_2(const char *path, int flags);
int __openat_2(int dirfd, const char *path, int flags);

int _IO_getc(FILE *file);
int _IO_putc(int c, FILE *file);
int __underflow(FILE *file);
wint_t __woverflow(FILE *file, wint_t c);

size_t __fread_chk(void *data, size_t room, size_t size, size_t count, FILE *file);
size_t __fread_unlocked_chk(void *data, size_t room, size_t size, size_t count, FILE *file);
char *__fgets_chk(char *text, size_t room, int size, FILE *file);
char *__fgets_unlocked_chk(char *text, size_t room, int size, FILE *file);
wchar_t *__fgetws_chk(wchar_t *text, size_t room, int size, FILE *file);
wchar_t *__fgetws_unlocked_chk(wchar_t *text, size_t room, int size, FILE *file);

int __isoc99_scanf(const char *format, ...);
int __isoc99_fscanf(FILE *file, const char *format, ...);
int __isoc99_vscanf(const char *format, va_list args);
int __isoc99_vfscanf(FILE *file, const char *format, va_list args);
int __isoc99_wscanf(const wchar_t *format, ...);
int __isoc99_fwscanf(FILE *file, const wchar_t *format, ...);
int __isoc99_vwscanf(const wchar_t *format, va_list args);
int __isoc99_vfwscanf(FILE *file, const wchar_t *format, va_list args);

int __printf_chk(int flag, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vprintf_chk(int flag, const char *format, va_list args);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
int __dprintf_chk(int fd, int flag, const char *format, ...);
int __vdprintf_chk(int fd, int flag, const char *format, va_list args);
int __wprintf_chk(int flag, const wchar_t *format, ...);
int __fwprintf_chk(FILE *file, int flag, const wchar_t *format, ...);
int __vwprintf_chk(int flag, const wchar_t *format, va_list args);
int __vfwprintf_chk(FILE *file, int flag, const wchar_t *format, va_list args);

#endif
