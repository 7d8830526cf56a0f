/* SPDX-License-Identifier: MIT */
/* Output of characters and blocks to streams, narrow and wide (edge/stdio/stdio.h). */
#define _GNU_SOURCE
#ifndef __NO_INLINE__
#define __NO_INLINE__ 1 /* libc's headers would define some of these functions */
#endif
#include <stdio.h>
#include <string.h>
#include <sys/single_threaded.h>
#include <wchar.h>

#include "edge/reserved.h"
#include "edge/stdio/stdio.h"
#include "os/real.h"

WT_STREAM_DOES(fwrite, wt_real.fwrite(call->data, call->size, call->count, call->file),
	       (size_t)call->result == call->count)
WT_STREAM_DOES(fwrite_unlocked,
	       wt_real.fwrite_unlocked(call->data, call->size, call->count, call->file),
	       (size_t)call->result == call->count)
WT_STREAM_DOES(fputs, wt_real.fputs(call->data, call->file), call->result >= 0)
WT_STREAM_DOES(fputs_unlocked, wt_real.fputs_unlocked(call->data, call->file), call->result >= 0)
WT_STREAM_DOES(puts, wt_real.puts(call->data), call->result >= 0)
WT_STREAM_DOES(fputc, wt_real.fputc(call->number, call->file), call->result != EOF)
WT_STREAM_DOES(fputc_unlocked, wt_real.fputc_unlocked(call->number, call->file),
	       call->result != EOF)
WT_STREAM_DOES(overflow, wt_real.__overflow(call->file, call->number), call->result != EOF)
WT_STREAM_DOES(putw, wt_real.putw(call->number, call->file), call->result != EOF)
WT_STREAM_DOES(fputwc, wt_real.fputwc(call->number, call->file), (wint_t)call->result != WEOF)
WT_STREAM_DOES(fputwc_unlocked, wt_real.fputwc_unlocked(call->number, call->file),
	       (wint_t)call->result != WEOF)
WT_STREAM_DOES(woverflow, wt_real.__woverflow(call->file, call->number),
	       (wint_t)call->result != WEOF)
WT_STREAM_DOES(fputws, wt_real.fputws(call->data, call->file), call->result >= 0)
WT_STREAM_DOES(fputws_unlocked, wt_real.fputws_unlocked(call->data, call->file), call->result >= 0)

static size_t put_block(bool (*does)(struct wt_stream_call *), const void *data, size_t size,
			size_t count, FILE *file)
{
	struct wt_stream_call call = {
		.file = file,
		.does = does,
		.may_stay = true,
		.data = data,
		.adds = size * count, /* libc does not check the product either */
		.size = size,
		.count = count,
	};

	return wt_stream_carry(&call);
}

WT_EXPORT size_t fwrite(const void *data, size_t size, size_t count, FILE *file)
{
	if (wt_stream_has_no_rule(file) || !size || !count)
		return wt_real.fwrite(data, size, count, file);
	return put_block(does_fwrite, data, size, count, file);
}

WT_EXPORT size_t fwrite_unlocked(const void *data, size_t size, size_t count, FILE *file)
{
	if (wt_stream_has_no_rule(file) || !size || !count)
		return wt_real.fwrite_unlocked(data, size, count, file);
	return put_block(does_fwrite_unlocked, data, size, count, file);
}

static int put_text(bool (*does)(struct wt_stream_call *), const char *text, size_t len, FILE *file)
{
	return wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does,
		.adds = len,
		.may_stay = true,
		.failure = EOF,
		.data = text,
	});
}

WT_EXPORT int fputs(const char *text, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputs(text, file);
	return put_text(does_fputs, text, strlen(text), file);
}

WT_EXPORT int fputs_unlocked(const char *text, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputs_unlocked(text, file);
	return put_text(does_fputs_unlocked, text, strlen(text), file);
}

WT_EXPORT int puts(const char *text)
{
	if (wt_stream_has_no_rule(stdout))
		return wt_real.puts(text);
	return put_text(does_puts, text, strlen(text) + 1, stdout);
}

