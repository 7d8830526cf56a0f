/* SPDX-License-Identifier: MIT */
/* What a process may do changes after it has opened its files. */
#include "processes.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define NOBODY 65534

static const char *second = "second.db", *third = "third.db";

/* By one of its names. */
static int open_as(const char *how, const char *file)
{
	char name[4096];

	if (!strcmp(how, "absolute") || !strcmp(how, "dotted")) {
		must(getcwd(name, 3000), "getcwd");
		strcat(strcat(name, *how == 'a' ? "/" : "/.//sub/../sub/.././"), file);
		must(!mkdir("sub", 0755) || errno == EEXIST, "mkdir");
		return open(name, O_RDWR | O_CREAT, 0600);
	}
	if (!strcmp(how, "link")) {
		close(open(file, O_RDWR | O_CREAT, 0600));
		must(!symlink(file, "link") || errno == EEXIST, "symlink");
		return open("link", O_RDWR);
	}
	if (!strcmp(how, "directory"))
		return openat(open(".", O_PATH), file, O_RDWR | O_CREAT, 0600);
	return open(file, O_RDWR | O_CREAT, 0600);
}

/*
 * In a child, as its parent has to judge. The second file was opened before and is written after,
 * the third is written on, the first is opened after, if it can be.
 */
static void change(const char *file, void (*how)(void), const char *opens_as)
{
	int before = open_file(second), written = open_file(third);
	pid_t child = fork();

	if (opens_as)
		judge_pages_of(file, 0);
	if (!child) {
		write_page(written, 0);
		how();
		write_page(before, 0);
		write_page(written, 1);
		if (opens_as)
			write_page(open_as(opens_as, file), 0);
		_exit(0);
	}
	wait_for(child);
	close(before);
	close(written);
}

static void become_nobody(void)
{
	must(!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
		     !setresuid(NOBODY, NOBODY, NOBODY),
	     "setresuid");
}

static void setuid_after_open(const char *file, char **args)
{
	(void)args;
	change(file, become_nobody, NULL);
}

/* Root in name, without the right to pass over a mode. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	must(!chmod(second, 0) && !chmod(third, 0), "chmod");
	must(!chown(second, NOBODY, NOBODY) && !chown(third, NOBODY, NOBODY), "chown");
	must(!syscall(SYS_capset, &header, none), "capset");
	must(open(second, O_RDWR) == -1 && errno == EACCES, "the right is still there");
}

static void capabilities_after_open(const char *file, char **args)
{
	(void)args;
	change(file, drop_capabilities, NULL);
}

static void enter_chroot(void)
{
	must(!chroot("."), "chroot");
	must(access("/proc", F_OK), "/proc is there");
}

static void chroot_after_open(const char *file, char **args)
{
	change(file, enter_chroot, args[0]);
}

/* There may be several, one on the other. */
static void unmount_proc(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		cannot("a mount namespace");
	for (int i = 0; i < 16 && !umount2("/proc", MNT_DETACH); i++)
		;
	must(access("/proc/self", F_OK), "/proc is still there");
}

static void no_proc(const char *file, char **args)
{
	change(file, unmount_proc, args[0]);
}

/* By one who has no capability that would pass over the limit, and with a file of each rule. */
static void limit(const char *file, char **args)
{
	struct rlimit none = { strtoull(args[1], NULL, 0), strtoull(args[1], NULL, 0) };
	int fd = open_file(file);
	pid_t child = fork();

	if (!child) {
		must(!fchmod(fd, 0666), "fchmod");
		become_nobody();
		must(!setrlimit(strcmp(args[0], "nproc") ? RLIMIT_MEMLOCK : RLIMIT_NPROC, &none),
		     "setrlimit");
		for (unsigned int page = 0; page < 8; page++)
			write_page(fd, page);
		_exit(0);
	}
	wait_for(child);
	close(fd);
}

const struct habit rights_habits[] = {
	{ "setuid_after_open", setuid_after_open },
	{ "capabilities_after_open", capabilities_after_open },
	{ "chroot_after_open", chroot_after_open },
	{ "no_proc", no_proc },
	{ "limit", limit },
	{ NULL, NULL },
};
