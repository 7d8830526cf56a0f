/* SPDX-License-Identifier: MIT */
/* Which successes are looked at again because of a neighbour. */
#define _GNU_SOURCE
#include <criterion/criterion.h>

#include "state/inode.h"
#include "state/suspect.h"

#define FILE_HASH 12345u

static void setup(void)
{
	cr_assert_eq(wt_inode_init(), 0);
}

TestSuite(suspect, .init = setup);

Test(suspect, one_that_ended_before_the_write_is_none)
{
	wt_suspect_begin(FILE_HASH);
	wt_suspect_end(FILE_HASH);
	cr_assert_not(wt_suspect_since(FILE_HASH, wt_suspect_of(FILE_HASH)));
}

Test(suspect, one_that_was_or_is_under_way_is)
{
	uint32_t before = wt_suspect_of(FILE_HASH);

	wt_suspect_begin(FILE_HASH);
	cr_assert(wt_suspect_since(FILE_HASH, before));
	cr_assert(wt_suspect_since(FILE_HASH, wt_suspect_of(FILE_HASH)));
	wt_suspect_end(FILE_HASH);
	cr_assert(wt_suspect_since(FILE_HASH, before));
}
