/* SPDX-License-Identifier: MIT */
/* The direct engine: what it declines, each by its reason, and what it carries past the page cache.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"
#include "engine_bed.h"
#include "os/real.h"
#include "os/sys.h"
#include "state/config.h"

TestSuite(direct, .init = bed_make);

Test(direct, declines_what_is_not_whole_blocks_at_an_offset)
{
	static const struct {
		enum wt_call call;
		size_t len;
		off_t offset;
		enum wt_reason why;
	} cases[] = {
		{ WT_WRITE, 4096, WT_OFFSET_NONE, WT_WHY_NO_OFFSET },
		{ WT_PWRITE, 4095, 0, WT_WHY_PARTIAL_BLOCK },
		{ WT_PWRITE, 4096, 512, WT_WHY_PARTIAL_BLOCK },
	};

	for (size_t i = 0; i < WT_LENGTH(cases); i++) {
		char buf[8192] = { 0 };
		struct iovec iov = { buf, cases[i].len };
		struct wt_io io = { cases[i].call, bed.fd, 1, 0, { &iov }, cases[i].offset };
		struct wt_target target = bed_target(&io);
		struct wt_outcome outcome = { 0 };

		target.dio_file_align = 4096;
		target.dio_memory_align = 512;
		cr_assert_eq(wt_engine_direct.write(&target, &io, &outcome), WT_DECLINED);
		cr_assert_eq(outcome.fell, cases[i].why, "case %zu: %s", i,
			     wt_reason_text(outcome.fell));
	}
}

Test(direct, declines_an_address_that_is_not_there)
{
	struct iovec iov = { (void *)1, 4096 };
	struct wt_io io = { WT_PWRITE, bed.fd, 1, 0, { &iov }, 0 };
	struct wt_io vector = { WT_PWRITEV, bed.fd, 1, 0, { (void *)1 }, 0 };
	struct wt_target target = bed_target(&io);
	struct wt_outcome outcome = { 0 };

	target.dio_file_align = 4096;
	target.dio_memory_align = 512;
	cr_assert_eq(wt_engine_direct.write(&target, &io, &outcome), WT_DECLINED);
	cr_assert_eq(wt_engine_direct.write(&target, &vector, &outcome), WT_DECLINED);
	cr_assert_eq(wt_engine_dsync.write(&target, &io, &outcome), -EFAULT);
}
