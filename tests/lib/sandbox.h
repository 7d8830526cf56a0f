/* SPDX-License-Identifier: MIT */
/*
 * sandbox - takes from this process what a container or an older kernel would not have, by a list
 * of words, as in "linux-6.1,EPERM,caps":
 *
 *   EPERM, ENOSYS, kill, kill-thread, trap, allow
 *                  what io_uring's calls are answered by: an error, the end of the process or of
 *                  the thread, or SIGSYS; or nothing, for a control
 *   linux-X.Y      what came after that version is refused as it would be there. That is a stand-in
 *                  for the calls and flags of the table below, and not for what else has changed:
 *                  flags in memory cannot be filtered, nor can statx(2) leave a bit out, so it is
 *                  refused where it asks for alignments
 *   profile=FILE   the calls that a container's seccomp profile allows, a line each: NAME, or NAME
 *                  INDEX MASK VALUE, where an argument has to be so; the others answer EPERM, and
 *                  clone3(2) ENOSYS
 *   caps           without any capability CAP_SYS_*, from the next execve(2) on
 *   proc=ro, proc=none
 *                  /proc is read-only, or is not mounted
 *   memlock=BYTES, nproc=COUNT
 *                  limits (getrlimit(2)), soft and hard
 *   user=ID        another user's and group's
 *
 * The questions of probe.h are answered all the same: they carry PROBE_WORD.
 */
#ifndef WT_TESTS_SANDBOX_H
#define WT_TESTS_SANDBOX_H

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "probe.h"

#define SANDBOX_WORDS_MAX 256

/* What came when: calls from this number on, or one call with an argument's bits set so. */
static const struct sandbox_novelty {
	int major, minor;
	int call;
	int last;     /* of several calls, or `call` */
	int argument; /* -1: any */
	uint64_t mask, value;
	int err;
} sandbox_novelties[] = {
	/* linux/io_uring.h: a ring's own number, not its descriptor's; and its registration */
	{ 6, 3, SYS_io_uring_register, SYS_io_uring_register, 1, 1U << 31, 1U << 31, EINVAL },
	{ 5, 18, SYS_io_uring_register, SYS_io_uring_register, 1, ~0U, 20, EINVAL },
	/* linux/fs.h: RWF_DONTCACHE, RWF_ATOMIC, RWF_NOAPPEND */
	{ 6, 14, SYS_pwritev2, SYS_pwritev2, 5, 0x80, 0x80, EOPNOTSUPP },
	{ 6, 11, SYS_pwritev2, SYS_pwritev2, 5, 0x40, 0x40, EOPNOTSUPP },
	{ 6, 9, SYS_pwritev2, SYS_pwritev2, 5, 0x20, 0x20, EOPNOTSUPP },
	{ 6, 1, SYS_statx, SYS_statx, 3, STATX_DIOALIGN, STATX_DIOALIGN, EINVAL },
	/* MADV_POPULATE_READ and MADV_POPULATE_WRITE; PR_SET_VMA; CLOSE_RANGE_CLOEXEC */
	{ 5, 14, SYS_madvise, SYS_madvise, 2, ~1U, 22, EINVAL },
	{ 5, 17, SYS_prctl, SYS_prctl, 0, ~0U, 0x53564d41, EINVAL },
	{ 5, 11, SYS_close_range, SYS_close_range, 2, 4, 4, EINVAL },
	/* The numbers are the same everywhere (arch/x86/entry/syscalls/syscall_64.tbl). */
	{ 5, 11, 441, 441, -1, 0, 0, ENOSYS }, /* epoll_pwait2 */
	{ 5, 12, 442, 442, -1, 0, 0, ENOSYS }, /* mount_setattr */
	{ 5, 14, 443, 447, -1, 0, 0, ENOSYS }, /* quotactl_fd, landlock_*, memfd_secret */
	{ 5, 15, 448, 448, -1, 0, 0, ENOSYS }, /* process_mrelease */
	{ 5, 17, 449, 450, -1, 0, 0, ENOSYS }, /* futex_waitv, set_mempolicy_home_node */
	{ 6, 5, SYS_cachestat, SYS_cachestat, -1, 0, 0, ENOSYS },
	{ 6, 6, 452, 453, -1, 0, 0, ENOSYS },  /* fchmodat2, map_shadow_stack */
	{ 6, 8, 454, 461, -1, 0, 0, ENOSYS },  /* futex_*, statmount, listmount, lsm_* */
	{ 6, 13, 462, 480, -1, 0, 0, ENOSYS }, /* mseal, *xattrat, and what came later */
};

static inline bool sandbox_load(scmp_filter_ctx filter, bool made)
{
	bool loaded = made && !seccomp_load(filter);

	seccomp_release(filter);
	return loaded;
}

static inline bool sandbox_refuse_rings(uint32_t action)
{
	static const int calls[] = { SYS_io_uring_setup, SYS_io_uring_enter,
				     SYS_io_uring_register };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	bool made = filter;

	for (size_t i = 0; i < 3 && action != SCMP_ACT_ALLOW; i++)
		made = made && !seccomp_rule_add(filter, action, calls[i], 0);
	return sandbox_load(filter, made);
}

static inline bool sandbox_is_older(int major, int minor, const struct sandbox_novelty *what)
{
	return major < what->major || (major == what->major && minor < what->minor);
}

