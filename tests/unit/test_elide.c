/* SPDX-License-Identifier: MIT */
/* When an fdatasync has nothing left to do. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch.h"
#include "state/elide.h"
#include "state/inode.h"

static int fd;

static void setup(void)
{
	cr_assert_eq(wt_inode_init(), 0);
	scratch_make();
	fd = open(scratch_path("file"), O_RDWR | O_CREAT, 0600);
	cr_assert_geq(fd, 0);
}

TestSuite(elide, .init = setup, .fini = scratch_remove);

/* What the next sync would find; it is carried out, and succeeds, where it has something to do. */
static bool elided(int file)
{
	struct wt_elide asked;

	if (wt_elide_ask(&asked, file))
		return true;
	wt_elide_synced(&asked);
	return false;
}

Test(elide, the_first_sync_is_carried_out)
{
	cr_assert_not(elided(fd));
	cr_assert(elided(fd));
	cr_assert(elided(fd));
}

Test(elide, a_doubt_makes_the_next_one_real)
{
	elided(fd);
	wt_elide_doubt(fd);
	cr_assert_not(elided(fd));
	cr_assert(elided(fd));
}

Test(elide, a_doubt_during_a_sync_outlives_it)
{
	struct wt_elide asked;

	cr_assert_not(wt_elide_ask(&asked, fd));
	wt_elide_doubt(fd);
	wt_elide_synced(&asked);
	cr_assert_not(elided(fd));
}

Test(elide, a_sync_that_failed_ends_no_doubt)
{
	struct wt_elide asked;

	cr_assert_not(wt_elide_ask(&asked, fd));
	cr_assert_not(wt_elide_ask(&asked, fd));
}

Test(elide, what_cannot_be_watched_is_never_elided)
{
	elided(fd);
	wt_elide_never(fd);
	cr_assert_not(elided(fd));
	cr_assert_not(elided(fd));
}

Test(elide, another_file_knows_nothing_of_it)
{
	int other = open(scratch_path("other"), O_RDWR | O_CREAT, 0600);
	int same = open(scratch_path("file"), O_RDWR);

	elided(fd);
	cr_assert_not(elided(other));
	cr_assert(elided(same), "another descriptor of the file does");
}

Test(elide, a_forked_process_shares_what_is_known)
{
	int status;

	elided(fd);
	pid_t child = fork();
	if (!child) {
		wt_elide_doubt(fd);
		_exit(0);
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_not(elided(fd));
}

Test(elide, a_descriptor_that_is_none_is_synced)
{
	cr_assert_not(elided(-1));
	cr_assert_not(elided(-1));
}
