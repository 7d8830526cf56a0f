/* SPDX-License-Identifier: MIT */
/* Functions that read, which makes libc flush: what they read, and what stdout holds. */
#include "symbol.h"

/* As libc exports them for _FORTIFY_SOURCE, for its macros, and since C99. */
int _IO_getc(FILE *stream);
int __uflow(FILE *stream);
int __underflow(FILE *stream);
ssize_t __getdelim(char **text, size_t *size, int end, FILE *stream);
size_t __fread_chk(void *data, size_t room, size_t size, size_t count, FILE *stream);
size_t __fread_unlocked_chk(void *data, size_t room, size_t size, size_t count, FILE *stream);
char *__fgets_chk(char *text, size_t room, int size, FILE *stream);
char *__fgets_unlocked_chk(char *text, size_t room, int size, FILE *stream);
int __isoc99_fscanf(FILE *stream, const char *format, ...);
int __isoc99_scanf(const char *format, ...);
int __isoc99_vfscanf(FILE *stream, const char *format, va_list args);
int __isoc99_vscanf(const char *format, va_list args);
wchar_t *__fgetws_chk(wchar_t *text, size_t room, int size, FILE *stream);
wchar_t *__fgetws_unlocked_chk(wchar_t *text, size_t room, int size, FILE *stream);
int __isoc99_fwscanf(FILE *stream, const wchar_t *format, ...);
int __isoc99_wscanf(const wchar_t *format, ...);
int __isoc99_vfwscanf(FILE *stream, const wchar_t *format, va_list args);
int __isoc99_vwscanf(const wchar_t *format, va_list args);

#define TIMES 3

static char text[64], *line;
static wchar_t wide[64];
static size_t line_size;

static const struct state states[] = {
	{ .name = "its own buffer", .mode = "r" },
	{ .name = "lines", .mode = "r", .buffering = _IOLBF },
	{ .name = "unbuffered", .mode = "r", .buffering = _IONBF },
	{ .name = "a small buffer", .mode = "r+", .room = 5 },
	{ .name = "only written", .mode = "w" },
	{ .name = "only written, unbuffered", .mode = "w", .buffering = _IONBF },
	{ .name = "behind what was put", .mode = "r+" },
	{ .name = "behind what was put, with no room", .mode = "r+", .limit = 4 },
};

#define BEHIND 2 /* of them the last */

static void read_once(const char *changed, const char *call, long (*get)(void))
{
	memset(text, 0, sizeof(text));
	memset(wide, 0, sizeof(wide));
	tell_and_judge(changed, call, get);
	say("  got '%.63s' '%.63ls'", text, wide);
}

/* What stdout holds is flushed where the stream holds lines, or nothing, and has to be filled. */
static void all_with_stdout(struct state state, int buffering, const char *call, long (*get)(void))
{
	FILE *out = (wt_syscall(SYS_unlinkat, AT_FDCWD, "out", 0), fopen("out", "w"));

	setvbuf(out, NULL, buffering, 0);
	open_state(&state);
	stdout = out;
	for (int i = 0; i < TIMES; i++) {
		fputs("part of a line", out);
		read_once("out", call, get);
		tell_stream("stdout", out);
	}
	close_state();
	fclose(out);
}

/* What the stream itself holds is flushed: it was not positioned since. */
static void all_behind(struct state state, const char *call, long (*get)(void))
{
	open_state(&state);
	TELL(state.is_wide ? fputws(L"put before", file) : fputs("put before", file));
	read_once("file", call, get);
	close_state();
}

static void all_at_end(struct state state, const char *call, long (*get)(void))
{
	open_state(&state);
	fseek(file, -3, SEEK_END);
	for (int i = 0; i < TIMES; i++)
		read_once("file", call, get);
	close_state();
}

static void all_states(bool is_wide, const char *call, long (*get)(void))
{
	for (size_t i = 0; i < COUNT(states); i++) {
		struct state state = states[i];

		state.is_wide = is_wide;
		if (i < COUNT(states) - BEHIND)
			all_with_stdout(state, _IOLBF, call, get);
		else
			all_behind(state, call, get);
	}
	struct state state = { .name = "the end", .mode = "r", .is_wide = is_wide };
	all_at_end(state, call, get);
	state.buffering = _IONBF;
	all_at_end(state, call, get);
	say("-- stdout holds more than lines");
	all_with_stdout(state, _IOFBF, call, get);
}