static inline bool sandbox_be_kernel(const char *version)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	struct scmp_arg_cmp not_a_probe = SCMP_A5(SCMP_CMP_NE, PROBE_WORD, 0);
	bool made = filter;
	int major, minor;

	if (sscanf(version, "%d.%d", &major, &minor) != 2)
		return false;
	for (size_t i = 0; i < sizeof(sandbox_novelties) / sizeof(sandbox_novelties[0]); i++) {
		const struct sandbox_novelty *what = &sandbox_novelties[i];
		struct scmp_arg_cmp is_so = SCMP_CMP(what->argument < 0 ? 0 : what->argument,
						     SCMP_CMP_MASKED_EQ, what->mask, what->value);

		if (!sandbox_is_older(major, minor, what))
			continue;
		for (int call = what->call; call <= what->last && made; call++)
			made = !seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(what->err), call, 1,
						       what->argument < 0 ? &not_a_probe : &is_so);
	}
	return sandbox_load(filter, made);
}

/* What libseccomp or this machine does not know cannot be called here either. */
static inline bool sandbox_allow_line(scmp_filter_ctx filter, const char *line)
{
	unsigned long long mask, value;
	unsigned int index;
	char name[64];
	int got = sscanf(line, "%63s %u %llu %llu", name, &index, &mask, &value);
	int call = got < 1 ? __NR_SCMP_ERROR : seccomp_syscall_resolve_name(name);

	if (call < 0)
		return got == 1 || got == 4;
	if (got == 1)
		return !seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0);
	return got == 4 && !seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1,
					     SCMP_CMP(index, SCMP_CMP_MASKED_EQ, mask, value));
}

static inline bool sandbox_be_profile(const char *path)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	FILE *list = fopen(path, "re");
	bool made = filter && list;
	char line[256];
	int lines = 0;

	for (; made && fgets(line, sizeof(line), list); lines++)
		made = sandbox_allow_line(filter, line);
	/* As all such profiles do: their filters cannot see its flags, and libc calls clone(2). */
	made = made && !seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_clone3, 0);
	made = made && !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SYS_cachestat, 1,
					 SCMP_A5(SCMP_CMP_EQ, PROBE_WORD, 0));
	if (list)
		fclose(list);
	return sandbox_load(filter, made && lines > 100);
}

static inline bool sandbox_drop_caps(void)
{
	static const int caps[] = { CAP_SYS_MODULE, CAP_SYS_RAWIO,     CAP_SYS_CHROOT,
				    CAP_SYS_PTRACE, CAP_SYS_PACCT,     CAP_SYS_ADMIN,
				    CAP_SYS_BOOT,   CAP_SYS_NICE,      CAP_SYS_RESOURCE,
				    CAP_SYS_TIME,   CAP_SYS_TTY_CONFIG };

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++)
		if (prctl(PR_CAPBSET_DROP, caps[i], 0, 0, 0))
			return false;
	return true;
}

/* Below one that is taken away there may be another. */
static inline bool sandbox_change_proc(bool is_there)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return false;
	if (is_there)
		return !mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	while (!umount2("/proc", MNT_DETACH))
		;
	return access("/proc/self", F_OK);
}

static inline bool sandbox_limit(int which, const char *number)
{
	struct rlimit limit = { strtoull(number, NULL, 0), strtoull(number, NULL, 0) };

	return !setrlimit(which, &limit);
}

static inline bool sandbox_be_user(const char *number)
{
	uid_t id = strtoul(number, NULL, 0);

	return !setgroups(0, NULL) && !setgid(id) && !setuid(id);
}

static inline bool sandbox_take_word(const char *word)
{
	static const struct {
		const char *name;
		uint32_t action;
	} answers[] = {
		{ "EPERM", SCMP_ACT_ERRNO(EPERM) }, { "ENOSYS", SCMP_ACT_ERRNO(ENOSYS) },
		{ "kill", SCMP_ACT_KILL_PROCESS },  { "kill-thread", SCMP_ACT_KILL_THREAD },
		{ "trap", SCMP_ACT_TRAP },	    { "allow", SCMP_ACT_ALLOW },
	};
	const char *value = strchr(word, '=');

	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (!strcmp(word, answers[i].name))
			return sandbox_refuse_rings(answers[i].action);
	if (!strncmp(word, "linux-", 6))
		return sandbox_be_kernel(word + 6);
	if (!strcmp(word, "caps"))
		return sandbox_drop_caps();
	if (!strcmp(word, "proc=ro") || !strcmp(word, "proc=none"))
		return sandbox_change_proc(word[5] == 'r');
	if (!strncmp(word, "profile=", 8))
		return sandbox_be_profile(value + 1);
	if (!strncmp(word, "memlock=", 8))
		return sandbox_limit(RLIMIT_MEMLOCK, value + 1);
	if (!strncmp(word, "nproc=", 6))
		return sandbox_limit(RLIMIT_NPROC, value + 1);
	if (!strncmp(word, "user=", 5))
		return sandbox_be_user(value + 1);
	errno = EINVAL;
	return false;
}

/* Word by word. False with the word that could not be done on stderr. */
static inline bool sandbox_enter(const char *list)
{
	char words[SANDBOX_WORDS_MAX], *rest;

	if (strlen(list) >= sizeof(words))
		return false;
	strcpy(words, list);
	for (char *word = strtok_r(words, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (sandbox_take_word(word))
			continue;
		fprintf(stderr, "sandbox: '%s' given: %m; expected words of tests/lib/sandbox.h\n",
			word);
		return false;
	}
	return true;
}

#endif
