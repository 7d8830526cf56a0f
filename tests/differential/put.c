/* SPDX-License-Identifier: MIT */
#include "differential.h"
#include <stdarg.h>
#include <stdio_ext.h>
#include <wchar.h>

/* What _FORTIFY_SOURCE calls instead of printf and the like. */
int __printf_chk(int flag, const char *format, ...);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vprintf_chk(int flag, const char *format, va_list args);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
int __wprintf_chk(int flag, const wchar_t *format, ...);
int __fwprintf_chk(FILE *file, int flag, const wchar_t *format, ...);
int __vwprintf_chk(int flag, const wchar_t *format, va_list args);
int __vfwprintf_chk(FILE *file, int flag, const wchar_t *format, va_list args);

#define LONGEST 20000
#define UNGET 5 /* of the ways to read */

/* The calls that print to stdout print to that stream. */
static FILE *become_stdout(FILE *file)
{
	FILE *was = stdout;

	stdout = file;
	return was;
}

static long put_each(FILE *file, int (*put)(int, FILE *), const char *from, size_t len)
{
	long result = 0;

	for (size_t i = 0; i < len && result != EOF; i++)
		result = put(from[i], file);
	return result;
}

/* The macro of <stdio.h>, which leaves the buffer only when it is full. */
static int put_by_macro(int byte, FILE *file)
{
	return putc_unlocked(byte, file);
}

static long put_bytes(FILE *file, int way, const char *from, size_t len)
{
	switch (way) {
	case 0:
		return fwrite(from, 7, len / 7, file);
	case 1:
		return fwrite_unlocked(from, 1, len, file);
	case 2:
		return put_each(file, put_by_macro, from, len);
	case 3:
		return put_each(file, fputc, from, len % 600);
	case 4:
		return put_each(file, putc, from, len % 600);
	case 5:
		return put_each(file, fputc_unlocked, from, len % 600);
	case 6:
		return putw(len, file);
	case 7:
		return fwrite(from, len, 1, file);
	default:
		return fwrite(from, 1, len, file);
	}
}

static long put_text(FILE *file, int way, const char *line)
{
	switch (way) {
	case 0:
		return fputs_unlocked(line, file);
	case 1:
		return puts(line);
	case 2:
		return putchar(line[0]);
	case 3:
		return putchar_unlocked(line[0]);
	default:
		return fputs(line, file);
	}
}

static long put_wide(FILE *file, int way, const wchar_t *wide)
{
	switch (way) {
	case 0:
		return fputwc(wide[0], file);
	case 1:
		return putwc(wide[0], file);
	case 2:
		return fputwc_unlocked(wide[0], file);
	case 3:
		return putwc_unlocked(wide[0], file);
	case 4:
		return putwchar(wide[0]);
	case 5:
		return putwchar_unlocked(wide[0]);
	case 6:
		return fputws_unlocked(wide, file);
	default:
		return fputws(wide, file);
	}
}

/* Text of this length, in room that stays until the next call. */
static const char *any_line(struct rng *rng, size_t len)
{
	static char room[LONGEST + 1];

	memcpy(room, prose + below(rng, POOL_BYTES - len), len);
	room[len] = '\0';
	return room;
}

/* One character in eight takes three bytes in the file, and now and then one cannot be there. */
static const wchar_t *any_wide(struct rng *rng, size_t len)
{
	static wchar_t room[LONGEST + 1];
	const char *from = prose + below(rng, POOL_BYTES - len);

	for (size_t i = 0; i < len; i++)
		room[i] = from[i] % 8 ? from[i] : 0x20ac;
	if (len && one_in(rng, 20))
		room[len / 2] = 0xd800;
	room[len] = L'\0';
	return room;
}

/* glibc writes past a wide stream's buffer when the write that would have emptied it fails. */
static bool is_fit(FILE *file)
{
	int fd = fileno(file);

	return fwide(file, 0) <= 0 ||
	       (raw_is_file(fd) && (raw_flags(fd) & O_ACCMODE) != O_RDONLY && !ferror(file));
}

static void begin_limited(struct rng *rng, FILE *file, bool limited)
{
	if (limited)
		limit_file_size(raw_offset(fileno(file)) + below(rng, 9000));
	errno = UNTOUCHED;
}

static void end_limited(FILE *stdout_before)
{
	returned(0);
	unlimit_file_size();
	stdout = stdout_before;
}

void op_stream_put(struct rng *rng)
{
	FILE *file = any_stream(rng);
	size_t len = any_len(rng) % LONGEST;
	bool limited = one_in(rng, 10);
	bool lines = one_in(rng, 3);
	int way = below(rng, 14);
	bool wide;
	FILE *was;
	long result;

	if (!file || !is_fit(file))
		return;
	if (__fbufsize(file) < 64)
		len %= 300; /* a system call for each byte */
	wide = fwide(file, 0) > 0;
	was = become_stdout(file);
	if (wide) {
		const wchar_t *line = any_wide(rng, len);

		begin_limited(rng, file, false);
		result = put_wide(file, way, line);
	} else if (lines) {
		const char *line = any_line(rng, len);

		begin_limited(rng, file, limited);
		result = put_text(file, way, line);
	} else {
		const char *from = pool + below(rng, POOL_BYTES - len);

		begin_limited(rng, file, limited);
		result = put_bytes(file, way, from, len);
	}
	end_limited(was);
	trace_stream(file, result, "put%s by %d, %zu%s",
		     wide    ? " wide"
		     : lines ? " text"
			     : "",
		     way, len, limited ? ", limited" : "");
}

static int print_by(FILE *file, int way, const char *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	switch (way) {
	case 0:
		ret = vprintf(format, args);
		break;
	case 1:
		ret = __vprintf_chk(1, format, args);
		break;
	case 2:
		ret = __vfprintf_chk(file, 1, format, args);
		break;
	default:
		ret = vfprintf(file, format, args);
	}
	va_end(args);
	return ret;
}

