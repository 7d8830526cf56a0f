/* SPDX-License-Identifier: MIT */
/* A place for text: on the stack while it fits there, else in a mapping that goes again. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "os/small_buffer.h"

static struct wt_small_buffer buffer;

Test(small_buffer, what_fits_lies_in_it)
{
	static const size_t sizes[] = { 0, 1, sizeof(buffer.small) };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		wt_small_buffer_make(&buffer, sizes[i]);
		cr_expect_eq(buffer.at, buffer.small, "%zu bytes", sizes[i]);
		cr_expect_eq(buffer.size, sizeof(buffer.small));
		wt_small_buffer_leave(&buffer);
	}
}

static bool is_mapped(const void *at)
{
	unsigned char page;

	return !mincore((void *)((uintptr_t)at & -4096UL), 1, &page) || errno != ENOMEM;
}

Test(small_buffer, what_does_not_fit_is_mapped_until_it_is_left)
{
	size_t size = 1 << 20;

	wt_small_buffer_make(&buffer, size);
	char *at = buffer.at;
	cr_assert_neq(at, buffer.small);
	cr_assert_geq(buffer.size, size);
	memset(at, 'x', size);
	wt_small_buffer_leave(&buffer);
	cr_expect_not(is_mapped(at));
	cr_expect_not(is_mapped(at + size - 1));
}

Test(small_buffer, without_memory_there_is_none)
{
	wt_small_buffer_make(&buffer, SIZE_MAX / 2);
	cr_expect_null(buffer.at);
	wt_small_buffer_leave(&buffer);
}
