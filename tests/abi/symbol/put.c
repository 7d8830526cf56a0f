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

static void all_states(bool is_wide, const char *call, long (*put)(void))
{
	for (size_t i = 0; i < COUNT(states); i++)
		all_state(states[i], is_wide, call, put);
}

static void all_put(const char *call, long (*put)(void))
{
	all_states(false, call, put);
}

static void all_put_wide(const char *call, long (*put)(void))
{
	all_states(true, call, put);
}

CASE(fwrite, all_put, fwrite("one two three four five", 5, 4, file))
CASE(fwrite_unlocked, all_put, fwrite_unlocked("one two three four five", 3, 3, file))
CASE(fputs, all_put, fputs("some\ntext", file))
CASE(fputs_unlocked, all_put, fputs_unlocked("text\n", file))
CASE(puts, all_put, puts("a line"))
CASE(fputc, all_put, fputc('\n', file))
CASE(putc, all_put, putc('p', file))
CASE(_IO_putc, all_put, _IO_putc('\n', file))
CASE(putchar, all_put, putchar('\n'))
CASE(fputc_unlocked, all_put, fputc_unlocked('u', file))
CASE(putc_unlocked, all_put, putc_unlocked('\n', file))
CASE(putchar_unlocked, all_put, putchar_unlocked(255))
CASE(putw, all_put, putw(0x0a0b0c0d, file))
CASE(fputwc, all_put_wide, fputwc(L'\n', file))
CASE(putwc, all_put_wide, putwc(L'ä', file))
CASE(putwchar, all_put_wide, putwchar(L'\n'))
CASE(fputwc_unlocked, all_put_wide, fputwc_unlocked(L'€', file))
CASE(putwc_unlocked, all_put_wide, putwc_unlocked(L'\n', file))
CASE(putwchar_unlocked, all_put_wide, putwchar_unlocked(L'x'))
CASE(fputws, all_put_wide, fputws(L"wide ä\ntext", file))
CASE(fputws_unlocked, all_put_wide, fputws_unlocked(L"weit\n", file))

/* What the macro putc_unlocked calls when the buffer is full; with EOF it flushes. */
CASE(__overflow, all_put, __overflow(file, 'o') * 1000 + __overflow(file, EOF))
CASE(__woverflow, all_put_wide, __woverflow(file, L'o') == L'o' ? __woverflow(file, WEOF) : WEOF)

#define FORMAT "%d %s %m\n", 7, "words"
#define WIDE_FORMAT L"%d %ls %m\n", 8, L"wörter"

CASE(fprintf, all_put, fprintf(file, FORMAT))
CASE(__fprintf_chk, all_put, __fprintf_chk(file, 1, FORMAT))
CASE(printf, all_put, printf(FORMAT))
CASE(__printf_chk, all_put, __printf_chk(1, FORMAT))
CASE(dprintf, all_put, dprintf(fileno(file), FORMAT))
CASE(__dprintf_chk, all_put, __dprintf_chk(fileno(file), 1, FORMAT))
CASE(fwprintf, all_put_wide, fwprintf(file, WIDE_FORMAT))
CASE(__fwprintf_chk, all_put_wide, __fwprintf_chk(file, 1, WIDE_FORMAT))
CASE(wprintf, all_put_wide, wprintf(WIDE_FORMAT))
CASE(__wprintf_chk, all_put_wide, __wprintf_chk(1, WIDE_FORMAT))

/* The forms that take a va_list: `call` has it as args, and its format as format. */
#define PUT_LIST(name, all, call, ...)                                                             \
	static long list_##name(const void *format, ...)                                           \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		long ret = (long)(call);                                                           \
		va_end(args);                                                                      \
		return ret;                                                                        \
	}                                                                                          \
	CASE(name, all, list_##name(__VA_ARGS__))

PUT_LIST(vfprintf, all_put, vfprintf(file, format, args), FORMAT)
PUT_LIST(__vfprintf_chk, all_put, __vfprintf_chk(file, 1, format, args), FORMAT)
PUT_LIST(vprintf, all_put, vprintf(format, args), FORMAT)
PUT_LIST(__vprintf_chk, all_put, __vprintf_chk(1, format, args), FORMAT)
PUT_LIST(vdprintf, all_put, vdprintf(fileno(file), format, args), FORMAT)
PUT_LIST(__vdprintf_chk, all_put, __vdprintf_chk(fileno(file), 1, format, args), FORMAT)
PUT_LIST(vfwprintf, all_put_wide, vfwprintf(file, format, args), WIDE_FORMAT)
PUT_LIST(__vfwprintf_chk, all_put_wide, __vfwprintf_chk(file, 1, format, args), WIDE_FORMAT)
PUT_LIST(vwprintf, all_put_wide, vwprintf(format, args), WIDE_FORMAT)
PUT_LIST(__vwprintf_chk, all_put_wide, __vwprintf_chk(1, format, args), WIDE_FORMAT)

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

CASE(perror, all_put, (perror("words"), 0))
CASE(psignal, all_put, (psignal(SIGINT, "words"), 0))
CASE(psiginfo, all_put, put_info())
CASE(warn, all_put, (warn(FORMAT), warn(NULL), 0))
CASE(warnx, all_put, (warnx(FORMAT), warnx(NULL), 0))
PUT_LIST(vwarn, all_put, (vwarn(format, args), 0), FORMAT)
PUT_LIST(vwarnx, all_put, (vwarnx(format, args), 0), FORMAT)

/* Those that end the program do it in a child, whose stderr holds the message until then. */
#define PUT_AND_LEAVE(name, call)                                                                  \
	static int leave_##name(void)                                                              \
	{                                                                                          \
		errno = UNTOUCHED;                                                                 \
		call;                                                                              \
		return DIFFERS;                                                                    \
	}                                                                                          \
	CASE(name, all_put, in_child(leave_##name))

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

CASE(error, all_put, (error(0, EIO, FORMAT), error(0, 0, "words"), in_child(leave_error)))

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

CASE(error_at_line, all_put, in_child(leave_error_at_line))
