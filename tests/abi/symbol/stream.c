/* SPDX-License-Identifier: MIT */
/* Streams as a whole: opened, flushed, positioned, buffered otherwise, closed. */
#include "symbol.h"

#include <sched.h>
#include <stdio_ext.h>
#include <sys/mount.h>
#include <sys/wait.h>

/* A stream that was just opened takes text, and hands it over. */
static void use_stream(void)
{
	if (!file)
		return;
	TELL(fputs("through the stream", file));
	TELL(fflush(file));
	judge("file");
	TELL(fputs(", left in it", file));
	limit(25);
	TELL(fputs(" till it is closed", file));
	errno = UNTOUCHED;
	int ret = fclose(file);
	file = NULL;
	tell("fclose(file)", ret);
	limit(-1);
	judge("file");
}

#define OPENS(name)                                                                                \
	void try_##name(void)                                                                      \
	{                                                                                          \
		TELL_POINTER(file = name("file", "w"));                                            \
		use_stream();                                                                      \
		make_file("file", 100);                                                            \
		TELL_POINTER(file = name("file", "r+"));                                           \
		use_stream();                                                                      \
		make_file("file", 10);                                                             \
		TELL_POINTER(file = name("file", "a+"));                                           \
		use_stream();                                                                      \
		TELL_POINTER(file = name("file", "wx"));                                           \
		TELL_POINTER(file = name("absent", "r"));                                          \
		TELL_POINTER(file = name("file", "q"));                                            \
		TELL_POINTER(file = name(".", "w"));                                               \
	}

OPENS(fopen)
OPENS(fopen64)

/* What it holds is flushed first; it stays a stream of the same number. */
#define REOPENS(name)                                                                              \
	void try_##name(void)                                                                      \
	{                                                                                          \
		file = fopen("file", "w");                                                         \
		fputs("flushed first", file);                                                      \
		TELL_POINTER(file = name("other", "w", file));                                     \
		judge("file");                                                                     \
		TELL(fputs("into the other", file));                                               \
		TELL(fflush(file));                                                                \
		judge("other");                                                                    \
		TELL(fputs("held while the mode changes", file));                                  \
		TELL_POINTER(file = name(NULL, "a", file));                                        \
		judge("other");                                                                    \
		TELL(fputs("appended", file));                                                     \
		limit(3);                                                                          \
		TELL_POINTER(file = name("file", "r+", file));                                     \
		limit(-1);                                                                         \
		use_stream();                                                                      \
		file = fopen("file", "w");                                                         \
		fputs("closed by it", file);                                                       \
		TELL_POINTER(file = name("absent/file", "w", file));                               \
	}

REOPENS(freopen)
REOPENS(freopen64)

/* It has no name: its directory is ours, and it is looked at by its number. */
static void use_temporary(const char *call, FILE *(*make)(void))
{
	char name[32];

	errno = UNTOUCHED;
	file = make();
	tell(call, file != NULL);
	TELL(fputs("in a file without a name", file));
	TELL(fflush(file));
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fileno(file));
	judge(name);
	limit(30);
	TELL(fputs("more than there is room for", file));
	TELL(fflush(file));
	limit(-1);
	tell_contents(fileno(file));
	fclose(file);
	file = NULL;
}

