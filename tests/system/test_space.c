/* SPDX-License-Identifier: MIT */
/*
 * On a full file system: the write that finds no room says ENOSPC and leaves the
 * offset, one that finds some is short and moves it by that much, and everything
 * that was reported written is there.
 */
#define _GNU_SOURCE
#include "../lib/bed.h"
#include "../lib/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define LEFT_BYTES (12 << 20)

/* Takes up all but a little of the file system; the descriptor holds it. */
static int take_up(const struct bed *bed)
{
	int fd = open(bed_path(bed, "ballast"), O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct statvfs fs;
	off_t taken;

	cr_assert(fd >= 0 && !fstatvfs(fd, &fs), "%s: %m", bed->name);
	taken = fs.f_bfree * fs.f_frsize - LEFT_BYTES;
	while (posix_fallocate(fd, 0, taken) && taken > LEFT_BYTES)
		taken -= LEFT_BYTES; /* what is free is not always for the taking */
	/* And btrfs finds more, as long as it has few chunks. */
	while (!fstatvfs(fd, &fs) && fs.f_bfree * fs.f_frsize > 2 * LEFT_BYTES &&
	       !posix_fallocate(fd, taken, LEFT_BYTES))
		taken += LEFT_BYTES;
	unlink(bed_path(bed, "ballast"));
	return fd;
}

static void run_fill(const struct bed *bed, const char *rule, const char *symbol)
{
	const char *label = rule ? rule : "without libwt";
	struct bed_run run;
	int dir = open(bed->dir, O_RDONLY | O_DIRECTORY);

	bed_run(&run, &(struct bed_program){
			      .rules = rule,
			      .env = { "WT_LOG=error" },
			      .argv = { "fill", symbol, bed_path(bed, "fill") },
		      });
	cr_expect_eq(run.status, 0, "%s, %s: ended with %d", bed->name, label, run.status);
	cr_expect_eq(bed_fact(&run, "err"), ENOSPC, "%s, %s: %s", bed->name, label, run.out);
	cr_expect_eq(bed_fact(&run, "misplaced"), 0, "%s, %s: %s", bed->name, label, run.out);
	cr_expect_eq(bed_fact(&run, "size_right"), 1, "%s, %s: %s", bed->name, label, run.out);
	cr_expect_eq(bed_fact(&run, "equal"), 1, "%s, %s: %s", bed->name, label, run.out);
	unlink(bed_path(bed, "fill"));
	syncfs(dir); /* some give space back only with the next commit */
	close(dir);
}

static void check_full(const char *bed_name, const char *symbol)
{
	const struct bed *bed = bed_need(bed_name);
	int ballast = take_up(bed);

	run_fill(bed, NULL, symbol);
	RULE_EACH(rule)
		if (rule->always)
			run_fill(bed, rule->text, symbol);
	close(ballast);
}

#define FULL_TEST(name, bed_name, symbol)                                                          \
	Test(full, name##_##symbol)                                                                \
	{                                                                                          \
		check_full(bed_name, #symbol);                                                     \
	}

FULL_TEST(ext4, "EXT4", write)
FULL_TEST(ext4, "EXT4", pwrite)
FULL_TEST(xfs, "XFS", writev)
FULL_TEST(xfs, "XFS", pwrite)
FULL_TEST(btrfs, "BTRFS", write)
FULL_TEST(btrfs, "BTRFS", pwritev)
