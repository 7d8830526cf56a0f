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

#define TIMES 3

static char text[64], *line;
static size_t line_size;

static const struct state states[] = {
	{ .name = "its own buffer", .mode = "r" },
	{ .name = "lines", .mode = "r", .buffering = _IOLBF },
	{ .name = "unbuffered", .mode = "r", .buffering = _IONBF },
	{ .name = "a small buffer", .mode = "r+", .room = 5 },
	{ .name = "only written", .mode = "w" },
	{ .name = "only written, unbuffered", .mode = "w", .buffering = _IONBF },
};

static void read_once(const char *changed, const char *call, long (*get)(void))
{
	memset(text, 0, sizeof(text));
	tell_and_judge(changed, call, get);
	say("  got '%.*s'", 63, text);
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

static const struct state update = { .name = "behind what was put", .mode = "r+" };
static const struct state full = { .name = "behind what was put, with no room",
				   .mode = "r+",
				   .limit = 4 };

/* What the stream itself holds is flushed: it was not positioned since. */
static void all_behind(struct state state, const char *call, long (*get)(void))
{
	open_state(&state);
	TELL(fputs("put before", file));
	read_once("file", call, get);
	close_state();
}

static void all_at_end(const char *call, long (*get)(void))
{
	static const struct state end = { .name = "the end", .mode = "r", .buffering = _IONBF };

	open_state(&end);
	fseek(file, -3, SEEK_END);
	for (int i = 0; i < TIMES; i++)
		read_once("file", call, get);
	close_state();
	all_with_stdout(end, _IOLBF, call, get);
}

static void all_get(const char *call, long (*get)(void))
{
	for (size_t i = 0; i < COUNT(states); i++)
		all_with_stdout(states[i], _IOLBF, call, get);
	say("-- stdout holds more than lines");
	all_with_stdout(states[2], _IOFBF, call, get);
	all_behind(update, call, get);
	all_behind(full, call, get);
	all_at_end(call, get);
}

#define GET(name, call)                                                                            \
	static long get_##name(void)                                                               \
	{                                                                                          \
		return (long)(call);                                                               \
	}                                                                                          \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_get(#call, get_##name);                                                        \
	}

GET(fread, fread(text, 3, 2, file))
GET(fread_unlocked, fread_unlocked(text, 1, 6, file))
GET(__fread_chk, __fread_chk(text, sizeof(text), 2, 3, file))
GET(__fread_unlocked_chk, __fread_unlocked_chk(text, sizeof(text), 6, 1, file))
GET(fgetc, fgetc(file))
GET(getc, getc(file))
GET(_IO_getc, _IO_getc(file))
GET(getchar, getchar())
GET(fgetc_unlocked, fgetc_unlocked(file))
GET(getc_unlocked, getc_unlocked(file))
GET(getchar_unlocked, getchar_unlocked())
GET(__uflow, __uflow(file))
GET(__underflow, __underflow(file))
GET(getw, getw(file))
GET(fgets, fgets(text, 8, file) != NULL)
GET(fgets_unlocked, fgets_unlocked(text, 60, file) != NULL)
GET(__fgets_chk, __fgets_chk(text, sizeof(text), 8, file) != NULL)
GET(__fgets_unlocked_chk, __fgets_unlocked_chk(text, sizeof(text), 60, file) != NULL)
GET(getdelim, getdelim(&line, &line_size, '1', file))
GET(__getdelim, __getdelim(&line, &line_size, ' ', file))
GET(getline, getline(&line, &line_size, file))
GET(__isoc99_fscanf, __isoc99_fscanf(file, "%40s", text))
GET(__isoc99_scanf, __isoc99_scanf("%3s", text))

static long list(int (*scan)(FILE *, const char *, va_list),
		 int (*scan_stdin)(const char *, va_list), const char *format, ...)
{
	va_list args;

	va_start(args, format);
	long ret = scan ? scan(file, format, args) : scan_stdin(format, args);
	va_end(args);
	return ret;
}

GET(__isoc99_vfscanf, list(__isoc99_vfscanf, NULL, "%4c", text))
GET(__isoc99_vscanf, list(NULL, __isoc99_vscanf, "%30[a-z ]", text))
