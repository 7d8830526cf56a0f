/* SPDX-License-Identifier: MIT */
/* A writeback error that a write returned is there for the next fsync of that file, once. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "errors.h"

static int temporary_file(void)
{
	char path[] = "/var/tmp/wt-errors-XXXXXX";
	int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	unlink(path);
	return fd;
}

Test(errors, nothing_is_kept_of_a_file_without_errors)
{
	cr_assert_not(wt_errors_any());
	cr_assert_eq(wt_errors_take(temporary_file()), 0);
}

Test(errors, an_error_is_taken_once_by_any_descriptor_of_the_file)
{
	int fd = temporary_file();
	int other = dup(fd);

	wt_errors_keep(fd, -ENOSPC);
	cr_assert(wt_errors_any());
	cr_assert_eq(wt_errors_take(other), -ENOSPC);
	cr_assert_eq(wt_errors_take(fd), 0);
	cr_assert_not(wt_errors_any());
}

Test(errors, another_file_does_not_get_it)
{
	int fd = temporary_file();

	wt_errors_keep(fd, -EIO);
	cr_assert_eq(wt_errors_take(temporary_file()), 0);
	cr_assert_eq(wt_errors_take(-1), 0);
	cr_assert_eq(wt_errors_take(fd), -EIO);
}

Test(errors, the_latest_of_two_is_kept)
{
	int fd = temporary_file();

	wt_errors_keep(fd, -EIO);
	wt_errors_keep(fd, -ENOSPC);
	cr_assert_eq(wt_errors_kept, 1u);
	cr_assert_eq(wt_errors_take(fd), -ENOSPC);
}
