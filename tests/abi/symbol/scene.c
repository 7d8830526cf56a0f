/* SPDX-License-Identifier: MIT */
/* Streams in scenes of several calls. */
#include "symbol.h"

#include <err.h>
#include <limits.h>
#include <signal.h>
#include <stdio_ext.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static long held_closed(void)
{
	FILE *closed = file;

	file = NULL;
	return closed ? fclose(closed) : 0;
}

static void close_held(void)
{
	tell_and_judge("file", "fclose(file)", held_closed);
}

static long put_text(void)
{
	return fputs("text", file);
}

static long flush(void)
{
	return fflush(file);
}

static void put_and_flush(void)
{
	tell_and_judge("file", "fputs(\"text\", file)", put_text);
	tell_and_judge("file", "fflush(file)", flush);
}

static const char *const modes[] = {
	"r",   "r+", "w",  "w+",  "a",	"a+", "rb",	     "r+b", "rb+", "wb", "ab+", "wx",
	"w+x", "ax", "re", "w+e", "ae", "rm", "r,ccs=UTF-8", "wc",  "rw",  "",	 "x",	" w",
};

/* What each mode makes of a file that is there, and of one that is not. */
void scene_modes(void)
{
	for (size_t i = 0; i < 2 * COUNT(modes); i++) {
		const char *mode = modes[i / 2];

		say("-- mode '%s', %s", mode, i % 2 ? "of no file" : "of a file");
		wt_syscall(SYS_unlinkat, AT_FDCWD, "file", 0);
		if (i % 2 == 0)
			make_file("file", 50);
		if (!TELL_POINTER(file = fopen("file", mode)))
			continue;
		say("close on exec: %d", fcntl(fileno(file), F_GETFD));
		put_and_flush();
		TELL(fgetc(file));
		TELL(fseek(file, 1, SEEK_SET));
		TELL(fgetc(file));
		close_held();
	}
}

void scene_modes_of_freopen(void)
{
	for (size_t i = 0; i < 2 * COUNT(modes); i++) {
		const char *mode = modes[i / 2], *path = i % 2 ? NULL : "file";

		say("-- mode '%s', %s", mode, path ? "by its name" : "the same file");
		make_file("file", 50);
		make_file("other", 50);
		file = fopen(path ? "other" : "file", "r+");
		TELL(fputs("held", file));
		if (!TELL_POINTER(file = freopen(path, mode, file)))
			continue;
		judge_if_dirty(path ? "other" : "file");
		put_and_flush();
		TELL(fgetc(file));
		close_held();
	}
}

/* A character at a time into a buffer that is soon full, and blocks about its size. */
void scene_buffers(void)
{
	static const struct state states[] = {
		{ .name = "full", .mode = "w", .room = 8 },
		{ .name = "lines", .mode = "w", .buffering = _IOLBF, .room = 8 },
		{ .name = "full, updated", .mode = "r+", .room = 8 },
		{ .name = "full, no room", .mode = "w", .room = 8, .limit = 30 },
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		open_state(&states[i]);
		for (int c = 0; c < 18; c++)
			TELL(fputc('a' + c, file));
		judge("file");
		for (size_t len = 6; len < 20; len++)
			TELL(fwrite(text_of(len), 1, len, file));
		close_state();
	}
}

static void put_much(const char *text)
{
	TELL(fwrite(text, 1, 4095, file));
	TELL(fwrite(text, 1000, 30, file));
	TELL(fputs(text + 200000, file));
	TELL(fprintf(file, "%s|%*d|%.9f", text + 100000, 30000, 7, 1.5));
	TELL(fwrite(text, SIZE_MAX / 2 + 1, 2, file)); /* glibc takes the product as it comes */
	TELL(fwrite(text, SIZE_MAX / 4 + 2, 4, file));
	TELL(fwrite(text, 0, 5, file));
	TELL(fwrite(text, 5, 0, file));
}

void scene_large(void)
{
	static const struct state states[] = {
		{ .name = "its own buffer", .mode = "w" },
		{ .name = "lines", .mode = "a", .buffering = _IOLBF },
		{ .name = "unbuffered", .mode = "r+", .buffering = _IONBF },
		{ .name = "no room behind some", .mode = "w", .limit = 50000 },
		{ .name = "no room, unbuffered", .mode = "w", .buffering = _IONBF, .limit = 50000 },
	};
	char *text = strdup(text_of(300000));

	for (size_t i = 0; i < COUNT(states); i++) {
		open_state(&states[i]);
		put_much(text);
		judge("file");
		close_state();
	}
}

