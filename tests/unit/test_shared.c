/* SPDX-License-Identifier: MIT */
/* The tables that forked processes share: there once they are begun, and the same for all. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "child.h"
#include "report/log.h"
#include "scratch.h"
#include "state/description.h"
#include "state/shared.h"
#include "state/suspect.h"

#define FILE_HASH 12345u

Test(shared, descriptions_are_watched_from_the_beginning_on)
{
	cr_expect(wt_description_is_externally_shared(wt_description_number(true)));
	wt_shared_begin();
	cr_expect_not(wt_description_is_externally_shared(wt_description_number(true)));
}

static int suspect_file(void *unused)
{
	(void)unused;
	wt_suspect_begin(FILE_HASH);
	return 0;
}

Test(shared, what_a_forked_process_notes_is_seen)
{
	wt_shared_begin();
	uint32_t before = wt_suspect_of(FILE_HASH);

	child_forked(suspect_file, NULL);
	cr_expect(wt_suspect_since(FILE_HASH, before));
}

Test(shared, a_second_beginning_forgets_nothing)
{
	wt_shared_begin();
	uint32_t before = wt_suspect_of(FILE_HASH);

	suspect_file(NULL);
	wt_shared_begin();
	cr_expect(wt_suspect_since(FILE_HASH, before));
}

/* Half of what the tables need more than this process has. */
static void limit_memory(void)
{
	unsigned long pages = 0;
	FILE *statm = fopen("/proc/self/statm", "re");

	cr_assert(statm && fscanf(statm, "%lu", &pages) == 1);
	fclose(statm);
	struct rlimit limit = { pages * 4096 + (512 << 10), RLIM_INFINITY };
	cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
}

Test(shared, without_memory_each_description_counts_as_externally_shared)
{
	static char path[4096];
	struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (SANITIZED)
		cr_skip_test("this machine: a sanitizer's runtime needs memory");
	scratch_make();
	strcpy(path, scratch_write("log", "", 0));
	wt_log_init(WT_LOG_WARN, path);
	limit_memory();
	wt_shared_begin();
	setrlimit(RLIMIT_AS, &no_limit);
	cr_expect(wt_description_is_externally_shared(wt_description_number(true)));
	cr_expect(strstr(scratch_contents(path), "no memory to share"), "%s",
		  scratch_contents(path));
	scratch_remove();
}
