/* SPDX-License-Identifier: MIT */
/* What is put into streams: characters, blocks, formats, messages. */
#include "symbol.h"

#include <err.h>
#include <error.h>
#include <signal.h>
#include <sys/wait.h>

/* As libc exports them for _FORTIFY_SOURCE and for its macros. */
int _IO_putc(int c, FILE *stream);
int __overflow(FILE *stream, int c);
wint_t __woverflow(FILE *stream, wint_t c);
int __printf_chk(int flag, const char *format, ...);
int __fprintf_chk(FILE *stream, int flag, const char *format, ...);
int __vprintf_chk(int flag, const char *format, va_list args);
int __vfprintf_chk(FILE *stream, int flag, const char *format, va_list args);
int __dprintf_chk(int to, int flag, const char *format, ...);
int __vdprintf_chk(int to, int flag, const char *format, va_list args);
int __wprintf_chk(int flag, const wchar_t *format, ...);
int __fwprintf_chk(FILE *stream, int flag, const wchar_t *format, ...);
int __vwprintf_chk(int flag, const wchar_t *format, va_list args);
int __vfwprintf_chk(FILE *stream, int flag, const wchar_t *format, va_list args);

#define TIMES 3

static const struct state states[] = {
	{ .name = "its own buffer", .mode = "w" },
	{ .name = "a full buffer", .mode = "w", .room = 16 },
	{ .name = "lines", .mode = "w", .buffering = _IOLBF },
	{ .name = "unbuffered", .mode = "w", .buffering = _IONBF },
	{ .name = "appended", .mode = "a+", .buffering = _IONBF },
	{ .name = "over what is there", .mode = "r+", .room = 7 },
	{ .name = "no room soon", .mode = "w", .room = 16, .limit = 19 },
	{ .name = "no room", .mode = "w", .buffering = _IONBF, .limit = 2 },
	{ .name = "no room for lines", .mode = "w", .buffering = _IOLBF, .limit = 5 },
	{ .name = "only read", .mode = "r" },
};

static long flush(void)
{
	return fflush(file);
}

static void all_state(struct state state, bool is_wide, const char *call, long (*put)(void))
{
	state.is_wide = is_wide;
	open_state(&state);
	for (int i = 0; i < TIMES; i++)
		tell_and_judge("file", call, put);
	tell_and_judge("file", "fflush(file)", flush);
	tell_and_judge("file", call, put);
	close_state();
}

static void all_put(bool is_wide, const char *call, long (*put)(void))
{
	for (size_t i = 0; i < COUNT(states); i++)
		all_state(states[i], is_wide, call, put);
}