void scene_formats(void)
{
	static const struct state state = { .name = "formats", .mode = "w", .room = 40 };
	int before = 0, after = 0;

	open_state(&state);
	TELL(fprintf(file, "%2$s %1$d %2$.3s\n", 5, "positions"));
	TELL(fprintf(file, "%nfrom %m to%n\n", &before, &after));
	say("%d to %d", before, after);
	TELL(fprintf(file, "%s %.*s %c%c\n", (char *)NULL, 3, "abcdef", 0, 255));
	TELL(fprintf(file, "%ls\n", L"wide \xe4"));
	TELL(fprintf(file, "%lc\n", (wint_t)0x7fffffff));
	TELL(fprintf(file, "%*s|%-*s|\n", 60, "right", 60, "left"));
	TELL(fprintf(file, "%.50f %a %Lg %zx %%\n", 0.1, 1.0, 2.0L, (size_t)-1));
	TELL(dprintf(fileno(file), "%s %d %m\n", "by the descriptor", 7));
	TELL(dprintf(fileno(file), "%*d", 10000, 7));
	judge("file");
	limit(12000);
	TELL(dprintf(fileno(file), "%*d", 10000, 7));
	limit(-1);
	TELL(dprintf(-1, "nowhere"));
	TELL(dprintf(fileno(file), "%lc", (wint_t)0x7fffffff));
	close_state();
}

static char *memory;
static size_t memory_len;

static ssize_t write_cookie(void *cookie, const char *bytes, size_t len)
{
	(void)cookie;
	say("  cookie: %.*s", (int)len, bytes);
	return len;
}

static void use_without_descriptor(const char *name, FILE *stream)
{
	say("-- %s", name);
	TELL(fputs("text ", stream));
	TELL(fprintf(stream, "%d %m", 7));
	TELL(fputc('c', stream));
	TELL(fflush(stream));
	TELL(fseek(stream, 1, SEEK_SET));
	TELL(fwrite("WORDS", 1, 5, stream));
	TELL(fileno(stream));
	TELL(ftell(stream));
	TELL(setvbuf(stream, NULL, _IONBF, 0));
	TELL(fclose(stream));
}

/* There is nothing to be covered, and a file under a rule is open beside them. */
void scene_without_descriptor(void)
{
	char bytes[16] = "";

	fd = open("file", O_RDWR | O_CREAT, 0600);
	use_without_descriptor("fmemopen", fmemopen(bytes, sizeof(bytes), "w+"));
	say("holds %.16s", bytes);
	use_without_descriptor("open_memstream", open_memstream(&memory, &memory_len));
	say("holds %zu %s", memory_len, memory);
	use_without_descriptor(
		"fopencookie",
		fopencookie(NULL, "w", (cookie_io_functions_t){ .write = write_cookie }));
}

/* stdout itself, whose number another file gets under its text. */
void scene_redirected(void)
{
	int was = dup(STDOUT_FILENO);

	fd = open("file", O_WRONLY | O_CREAT | O_APPEND, 0600);
	TELL(dup2(fd, STDOUT_FILENO));
	TELL(puts("a line"));
	TELL(printf("%d", 7));
	TELL(fflush(stdout));
	judge("file");
	TELL(putchar('c'));
	TELL(dup2(open("other", O_WRONLY | O_CREAT, 0600), STDOUT_FILENO));
	TELL(puts(" to the other"));
	TELL(fflush(stdout));
	judge("other");
	TELL(puts("held"));
	close(STDOUT_FILENO);
	TELL(fflush(stdout));
	tell_stream("stdout", stdout);
	dup2(was, STDOUT_FILENO);
}

/* A log that is cut, so that what comes next lies in front of the descriptor's offset. */
void scene_cut_log(void)
{
	int was = dup(STDERR_FILENO);

	fd = open("file", O_WRONLY | O_CREAT | O_APPEND, 0600);
	TELL(dup2(fd, STDERR_FILENO));
	TELL(write(fd, text_of(500), 500));
	TELL(truncate("file", 0));
	TELL_VOID(perror("after"));
	judge("file");
	TELL(write(fd, text_of(500), 500));
	TELL(truncate("file", 0));
	TELL(fprintf(stderr, "%s\n", "after"));
	judge("file");
	say("-- and the offset is where it was");
	for (int i = 0; i < 2; i++) {
		TELL(truncate("file", 0));
		TELL_VOID(warnx("as long"));
		judge("file");
	}
	dup2(was, STDERR_FILENO);
}

static void put_words(void)
{
	make_file("file", 100);
	TELL_POINTER(file = fopen("file", "r+"));
	TELL(fseek(file, 10, SEEK_SET));
	TELL(fputs("words", file));
}

/* After fflush(NULL) a stream still knows its place, after its own fflush(3) it asks for it. */
void scene_moved_descriptor(void)
{
	put_words();
	TELL(fflush(NULL));
	judge("file");
	lseek(fileno(file), 50, SEEK_SET);
	TELL(ftell(file));
	TELL(fputs("more", file));
	TELL(fflush(file));
	judge("file");
	lseek(fileno(file), 70, SEEK_SET);
	TELL(ftell(file));
}

/* A flush that fails leaves the stream's place as it was, which may be another file's by then. */
void scene_flush_fails(void)
{
	put_words();
	TELL(fflush(file));
	judge("file");
	TELL(fseek(file, 20, SEEK_SET));
	int was = dup(fileno(file));
	close(fileno(file));
	TELL(fputs("more", file));
	TELL(fflush(file));
	dup2(was, fileno(file));
	lseek(was, 50, SEEK_SET);
	TELL(fputs("and more", file));
	TELL(fseek(file, 0, SEEK_CUR));
	judge("file");
	TELL(ftell(file));
	close(was);
}

