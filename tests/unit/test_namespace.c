/* SPDX-License-Identifier: MIT */
/*
 * What follows a change of a name or a size: which directories are synced, what is done where one
 * cannot be, and what is answered. Files are real; the calls of the table are counted, and
 * fail where a test says so. The scratch directory passes for an ext4.
 */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "child.h"
#include "base/reason.h"
#include "core/namespace.h"
#include "os/sys.h"
#include "report/stats.h"
#include "scratch.h"
#include "state/config.h"
#include "state/description.h"
#include "state/fdtable.h"
#include "state/filesystem.h"

static struct wt_rule rules[8];
static uint32_t magic;

/* What was synced, "dir" for a directory and "file" for a file, in this order. */
static char synced[256];
static int sync_answers[8], syncs;
static int directory_answer, look_answer, descriptors;

static int count(const char *how, int fd)
{
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	snprintf(synced + strlen(synced), sizeof(synced) - strlen(synced), "%s%s %s",
		 *synced ? ", " : "", how, S_ISDIR(st.st_mode) ? "dir" : "file");
	return sync_answers[syncs++];
}

static int counted_fsync(int fd)
{
	return count("fsync", fd);
}

static int counted_fdatasync(int fd)
{
	return count("fdatasync", fd);
}

static int counted_syncfs(int fd)
{
	return count("syncfs", fd);
}

static int answered_openat(int dirfd, const char *path, int flags)
{
	int answer = flags & O_PATH ? look_answer : directory_answer;

	if (answer)
		return answer;
	int fd = openat(dirfd, path, flags);

	return fd < 0 ? -errno : fd;
}

static int answered_fstatfs(int fd, struct statfs *fs)
{
	(void)fd;
	memset(fs, 0, sizeof(*fs));
	fs->f_type = magic;
	return 0;
}

static void make(const char *name)
{
	close(open(scratch_path(name), O_WRONLY | O_CREAT, 0600));
}

static void use(const char *policy)
{
	struct wt_policy_error error;

	wt_config.policy = (struct wt_policy){ .rules = rules, .rules_max = WT_LENGTH(rules) };
	cr_assert_eq(
		wt_policy_parse(&wt_config.policy, policy, strlen(policy), WT_POLICY_LIST, &error),
		0);
	wt_config.active = wt_config.names = true;
}

static void setup(void)
{
	scratch_make();
	use("*.d=dsync;*.s=sync;*.t=through");
	cr_assert_eq(wt_stats_init(8), 0);
	cr_assert_eq(wt_description_init(), 0);
	magic = EXT4_SUPER_MAGIC;
	wt_sys.fsync = counted_fsync;
	wt_sys.fdatasync = counted_fdatasync;
	wt_sys.syncfs = counted_syncfs;
	wt_sys.openat = answered_openat;
	wt_sys.fstatfs = answered_fstatfs;
	make("a.d");
	make("plain");
	make("b.t");
	descriptors = child_count_descriptors();
}

static void teardown(void)
{
	rmdir(scratch_path("sub"));
	scratch_remove();
	cr_expect_eq(child_count_descriptors(), descriptors);
}

TestSuite(name, .init = setup, .fini = teardown);

static int renamed(const char *from, const char *to)
{
	char path[512];

	snprintf(path, sizeof(path), "%s", scratch_path(from));
	return wt_namespace_change(&(struct wt_naming){
		WT_RENAME, { AT_FDCWD, path }, { AT_FDCWD, scratch_path(to) }, 0 });
}

static int unlinked(const char *name)
{
	return wt_namespace_change(
		&(struct wt_naming){ .call = WT_UNLINK, .from = { AT_FDCWD, scratch_path(name) } });
}

/* The reason of the only event, or nothing. */
static const char *reported(void)
{
	const struct wt_event *event = wt_stats_event_at(0);

	cr_expect_null(wt_stats_event_at(1));
	return event ? event->reason : "";
}

Test(name, without_a_rule_nothing_is_synced)
{
	cr_expect_eq(renamed("plain", "other"), 0);
	cr_expect_eq(renamed("b.t", "c.t"), 0);
	cr_expect_eq(unlinked("c.t"), 0);
	cr_expect_eq(wt_namespace_truncate(scratch_path("other"), 10), 0);
	cr_expect_str_eq(synced, "");
	cr_expect_str_eq(reported(), "");
}

Test(name, a_rename_syncs_the_directory_once)
{
	cr_expect_eq(renamed("a.d", "b.d"), 0);
	cr_expect_str_eq(synced, "fsync dir");
}

Test(name, a_rename_elsewhere_syncs_both_directories)
{
	mkdir(scratch_path("sub"), 0700);
	cr_expect_eq(renamed("a.d", "sub/b.d"), 0);
	cr_expect_str_eq(synced, "fsync dir, fsync dir");
	unlink(scratch_path("sub/b.d"));
}

Test(name, a_rename_out_of_the_rules_counts_by_the_old_name)
{
	cr_expect_eq(renamed("a.d", "out"), 0);
	cr_expect_str_eq(synced, "fsync dir");
}

Test(name, an_unlink_syncs_the_directory)
{
	cr_expect_eq(unlinked("a.d"), 0);
	cr_expect_str_eq(synced, "fsync dir");
}