static void all_get(const char *call, long (*get)(void))
{
	all_states(false, call, get);
}

static void all_get_wide(const char *call, long (*get)(void))
{
	all_states(true, call, get);
}

CASE(fread, all_get, fread(text, 3, 2, file))
CASE(fread_unlocked, all_get, fread_unlocked(text, 1, 6, file))
CASE(__fread_chk, all_get, __fread_chk(text, sizeof(text), 2, 3, file))
CASE(__fread_unlocked_chk, all_get, __fread_unlocked_chk(text, sizeof(text), 6, 1, file))
CASE(fgetc, all_get, fgetc(file))
CASE(getc, all_get, getc(file))
CASE(_IO_getc, all_get, _IO_getc(file))
CASE(getchar, all_get, getchar())
CASE(fgetc_unlocked, all_get, fgetc_unlocked(file))
CASE(getc_unlocked, all_get, getc_unlocked(file))
CASE(getchar_unlocked, all_get, getchar_unlocked())
CASE(__uflow, all_get, __uflow(file))
CASE(__underflow, all_get, __underflow(file))
CASE(getw, all_get, getw(file))
CASE(fgets, all_get, fgets(text, 8, file) != NULL)
CASE(fgets_unlocked, all_get, fgets_unlocked(text, 60, file) != NULL)
CASE(__fgets_chk, all_get, __fgets_chk(text, sizeof(text), 8, file) != NULL)
CASE(__fgets_unlocked_chk, all_get, __fgets_unlocked_chk(text, sizeof(text), 60, file) != NULL)
CASE(getdelim, all_get, getdelim(&line, &line_size, '1', file))
CASE(__getdelim, all_get, __getdelim(&line, &line_size, ' ', file))
CASE(getline, all_get, getline(&line, &line_size, file))
CASE(__isoc99_fscanf, all_get, __isoc99_fscanf(file, "%40s", text))
CASE(__isoc99_scanf, all_get, __isoc99_scanf("%3s", text))

/* The forms that take a va_list: `call` has it as args, and its format as format. */
#define LIST(name, call)                                                                           \
	static long list_##name(const void *format, ...)                                           \
	{                                                                                          \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		long ret = call;                                                                   \
		va_end(args);                                                                      \
		return ret;                                                                        \
	}

LIST(vfscanf, __isoc99_vfscanf(file, format, args))
LIST(vscanf, __isoc99_vscanf(format, args))
LIST(vfwscanf, __isoc99_vfwscanf(file, format, args))
LIST(vwscanf, __isoc99_vwscanf(format, args))

CASE(__isoc99_vfscanf, all_get, list_vfscanf("%4c", text))
CASE(__isoc99_vscanf, all_get, list_vscanf("%30[a-z ]", text))

CASE(fgetwc, all_get_wide, fgetwc(file))
CASE(getwc, all_get_wide, getwc(file))
CASE(getwchar, all_get_wide, getwchar())
CASE(fgetwc_unlocked, all_get_wide, fgetwc_unlocked(file))
CASE(getwc_unlocked, all_get_wide, getwc_unlocked(file))
CASE(getwchar_unlocked, all_get_wide, getwchar_unlocked())
CASE(fgetws, all_get_wide, fgetws(wide, 8, file) != NULL)
CASE(fgetws_unlocked, all_get_wide, fgetws_unlocked(wide, 60, file) != NULL)
CASE(__fgetws_chk, all_get_wide, __fgetws_chk(wide, COUNT(wide), 8, file) != NULL)
CASE(__fgetws_unlocked_chk, all_get_wide,
     __fgetws_unlocked_chk(wide, COUNT(wide), 60, file) != NULL)
CASE(__isoc99_fwscanf, all_get_wide, __isoc99_fwscanf(file, L"%40ls", wide))
CASE(__isoc99_wscanf, all_get_wide, __isoc99_wscanf(L"%3ls", wide))
CASE(__isoc99_vfwscanf, all_get_wide, list_vfwscanf(L"%4lc", wide))
CASE(__isoc99_vwscanf, all_get_wide, list_vwscanf(L"%30l[a-z ]", wide))