static int wide_print_by(FILE *file, int way, const wchar_t *format, ...)
{
	va_list args;
	int ret;

	va_start(args, format);
	switch (way) {
	case 0:
		ret = vwprintf(format, args);
		break;
	case 1:
		ret = __vwprintf_chk(1, format, args);
		break;
	case 2:
		ret = __vfwprintf_chk(file, 1, format, args);
		break;
	default:
		ret = vfwprintf(file, format, args);
	}
	va_end(args);
	return ret;
}

static long print(FILE *file, int way, const char *line, long number)
{
	switch (way) {
	case 4:
		return printf("%s%20ld\n", line, number);
	case 5:
		return __printf_chk(1, "%s%-20ld|", line, number);
	case 6:
		return __fprintf_chk(file, 1, "%08lx %s\n", number, line);
	case 7:
	case 8:
		return fprintf(file, "%.3f %s %*d\n", number / 7.0, line, 30, 1);
	case 9:
		return fprintf(file, "%s", line);
	default:
		return print_by(file, way, "%s %ld %c\n", line, number, 'x');
	}
}

static long print_wide(FILE *file, int way, const wchar_t *line, long number)
{
	switch (way) {
	case 4:
		return wprintf(L"%ls%20ld\n", line, number);
	case 5:
		return __wprintf_chk(1, L"%ls%-20ld|", line, number);
	case 6:
		return __fwprintf_chk(file, 1, L"%08lx %ls\n", number, line);
	case 7:
	case 8:
	case 9:
		return fwprintf(file, L"%ls %*d %s\n", line, 30, 1, "narrow");
	default:
		return wide_print_by(file, way, L"%ls %ld %c\n", line, number, 'x');
	}
}

void op_stream_print(struct rng *rng)
{
	FILE *file = any_stream(rng);
	size_t len = any_len(rng) % LONGEST;
	bool limited = one_in(rng, 10);
	int way = below(rng, 12);
	bool wide;
	FILE *was;
	long result;

	if (!file || !is_fit(file))
		return;
	wide = fwide(file, 0) > 0;
	was = become_stdout(file);
	if (wide) {
		const wchar_t *line = any_wide(rng, len);

		begin_limited(rng, file, false);
		result = print_wide(file, way, line, my.op);
	} else {
		const char *line = any_line(rng, len);

		begin_limited(rng, file, limited);
		result = print(file, way, line, my.op);
	}
	end_limited(was);
	trace_stream(file, result, "print%s by %d, %zu%s", wide ? " wide" : "", way, len,
		     limited ? ", limited" : "");
}

static long get_each(FILE *file, int (*get)(FILE *), size_t len)
{
	size_t got = 0;
	int byte;

	while (got < len && (byte = get(file)) != EOF)
		scratch[got++] = byte;
	return got;
}

static int get_by_macro(FILE *file)
{
	return getc_unlocked(file);
}

static long get_line(FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	long got = getline(&line, &room, file);

	if (got > 0)
		memcpy(scratch, line, (size_t)got < POOL_BYTES ? (size_t)got : POOL_BYTES);
	free(line);
	return got;
}

/* Back into the stream, and then to a place where reading as well as writing may follow. */
static long unget(FILE *file, size_t len)
{
	long result = ungetc('u', file);

	if (len % 2)
		result += fgetc(file);
	return result + fseek(file, 0, SEEK_CUR);
}

static long get_bytes(FILE *file, int way, size_t len)
{
	switch (way) {
	case 0:
		return fread_unlocked(scratch, 1, len, file);
	case 1:
		return get_each(file, fgetc, len % 300);
	case 2:
		return get_each(file, get_by_macro, len);
	case 3:
		return fgets(scratch, 1 + len, file) ? (long)strlen(scratch) : -1;
	case 4:
		return get_line(file);
	case UNGET:
		return unget(file, len);
	case 6:
		return getw(file);
	case 7:
		return fscanf(file, "%99s", scratch);
	default:
		return fread(scratch, 1, len, file);
	}
}

/* Not ungetwc: glibc frees its room for that twice when the stream is written to later. */
static long get_wide(FILE *file, int way, size_t len)
{
	wchar_t *into = (wchar_t *)scratch;

	switch (way) {
	case 0:
		return fgetwc(file);
	case 1:
		return getwc_unlocked(file);
	default:
		return fgetws(into, 1 + len, file) ? (long)wcslen(into) * 4 : -1;
	}
}

/*
 * C wants a stream positioned between writing and reading. glibc flushes by itself where it fills
 * its buffer, and forgets what is pending where it reads past it, or is given a character back.
 */
static bool is_ready_to_read(FILE *file, bool past_the_buffer)
{
	if (!__fwriting(file) || !__fpending(file))
		return true;
	if (fwide(file, 0) > 0)
		return false;
	return !past_the_buffer || !fseek(file, 0, SEEK_CUR);
}

void op_stream_get(struct rng *rng)
{
	FILE *file = any_stream(rng);
	size_t len = any_len(rng) % LONGEST;
	int way = below(rng, 10);
	long result;
	bool wide;

	if (!file || !is_ready_to_read(file, way == UNGET || len >= __fbufsize(file)))
		return;
	wide = fwide(file, 0) > 0;
	errno = UNTOUCHED;
	memset(scratch, 0, 4 * LONGEST + 8);
	result = returned(wide ? get_wide(file, way, len) : get_bytes(file, way, len));
	trace_stream(file, result, "get%s by %d, %zu: %016llx", wide ? " wide" : "", way, len,
		     (unsigned long long)digest(0, scratch, 4 * LONGEST));
}