static void in_own_tmp(const char *call, FILE *(*make)(void))
{
	if (wt_syscall(SYS_unshare, CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(".", "/tmp", NULL, MS_BIND, NULL))
		say("no /tmp of its own: %m");
	else
		use_temporary(call, make);
	umount2("/tmp", MNT_DETACH);
}

void try_tmpfile(void)
{
	in_own_tmp("tmpfile()", tmpfile);
}

void try_tmpfile64(void)
{
	in_own_tmp("tmpfile64()", tmpfile64);
}

static const struct state states[] = {
	{ .name = "nothing put", .mode = "w" },
	{ .name = "text put", .mode = "w" },
	{ .name = "text put, lines", .mode = "w", .buffering = _IOLBF },
	{ .name = "text put, unbuffered", .mode = "w", .buffering = _IONBF },
	{ .name = "text put over what is there", .mode = "r+" },
	{ .name = "text appended", .mode = "a+", .room = 64 },
	{ .name = "wide text put", .mode = "w", .is_wide = true },
	{ .name = "text put, without room for it", .mode = "w", .limit = 5 },
	{ .name = "text put over what is there, without room for it", .mode = "r+", .limit = 7 },
	{ .name = "read ahead", .mode = "r" },
	{ .name = "read ahead, to be written", .mode = "r+" },
};

static void prepare(const struct state *state)
{
	open_state(state);
	if (!strncmp(state->name, "text", 4))
		TELL(fputs("text put before", file));
	if (!strncmp(state->name, "wide", 4))
		TELL(fputws(L"wide text put before ä", file));
	if (!strncmp(state->name, "read", 4))
		TELL(fgetc(file));
}

/* Something that happens to a stream in every state, and what can still be done with it. */
static void all_on(const struct state *state, const char *call, long (*act)(void))
{
	prepare(state);
	tell_and_judge("file", call, act);
	limit(-1);
	if (state->is_wide) {
		TELL(fputws(L"afterwards", file));
	} else {
		TELL(fputs("afterwards", file));
		TELL(fgetc(file));
	}
	TELL(fflush(file));
	close_state();
}

static void all_each(const char *call, long (*act)(void))
{
	for (size_t i = 0; i < COUNT(states); i++)
		all_on(&states[i], call, act);
}

static void all_some(const char *call, long (*act)(void))
{
	all_on(&states[1], call, act);
	all_on(&states[7], call, act);
}

#define ACT(name, number, call)                                                                    \
	static long act_##name##number(void)                                                       \
	{                                                                                          \
		return (long)(call);                                                               \
	}

ACT(fflush, 1, fflush(file))
ACT(fflush, 2, fflush(NULL))

void try_fflush(void)
{
	all_each("fflush(file)", act_fflush1);
	all_each("fflush(NULL)", act_fflush2);
}

ACT(fflush_unlocked, 1, fflush_unlocked(file))
ACT(fflush_unlocked, 2, fflush_unlocked(NULL))

void try_fflush_unlocked(void)
{
	all_each("fflush_unlocked(file)", act_fflush_unlocked1);
	all_some("fflush_unlocked(NULL)", act_fflush_unlocked2);
}

ACT(_flushlbf, 1, (_flushlbf(), 0))

void try__flushlbf(void)
{
	all_each("_flushlbf()", act__flushlbf1);
}

#define SEEKS(name)                                                                                \
	ACT(name, 1, name(file, 3, SEEK_SET))                                                      \
	ACT(name, 2, name(file, -2, SEEK_CUR))                                                     \
	ACT(name, 3, name(file, 0, SEEK_END))                                                      \
	ACT(name, 4, name(file, 0, 99))                                                            \
	ACT(name, 5, name(file, -9999999, SEEK_CUR))                                               \
	void try_##name(void)                                                                      \
	{                                                                                          \
		all_each(#name "(file, 3, SEEK_SET)", act_##name##1);                              \
		all_some(#name "(file, -2, SEEK_CUR)", act_##name##2);                             \
		all_some(#name "(file, 0, SEEK_END)", act_##name##3);                              \
		all_some(#name "(file, 0, 99)", act_##name##4);                                    \
		all_some(#name "(file, -9999999, SEEK_CUR)", act_##name##5);                       \
	}

SEEKS(fseek)
SEEKS(fseeko)
SEEKS(fseeko64)

static fpos_t place;
static fpos64_t place64;

ACT(fsetpos, 1, fsetpos(file, &place))
ACT(fsetpos64, 1, fsetpos64(file, &place64))
ACT(rewind, 1, (rewind(file), 0))

/* A place in another stream of the same kind. */
static void note_places(void)
{
	make_file("places", 100);
	file = fopen("places", "r");
	fseek(file, 4, SEEK_SET);
	TELL(fgetpos(file, &place));
	TELL(fgetpos64(file, &place64));
	fclose(file);
}

void try_fsetpos(void)
{
	note_places();
	all_each("fsetpos(file, &place)", act_fsetpos1);
}

void try_fsetpos64(void)
{
	note_places();
	all_each("fsetpos64(file, &place)", act_fsetpos641);
}

void try_rewind(void)
{
	all_each("rewind(file)", act_rewind1);
}

static char room[100];

ACT(setvbuf, 1, setvbuf(file, NULL, _IONBF, 0))
ACT(setvbuf, 2, setvbuf(file, NULL, _IOLBF, 0))
ACT(setvbuf, 3, setvbuf(file, NULL, _IOFBF, 30))
ACT(setvbuf, 4, setvbuf(file, room, _IOLBF, sizeof(room)))
ACT(setvbuf, 5, setvbuf(file, room, _IOFBF, 7))
ACT(setvbuf, 6, setvbuf(file, room, 99, sizeof(room)))
ACT(setvbuf, 7, setvbuf(file, room, _IOFBF, 0))

void try_setvbuf(void)
{
	all_each("setvbuf(file, NULL, _IONBF, 0)", act_setvbuf1);
	all_each("setvbuf(file, NULL, _IOLBF, 0)", act_setvbuf2);
	all_some("setvbuf(file, NULL, _IOFBF, 30)", act_setvbuf3);
	all_each("setvbuf(file, room, _IOLBF, sizeof(room))", act_setvbuf4);
	all_some("setvbuf(file, room, _IOFBF, 7)", act_setvbuf5);
	all_some("setvbuf(file, room, 99, sizeof(room))", act_setvbuf6);
	all_some("setvbuf(file, room, _IOFBF, 0)", act_setvbuf7);
}

static char buffer[BUFSIZ];

ACT(setbuf, 1, (setbuf(file, NULL), 0))
ACT(setbuf, 2, (setbuf(file, buffer), 0))
ACT(setbuffer, 1, (setbuffer(file, NULL, 9), 0))
ACT(setbuffer, 2, (setbuffer(file, buffer, 9), 0))

void try_setbuf(void)
{
	all_each("setbuf(file, NULL)", act_setbuf1);
	all_some("setbuf(file, buffer)", act_setbuf2);
}

void try_setbuffer(void)
{
	all_some("setbuffer(file, NULL, 9)", act_setbuffer1);
	all_each("setbuffer(file, buffer, 9)", act_setbuffer2);
}

static long act_fclose1(void)
{
	FILE *closed = file;

	file = NULL;
	return fclose(closed);
}

static void close_held(void)
{
	tell_and_judge("file", "fclose(file)", act_fclose1);
	limit(-1);
	restore_standard();
}

/* Closed with text in it: with and without room for it, and where its number is gone. */
void try_fclose(void)
{
	for (size_t i = 0; i < COUNT(states); i++) {
		prepare(&states[i]);
		close_held();
	}
	prepare(&states[1]);
	wt_syscall(SYS_close, fileno(file));
	close_held();
}

void try_fcloseall(void)
{
	FILE *other;

	prepare(&states[1]);
	other = fopen("other", "w");
	fputs("held by another", other);
	TELL(fcloseall());
	judge("file");
	judge("other");
	tell_stream("other", other);
	TELL(fputs("afterwards", file));
	judge("file");
	close_state();
	prepare(&states[7]);
	TELL(fcloseall());
	close_state();
}

/* A command that appends what it reads to the file; what ends it is what pclose returns. */
static void pipe_into(const char *command)
{
	FILE *pipe = popen(command, "w");

	TELL(fputs("through a pipe\n", pipe));
	TELL(pclose(pipe));
}

void try_pclose(void)
{
	make_file("file", 100);
	fd = open("file", O_RDWR | O_APPEND | O_CLOEXEC);
	pipe_into("cat >>file");
	judge("file");
	pipe_into("cat >>file; exit 3");
	judge("file");
	pipe_into("cat >>file; exec cat 2>>file >>absent/file");
	judge("file");
}