Test(name, a_directory_and_a_symbolic_link_have_no_rule)
{
	mkdir(scratch_path("e.d"), 0700);
	cr_expect_eq(renamed("e.d", "f.d"), 0);
	rmdir(scratch_path("f.d"));
	cr_assert_eq(symlink("plain", scratch_path("l.d")), 0);
	cr_expect_eq(renamed("l.d", "m.d"), 0);
	cr_expect_eq(unlinked("m.d"), 0);
	cr_expect_str_eq(synced, "");
}

Test(name, a_call_that_fails_is_followed_by_nothing)
{
	cr_expect_eq(renamed("gone.d", "b.d"), -ENOENT);
	cr_expect_eq(unlinked("gone.d"), -ENOENT);
	cr_expect_eq(wt_namespace_truncate(scratch_path("gone.d"), 1), -ENOENT);
	cr_expect_eq(wt_namespace_change(&(struct wt_naming){ .call = WT_UNLINK,
							      .from = { AT_FDCWD, (char *)16 } }),
		     -EFAULT);
	cr_expect_str_eq(synced, "");
	cr_expect_str_eq(reported(), "");
}

Test(name, the_error_of_the_sync_is_answered_though_the_name_has_changed)
{
	sync_answers[0] = -EIO;
	cr_expect_eq(renamed("a.d", "b.d"), -EIO);
	cr_expect_eq(access(scratch_path("b.d"), F_OK), 0);
	sync_answers[1] = -ENOSPC;
	cr_expect_eq(unlinked("b.d"), -ENOSPC);
	cr_expect_neq(access(scratch_path("b.d"), F_OK), 0);
	cr_expect_str_eq(reported(), "");
}

Test(name, an_interrupted_sync_is_begun_again)
{
	sync_answers[0] = sync_answers[1] = -EINTR;
	cr_expect_eq(unlinked("a.d"), 0);
	cr_expect_str_eq(synced, "fsync dir, fsync dir, fsync dir");
}

Test(name, a_directory_that_refuses_is_reported)
{
	sync_answers[0] = -EINVAL;
	cr_expect_eq(unlinked("a.d"), 0);
	cr_expect_str_eq(reported(), wt_reason_text(WT_WHY_NAMES_UNSYNCED));
	cr_expect_str_eq(wt_stats_event_at(0)->path, scratch_dir());
}

Test(name, an_unlink_in_a_directory_that_cannot_be_opened_is_reported)
{
	directory_answer = -EACCES;
	cr_expect_eq(unlinked("a.d"), 0);
	cr_expect_str_eq(synced, "");
	cr_expect_str_eq(reported(), wt_reason_text(WT_WHY_NAMES_UNSYNCED));
}

Test(name, a_name_that_could_not_be_looked_at_is_reported)
{
	look_answer = -EMFILE;
	cr_expect_eq(renamed("a.d", "b.d"), 0);
	cr_expect_str_eq(reported(), wt_reason_text(WT_WHY_NAME_UNSEEN));
	cr_expect_str_eq(wt_stats_event_at(0)->path, "a file that cannot be looked at");
}

Test(name, without_a_disk_nothing_is_synced_and_the_report_says_so)
{
	magic = TMPFS_MAGIC;
	cr_expect_eq(unlinked("a.d"), 0);
	cr_expect_str_eq(synced, "");
	cr_expect_str_eq(reported(), wt_reason_text(WT_WHY_NO_DISK));
}

Test(name, a_path_longer_than_the_stack_has_room_for)
{
	char name[3000];

	for (size_t i = 0; i < sizeof(name) - 5; i++)
		name[i] = i % 2 ? '/' : '.';
	strcpy(name + sizeof(name) - 6, "/a.d");
	cr_assert_eq(unlinked(name), 0);
	cr_expect_str_eq(synced, "fsync dir");
}

static union wt_verdict ruled(int fd)
{
	union wt_verdict verdict = { .state = WT_RULED, .engine = WT_ENGINE_DSYNC };
	struct stat st;

	cr_assert_eq(fstat(fd, &st), 0);
	verdict.fs = wt_filesystem_of(fd, st.st_dev);
	return verdict;
}

static int resized(int fd, union wt_verdict verdict)
{
	wt_fdtable_set(fd, verdict, 0);
	return wt_namespace_resized(fd);
}

Test(name, a_new_size_is_as_stable_as_its_level_wants)
{
	int fd = open(scratch_path("a.d"), O_RDWR);
	union wt_verdict verdict = ruled(fd);

	cr_expect_eq(resized(fd, verdict), 0);
	verdict.rule = 1;
	cr_expect_eq(resized(fd, verdict), 0);
	verdict.rule = 2;
	cr_expect_eq(resized(fd, verdict), 0);
	verdict.rule = 0;
	verdict.engine = WT_ENGINE_NONE;
	cr_expect_eq(resized(fd, verdict), 0);
	cr_expect_str_eq(synced, "fdatasync file, fsync file");
	close(fd);
}

Test(name, a_new_size_has_the_error_of_its_sync)
{
	int fd = open(scratch_path("a.d"), O_RDWR);
	union wt_verdict verdict = ruled(fd);

	sync_answers[0] = -EIO;
	cr_expect_eq(resized(fd, verdict), -EIO);
	sync_answers[1] = -EPERM;
	cr_expect_eq(resized(fd, verdict), 0);
	close(fd);
}
