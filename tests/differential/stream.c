/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <stdio_ext.h>
#include <wchar.h>

#define STREAMS 4
#define ROOM_BYTES 65536

/* A stream's descriptor may have been closed behind its back, and its number be another file's. */
static struct stream {
	FILE *file;
	bool has_place;
	fpos_t place;
	char room[ROOM_BYTES];
} streams[STREAMS];

static struct stream *any_slot(struct rng *rng)
{
	struct stream *s = NULL;

	for (int tries = 0; tries < 4 && !(s && s->file); tries++)
		s = &streams[below(rng, STREAMS)];
	return s;
}

FILE *any_stream(struct rng *rng)
{
	return any_slot(rng)->file;
}

bool streams_hold_nothing(void)
{
	for (size_t i = 0; i < STREAMS; i++)
		if (streams[i].file && __fpending(streams[i].file))
			return false;
	return true;
}

static const char *any_mode(struct rng *rng, char *mode)
{
	static const char *const access[] = { "r", "r+", "r+", "w", "w+", "w+", "a", "a", "a+" };
	static const char *const extras[] = { "", "", "", "", "b", "c", "e", "x", ",ccs=UTF-8" };

	strcpy(mode, access[below(rng, COUNT(access))]);
	return strcat(mode, extras[below(rng, COUNT(extras))]);
}

static long set_buffer(struct rng *rng, struct stream *s, int way)
{
	static const size_t sizes[] = { 0, 1, 2, 16, 100, 512, 1000, 4096, 8192, ROOM_BYTES };
	static const int kinds[] = { _IOFBF, _IOFBF, _IOLBF, _IONBF };
	size_t len = sizes[below(rng, COUNT(sizes))];
	int kind = kinds[below(rng, COUNT(kinds))];

	errno = UNTOUCHED;
	switch (way) {
	case 0:
		setbuf(s->file, len ? s->room : NULL);
		break;
	case 1:
		setbuffer(s->file, len ? s->room : NULL, len);
		break;
	case 2:
		setlinebuf(s->file);
		break;
	case 3:
		return returned(setvbuf(s->file, NULL, kind, len));
	default:
		return returned(setvbuf(s->file, len ? s->room : NULL, kind, len));
	}
	return returned(0);
}

/*
 * Bytes or wide characters: which, is settled before the first of them; and the buffer before that,
 * because glibc does not set a wide one right.
 */
static void settle(struct rng *rng, struct stream *s)
{
	s->has_place = false;
	if (one_in(rng, 2) && fwide(s->file, 0) <= 0)
		set_buffer(rng, s, below(rng, 8));
	fwide(s->file, one_in(rng, 6) ? 1 : -1);
	if (one_in(rng, 2))
		*free_slot(rng) = fileno(s->file);
}

static void trace_opened(struct rng *rng, struct stream *s, const char *how, const char *mode)
{
	if (s->file) {
		trace_stream(s->file, 0, "%s, mode %s", how, mode);
		settle(rng, s);
	} else {
		trace(-1, "%s, mode %s", how, mode);
	}
}

static void close_stream(struct stream *s)
{
	int fd = fileno(s->file);

	trace_fd(fd, TRY(fclose(s->file)), "close of stream %td, %d", s - streams, fd);
	s->file = NULL;
}

void op_stream_open(struct rng *rng)
{
	struct stream *s = &streams[below(rng, STREAMS)];
	const char *name = any_name(rng);
	int way = below(rng, 8);
	char mode[24];

	any_mode(rng, mode);
	if (s->file)
		close_stream(s);
	errno = UNTOUCHED;
	if (way == 0)
		s->file = fopen64(name, mode);
	else if (way == 1)
		s->file = tmpfile();
	else if (way < 5)
		s->file = fdopen(any_fd(rng), mode);
	else
		s->file = fopen(name, mode);
	returned(0);
	trace_opened(rng, s, way == 1 ? "tmpfile" : way < 5 && way ? "fdopen" : name, mode);
}

void op_stream_reopen(struct rng *rng)
{
	struct stream *s = any_slot(rng);
	const char *name = one_in(rng, 3) ? NULL : any_name(rng);
	bool by_64 = one_in(rng, 4);
	char mode[24];

	if (!s->file)
		return;
	any_mode(rng, mode);
	*strchrnul(mode, ',') = '\0'; /* glibc's freopen forgets that such a stream is wide */
	errno = UNTOUCHED;
	s->file = by_64 ? freopen64(name, mode, s->file) : freopen(name, mode, s->file);
	returned(0);
	trace_opened(rng, s, name ? name : "reopened", mode);
}