/* One description by two ways, its number given away under the stream. */
void scene_descriptor_and_stream(void)
{
	make_file("file", 100);
	fd = open("file", O_RDWR);
	TELL(write(fd, "by the descriptor", 17));
	TELL_POINTER(file = fdopen(fd, "r+"));
	TELL(fputs("by the stream", file));
	TELL(lseek(fd, 50, SEEK_SET));
	TELL(write(fd, "by the descriptor again", 23));
	judge("file");
	put_and_flush();
	TELL(ungetc('u', file));
	TELL(fgetc(file));
	TELL(fseek(file, -1, SEEK_CUR));
	put_and_flush();
	TELL(fputs("for the other", file));
	wt_syscall(SYS_dup3, open("other", O_RDWR | O_CREAT, 0600), fd, 0);
	TELL(fflush(file));
	judge("other");
	TELL(fcntl(fileno(file), F_SETFL, O_APPEND));
	TELL(fputs("appended", file));
	tell_and_judge("other", "fclose(file)", held_closed);
	TELL(write(fd, "closed", 6));
	TELL_POINTER(fdopen(fd, "w"));
}

/* A new mode alone: what the buffer has room for is handed over with the next line all the same. */
void scene_line_mode_later(void)
{
	static const struct state state = { .name = "lines from now on", .mode = "w" };

	for (int i = 0; i < 7; i++) {
		open_state(&state);
		TELL(fputs("put before", file));
		TELL(setvbuf(file, NULL, _IOLBF, 0));
		if (i == 0)
			TELL(fputs("a\nb", file));
		if (i == 1)
			TELL(puts("a line"));
		if (i == 2)
			TELL(fwrite("a\nb", 1, 3, file));
		if (i == 3)
			TELL(fprintf(file, "%d\n", 7));
		if (i == 4)
			TELL(fputc('\n', file));
		if (i == 5)
			TELL(putw(0x0a0a0a0a, file));
		if (i == 6)
			TELL(fputs_unlocked("a\n", file));
		judge_if_dirty("file");
		TELL(fputc('\n', file));
		TELL(fputs("line\n", file));
		judge("file");
		close_state();
	}
}

/* All that the file system has: what is left is in the file's last block. */
static void take_up(void)
{
	int of = open("ballast", O_RDWR | O_CREAT, 0600);
	off_t at = 0;

	for (int times = 0; times < 2; times++) {
		for (off_t step = 1 << 30; step >= (off_t)PROBE_BLOCK; step /= 2)
			while (!wt_syscall(SYS_fallocate, of, 0, at, step))
				at += step;
		wt_syscall(SYS_syncfs, of);
	}
	close(of);
}

void scene_full(void)
{
	static const struct state states[] = {
		{ .name = "its own buffer", .mode = "r+" },
		{ .name = "lines", .mode = "r+", .buffering = _IOLBF },
		{ .name = "unbuffered", .mode = "r+", .buffering = _IONBF },
	};

	for (size_t i = 0; i < COUNT(states); i++) {
		open_state(&states[i]);
		take_up();
		TELL(fseek(file, 0, SEEK_END));
		TELL(fputs("fits into the last block\n", file));
		tell_and_judge("file", "fflush(file)", flush);
		TELL(fwrite(text_of(5000), 10, 500, file));
		TELL(fprintf(file, "%s\n", "no more"));
		TELL(fflush(file));
		TELL(fputc('\n', file));
		close_state();
		wt_syscall(SYS_unlinkat, AT_FDCWD, "ballast", 0);
	}
}

static volatile int signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

/* What a wide stream could not hand over it still has, and tries once with each flush. */
void scene_wide_limit(void)
{
	static const struct state state = { .name = "wide", .mode = "w", .is_wide = true };

	for (int flushes = 0; flushes < 3; flushes++) {
		open_state(&state);
		TELL(fputws(L"more w\xf6rter than there is room", file));
		limit(7);
		signals = 0;
		signal(SIGXFSZ, count_signal);
		for (int i = 0; i < flushes; i++)
			TELL(fflush(file));
		close_held();
		say("SIGXFSZ: %d", signals);
		signal(SIGXFSZ, SIG_IGN);
		limit(-1);
		restore_standard();
	}
}

static void get(size_t count)
{
	static char bytes[256];

	TELL(fread(bytes, 1, count, file));
	tell_stream("stdout", stdout);
}

/* What would fill the buffer is read past it, and then libc does not flush what stdout holds. */
void scene_read_past_buffer(void)
{
	static char room[64];
	FILE *was = stdout, *out = fopen("out", "w");

	setvbuf(out, NULL, _IOLBF, 0);
	make_file("file", 1000);
	TELL_POINTER(file = fopen("file", "r"));
	setvbuf(file, room, _IOLBF, sizeof(room));
	stdout = out;
	TELL(fputs("part of a line", out));
	get(128);
	get(64);
	get(10);
	TELL(fputs("another part", out));
	get(10);
	TELL(ungetc('~', file));
	get(20);
	get(44 + 128);
	get(1);
	stdout = was;
	judge("out");
	fclose(out);
}