/* Not inline, so that the path of a byte that fits stays short. */
static __attribute__((noinline)) int
put_char(int c, FILE *file, bool (*does)(struct wt_stream_call *), int (*real)(int, FILE *))
{
	if (wt_stream_has_no_rule(file))
		return real(c, file);
	return wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does,
		.adds = 1,
		.may_stay = true,
		.failure = EOF,
		.number = c,
	});
}

/*
 * A byte that fits into the buffer needs no call at all: this is putc_unlocked(3) as libc's header
 * has it. Within one cache line it takes no longer than libc's own.
 */
WT_EXPORT __attribute__((aligned(64))) int fputc(int c, FILE *file)
{
	if (unlikely(!__libc_single_threaded || !wt_stream_room(file)))
		return put_char(c, file, does_fputc, wt_real.fputc);
	return (unsigned char)(*file->_IO_write_ptr++ = c);
}

WT_ALIAS(fputc) int putc(int c, FILE *file);

WT_EXPORT int _IO_putc(int c, FILE *file)
{
	return fputc(c, file);
}

WT_EXPORT int fputc_unlocked(int c, FILE *file)
{
	if (unlikely(!wt_stream_room(file)))
		return put_char(c, file, does_fputc_unlocked, wt_real.fputc_unlocked);
	return (unsigned char)(*file->_IO_write_ptr++ = c);
}

WT_ALIAS(fputc_unlocked) int putc_unlocked(int c, FILE *file);

WT_EXPORT int putchar(int c)
{
	return fputc(c, stdout);
}

WT_EXPORT int putchar_unlocked(int c)
{
	return fputc_unlocked(c, stdout);
}

/* The macro putc_unlocked calls this if the buffer is full. With EOF it is a flush. */
WT_EXPORT int __overflow(FILE *file, int c)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.__overflow(file, c);
	return wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does_overflow,
		.adds = c != EOF,
		.failure = EOF,
		.number = c,
	});
}

WT_EXPORT int putw(int word, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.putw(word, file);
	return wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does_putw,
		.adds = sizeof(word),
		.may_stay = true,
		.failure = EOF,
		.number = word,
	});
}

/* Only libc knows how much room a wide stream's buffer has. */
static long put_wide(bool (*does)(struct wt_stream_call *), wchar_t c, const wchar_t *text,
		     FILE *file, long failure)
{
	return wt_stream_carry(&(struct wt_stream_call){
		.file = file,
		.does = does,
		.adds = text ? wcslen(text) : c != (wchar_t)WEOF,
		.failure = failure,
		.data = text,
		.number = c,
	});
}

WT_EXPORT wint_t fputwc(wchar_t c, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputwc(c, file);
	return put_wide(does_fputwc, c, NULL, file, WEOF);
}

WT_ALIAS(fputwc) wint_t putwc(wchar_t c, FILE *file);

WT_EXPORT wint_t fputwc_unlocked(wchar_t c, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputwc_unlocked(c, file);
	return put_wide(does_fputwc_unlocked, c, NULL, file, WEOF);
}

WT_ALIAS(fputwc_unlocked) wint_t putwc_unlocked(wchar_t c, FILE *file);

WT_EXPORT wint_t putwchar(wchar_t c)
{
	return fputwc(c, stdout);
}

WT_EXPORT wint_t putwchar_unlocked(wchar_t c)
{
	return fputwc_unlocked(c, stdout);
}

WT_EXPORT wint_t __woverflow(FILE *file, wint_t c)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.__woverflow(file, c);
	return put_wide(does_woverflow, c, NULL, file, WEOF);
}

WT_EXPORT int fputws(const wchar_t *text, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputws(text, file);
	return put_wide(does_fputws, 0, text, file, EOF);
}

WT_EXPORT int fputws_unlocked(const wchar_t *text, FILE *file)
{
	if (wt_stream_has_no_rule(file))
		return wt_real.fputws_unlocked(text, file);
	return put_wide(does_fputws_unlocked, 0, text, file, EOF);
}