void op_stream_close(struct rng *rng)
{
	struct stream *s = any_slot(rng);

	if (s->file)
		close_stream(s);
}

void op_stream_buffer(struct rng *rng)
{
	struct stream *s = any_slot(rng);
	int way = below(rng, 8);

	if (s->file && fwide(s->file, 0) <= 0)
		trace_stream(s->file, set_buffer(rng, s, way), "buffer by %d", way);
}

void op_stream_seek(struct rng *rng)
{
	static const int whence[] = { SEEK_SET, SEEK_SET, SEEK_CUR, SEEK_END, 77 };
	struct stream *s = any_slot(rng);
	int from = whence[below(rng, COUNT(whence))];
	off_t offset = below(rng, from == SEEK_SET ? LAST_OFFSET : 9000);
	int way = below(rng, 10);
	long result = 0;

	if (!s->file)
		return;
	if (fwide(s->file, 0) > 0)
		way = 3 + way % 2; /* glibc does not always come back from half a character */
	if (from != SEEK_SET)
		offset = 1000 - offset;
	if (way == 6 && !s->has_place)
		way = 5;
	errno = UNTOUCHED;
	switch (way) {
	case 0:
		result = fseek(s->file, offset, from);
		break;
	case 1:
		result = fseeko(s->file, offset, from);
		break;
	case 2:
		result = fseeko64(s->file, offset, from);
		break;
	case 3:
		rewind(s->file);
		break;
	case 4:
		result = ftell(s->file);
		break;
	case 5:
		result = fgetpos(s->file, &s->place);
		s->has_place = result == 0;
		break;
	case 6:
		result = fsetpos(s->file, &s->place);
		break;
	case 7:
		result = fseek(s->file, 0, SEEK_CUR);
		break;
	case 8:
		result = ftello(s->file);
		break;
	case 9:
		result = ftello64(s->file);
		break;
	}
	returned(0);
	trace_stream(s->file, result, "seek by %d %ld %d", way, offset, from);
}

static void flush_into(struct rng *rng, FILE *file)
{
	bool limited = one_in(rng, 4);
	long result;

	if (limited)
		limit_file_size(raw_offset(fileno(file)) + below(rng, 9000));
	result = TRY(fflush(file));
	unlimit_file_size();
	trace_stream(file, result, "flush%s", limited ? ", limited" : "");
}

void op_stream_flush(struct rng *rng)
{
	FILE *file = any_stream(rng);
	int way = below(rng, 12);

	if (!file)
		return;
	errno = UNTOUCHED;
	switch (way) {
	case 0:
		trace_stream(file, TRY(fflush_unlocked(file)), "flush without a lock");
		break;
	case 1:
	case 2:
		trace_stream(file, TRY(fflush(NULL)), "flush of all");
		break;
	case 3:
		_flushlbf();
		trace_stream(file, returned(0), "flush of all by lines");
		break;
	case 4:
		__fpurge(file);
		trace_stream(file, returned(0), "purge");
		break;
	case 5:
		clearerr(file);
		trace_stream(file, returned(0), "clearerr");
		break;
	default:
		flush_into(rng, file);
	}
}

/* Streams without a descriptor are no files. */
void op_stream_memory(struct rng *rng)
{
	size_t len = below(rng, 9000);
	char *bytes = NULL;
	size_t size = 0;
	FILE *file = one_in(rng, 2) ? fmemopen(scratch, 4096, "w") : open_memstream(&bytes, &size);

	trace_stream(file, TRY(fwrite(pool, 1, len, file)), "%zu bytes into memory", len);
	trace(TRY(fflush(file)), "flush of it");
	trace(TRY(fclose(file)), "close of it: %016llx",
	      (unsigned long long)digest(0, bytes ? bytes : scratch, bytes ? size : 4096));
	free(bytes);
}

/* Another program writes what comes through the stream, or tells what it reads. */
void op_stream_pipe(struct rng *rng)
{
	bool reads = one_in(rng, 3);
	const char *name = any_name(rng);
	size_t len = below(rng, 9000);
	char command[32];
	long result;
	FILE *file;

	snprintf(command, sizeof(command), "cat %s %s",
		 reads		  ? "<"
		 : one_in(rng, 2) ? ">"
				  : ">>",
		 name);
	file = popen(command, reads ? "r" : "w");
	result = reads ? TRY(fread(scratch, 1, POOL_BYTES, file)) : TRY(fwrite(pool, 1, len, file));
	trace(result, "%zu through '%s': %016llx", len, command,
	      (unsigned long long)digest(0, scratch, reads ? result : 0));
	trace(TRY(pclose(file)), "close of it");
}