#define PUT(name, is_wide, call)                                                                   \
	static long put_##name(void)                                                               \
	{                                                                                          \
		return (long)(call);                                                               \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_put(is_wide, #call, put_##name);                                               \
	}

PUT(fwrite, false, fwrite("one two three four five", 5, 4, file))
PUT(fwrite_unlocked, false, fwrite_unlocked("one two three four five", 3, 3, file))
PUT(fputs, false, fputs("some\ntext", file))
PUT(fputs_unlocked, false, fputs_unlocked("text\n", file))
PUT(puts, false, puts("a line"))
PUT(fputc, false, fputc('\n', file))
PUT(putc, false, putc('p', file))
PUT(_IO_putc, false, _IO_putc('\n', file))
PUT(putchar, false, putchar('\n'))
PUT(fputc_unlocked, false, fputc_unlocked('u', file))
PUT(putc_unlocked, false, putc_unlocked('\n', file))
PUT(putchar_unlocked, false, putchar_unlocked(255))
PUT(putw, false, putw(0x0a0b0c0d, file))
PUT(fputwc, true, fputwc(L'\n', file))
PUT(putwc, true, putwc(L'ä', file))
PUT(putwchar, true, putwchar(L'\n'))
PUT(fputwc_unlocked, true, fputwc_unlocked(L'€', file))
PUT(putwc_unlocked, true, putwc_unlocked(L'\n', file))
PUT(putwchar_unlocked, true, putwchar_unlocked(L'x'))
PUT(fputws, true, fputws(L"wide ä\ntext", file))
PUT(fputws_unlocked, true, fputws_unlocked(L"weit\n", file))

/* What the macro putc_unlocked calls when the buffer is full; with EOF it flushes. */
PUT(__overflow, false, __overflow(file, 'o') * 1000 + __overflow(file, EOF))
PUT(__woverflow, true, __woverflow(file, L'o') == L'o' ? __woverflow(file, WEOF) : WEOF)

#define FORMAT "%d %s %m\n", 7, "words"
#define WIDE_FORMAT L"%d %ls %m\n", 8, L"wörter"

PUT(fprintf, false, fprintf(file, FORMAT))
PUT(__fprintf_chk, false, __fprintf_chk(file, 1, FORMAT))
PUT(printf, false, printf(FORMAT))
PUT(__printf_chk, false, __printf_chk(1, FORMAT))
PUT(dprintf, false, dprintf(fileno(file), FORMAT))
PUT(__dprintf_chk, false, __dprintf_chk(fileno(file), 1, FORMAT))
PUT(fwprintf, true, fwprintf(file, WIDE_FORMAT))
PUT(__fwprintf_chk, true, __fwprintf_chk(file, 1, WIDE_FORMAT))
PUT(wprintf, true, wprintf(WIDE_FORMAT))
PUT(__wprintf_chk, true, __wprintf_chk(1, WIDE_FORMAT))

/* The forms that take a va_list: `call` has it as args, and its format as format. */
#define PUT_LIST(name, is_wide, call, ...)                                                         \
	static long list_##name(const void *format, ...)                                           \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		long ret = (long)(call);                                                           \
		va_end(args);                                                                      \
		return ret;                                                                        \
	}                                                                                          \
	PUT(name, is_wide, list_##name(__VA_ARGS__))

PUT_LIST(vfprintf, false, vfprintf(file, format, args), FORMAT)
PUT_LIST(__vfprintf_chk, false, __vfprintf_chk(file, 1, format, args), FORMAT)
PUT_LIST(vprintf, false, vprintf(format, args), FORMAT)
PUT_LIST(__vprintf_chk, false, __vprintf_chk(1, format, args), FORMAT)
PUT_LIST(vdprintf, false, vdprintf(fileno(file), format, args), FORMAT)
PUT_LIST(__vdprintf_chk, false, __vdprintf_chk(fileno(file), 1, format, args), FORMAT)
PUT_LIST(vfwprintf, true, vfwprintf(file, format, args), WIDE_FORMAT)
PUT_LIST(__vfwprintf_chk, true, __vfwprintf_chk(file, 1, format, args), WIDE_FORMAT)
PUT_LIST(vwprintf, true, vwprintf(format, args), WIDE_FORMAT)
PUT_LIST(__vwprintf_chk, true, __vwprintf_chk(1, format, args), WIDE_FORMAT)

/* Messages: stderr is the file. */
static const siginfo_t info = { .si_signo = SIGSEGV, .si_code = SEGV_MAPERR };

/* This one goes past the stream, to its number. */
static long put_info(void)
{
	int was = dup(STDERR_FILENO);

	dup2(fileno(file), STDERR_FILENO);
	errno = UNTOUCHED;
	psiginfo(&info, "words");
	int err = errno;
	dup2(was, STDERR_FILENO);
	close(was);
	errno = err;
	return 0;
}

PUT(perror, false, (perror("words"), 0))
PUT(psignal, false, (psignal(SIGINT, "words"), 0))
PUT(psiginfo, false, put_info())
PUT(warn, false, (warn(FORMAT), warn(NULL), 0))
PUT(warnx, false, (warnx(FORMAT), warnx(NULL), 0))
PUT_LIST(vwarn, false, (vwarn(format, args), 0), FORMAT)
PUT_LIST(vwarnx, false, (vwarnx(format, args), 0), FORMAT)

/* Those that end the program do it in a child, whose stderr holds the message until then. */
#define PUT_AND_LEAVE(name, call)                                                                  \
	static int leave_##name(void)                                                              \
	{                                                                                          \
		errno = UNTOUCHED;                                                                 \
		call;                                                                              \
		return DIFFERS;                                                                    \
	}                                                                                          \
	PUT(name, false, in_child(leave_##name))

static void list_leave(void (*leave)(int, const char *, va_list), int status, const char *format,
		       ...)
{
	va_list args;

	va_start(args, format);
	leave(status, format, args);
	va_end(args);
}

PUT_AND_LEAVE(err, err(3, FORMAT))
PUT_AND_LEAVE(errx, errx(4, FORMAT))
PUT_AND_LEAVE(verr, list_leave(verr, 5, FORMAT))
PUT_AND_LEAVE(verrx, list_leave(verrx, 6, FORMAT))

static int leave_error(void)
{
	error(7, ENOSPC, FORMAT);
	return DIFFERS;
}

PUT(error, false, (error(0, EIO, FORMAT), error(0, 0, "words"), in_child(leave_error)))

/* A second message about the same line is left out, and so is the exit that it should end in. */
static volatile int status_of_second = 8; /* the header has a constant end the program */

static int leave_error_at_line(void)
{
	error_at_line(0, EIO, "a file", 7, FORMAT);
	error_one_per_line = 1;
	error_at_line(0, 0, "a file", 8, "first");
	error_at_line(status_of_second, 0, "a file", 8, "second");
	error_at_line(9, 0, "a file", 9, "third");
	return DIFFERS;
}

PUT(error_at_line, false, in_child(leave_error_at_line))
