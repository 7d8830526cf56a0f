/* SPDX-License-Identifier: MIT */
/* The calls that can be struck, the faults, and the filter that asks about them. */
#include "syscall_faults.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RING(...)                                                                                  \
	SYS_io_uring_enter,                                                                        \
	{                                                                                          \
		__VA_ARGS__, -1                                                                    \
	}
#define NO_RING                                                                                    \
	{                                                                                          \
		-1                                                                                 \
	}

const struct call calls[] = {
	{ "write", SYS_write, NO_RING },
	{ "writev", SYS_writev, NO_RING },
	{ "pwrite64", SYS_pwrite64, NO_RING },
	{ "pwritev", SYS_pwritev, NO_RING },
	{ "pwritev2", SYS_pwritev2, NO_RING },
	{ "sync_file_range", SYS_sync_file_range, NO_RING },
	{ "fdatasync", SYS_fdatasync, NO_RING },
	{ "fsync", SYS_fsync, NO_RING },
	{ "fadvise64", SYS_fadvise64, NO_RING },
	{ "lseek", SYS_lseek, NO_RING },
	{ "fcntl", SYS_fcntl, NO_RING },
	{ "statx", SYS_statx, NO_RING },
	{ "newfstatat", SYS_newfstatat, NO_RING },
	{ "fstatfs", SYS_fstatfs, NO_RING },
	{ "statfs", SYS_statfs, NO_RING },
	{ "fremovexattr", SYS_fremovexattr, NO_RING },
	{ "removexattr", SYS_removexattr, NO_RING },
	{ "ioctl", SYS_ioctl, NO_RING },
	{ "readlinkat", SYS_readlinkat, NO_RING },
	{ "readlink", SYS_readlink, NO_RING },
	{ "openat", SYS_openat, NO_RING },
	{ "read", SYS_read, NO_RING },
	{ "pread64", SYS_pread64, NO_RING },
	{ "preadv2", SYS_preadv2, NO_RING },
	{ "mmap", SYS_mmap, NO_RING },
	{ "madvise", SYS_madvise, NO_RING },
	{ "process_vm_readv", SYS_process_vm_readv, NO_RING },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, NO_RING },
	{ "prlimit64", SYS_prlimit64, NO_RING },
	{ "gettid", SYS_gettid, NO_RING },
	{ "get_robust_list", SYS_get_robust_list, NO_RING },
	{ "tgkill", SYS_tgkill, NO_RING },
	{ "cachestat", 451, NO_RING },
	{ "uname", SYS_uname, NO_RING },
	{ "clone", SYS_clone, NO_RING },
	{ "wait4", SYS_wait4, NO_RING },
	{ "io_uring_setup", SYS_io_uring_setup, NO_RING },
	{ "io_uring_enter", SYS_io_uring_enter, NO_RING },
	{ "io_uring_register", SYS_io_uring_register, NO_RING },
	{ "uring_write", RING(IORING_OP_WRITE, IORING_OP_WRITE_FIXED) },
	{ "uring_read", RING(IORING_OP_READ, IORING_OP_READ_FIXED) },
	{ "uring_sync", RING(IORING_OP_FSYNC, IORING_OP_SYNC_FILE_RANGE) },
	{ "uring_openat", RING(IORING_OP_OPENAT, IORING_OP_OPENAT2) },
	{ "uring_files_update", RING(IORING_OP_FILES_UPDATE, IORING_OP_CLOSE) },
};

const size_t calls_len = COUNT(calls);

static const struct {
	const char *name;
	int err;
} errors[] = {
#define E(name)                                                                                    \
	{                                                                                          \
#name, name                                                                        \
	}
	E(ENOSYS), E(EPERM),  E(EINTR),	 E(EAGAIN), E(ENOMEM), E(EIO),	      E(EMFILE),
	E(EINVAL), E(ENOSPC), E(EDQUOT), E(EBADF),  E(EBUSY),  E(EOPNOTSUPP),
#undef E
};

const char *errno_text(int err)
{
	const char *name = err ? strerrorname_np(err) : "0";

	return name ? name : "?";
}

static bool parse_what(struct fault *fault, const char *text)
{
	if (!strcmp(text, "short"))
		fault->what = SHORT;
	else if (!strcmp(text, "lie"))
		fault->what = LIE;
	else if (!strcmp(text, "copied"))
		fault->what = COPIED;
	else if (strcmp(text, "none"))
		fault->what = FAIL;
	for (size_t i = 0; i < COUNT(errors); i++)
		if (!strcmp(errors[i].name, text))
			fault->err = errors[i].err;
	return fault->what != FAIL || fault->err;
}

static bool parse_when(struct fault *fault, const char *text)
{
	char *end;
	double number = strtod(text, &end);

	if (*end == '%') {
		fault->chance = number / 100;
		fault->state = strtoull(end + 1, &end, 10);
		fault->first = 1;
		fault->last = ~0UL;
		return fault->chance > 0 && !*end;
	}
	fault->first = fault->last = number;
	if (*end == '+') {
		fault->last = ~0UL;
		end++;
	}
	return fault->first && !*end;
}

bool fault_parse(struct injector *injector, const char *text)
{
	char name[32], what[16], when[32];
	struct fault *fault = &injector->faults[injector->faults_len];

	if (injector->faults_len == FAULTS_MAX ||
	    sscanf(text, "%31[^:]:%15[^:]:%31s", name, what, when) != 3)
		return false;
	for (size_t i = 0; i < calls_len; i++)
		if (!strcmp(calls[i].name, name))
			fault->call = &calls[i];
	if (!fault->call || !parse_what(fault, what) || !parse_when(fault, when))
		return false;
	injector->faults_len++;
	return true;
}

void fault_record_all(struct injector *injector)
{
	injector->records = true;
	for (size_t i = 0; i < calls_len; i++)
		injector->faults[injector->faults_len++] =
			(struct fault){ .call = &calls[i], .what = NONE, .first = 1, .last = ~0UL };
}

static bool by_chance(struct fault *fault)
{
	uint64_t x = fault->state += 0x9e3779b97f4a7c15ULL;

	if (!fault->chance)
		return true;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return (x >> 11) * 0x1p-53 < fault->chance;
}

struct fault *fault_strikes(struct injector *injector, const struct call *call)
{
	struct fault *found = NULL;

	for (size_t i = 0; i < injector->faults_len; i++) {
		struct fault *fault = &injector->faults[i];

		if (fault->call != call)
			continue;
		fault->seen++;
		if (!found && fault->what != NONE && fault->seen >= fault->first &&
		    fault->seen <= fault->last && by_chance(fault))
			found = fault;
	}
	if (found) {
		found->struck++;
		injector->struck++;
	}
	return found;
}

#if defined(__x86_64__)
#define MY_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MY_ARCH AUDIT_ARCH_AARCH64
#else
#error "which AUDIT_ARCH is this?"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SAME(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define VERDICT(value) BPF_STMT(BPF_RET | BPF_K, value)

/* While all calls are counted, only the one that sends the listener away is let through unasked. */
int filter_install(const struct injector *injector)
{
	struct sock_filter filter[FAULTS_MAX * 2 + 8] = {
		LOAD(arch),
		SAME(MY_ARCH, 1, 0),
		VERDICT(SECCOMP_RET_ALLOW),
		LOAD(nr),
	};
	struct sock_fprog program = { 4, filter };

	for (size_t i = 0; i < injector->faults_len && !injector->records; i++) {
		filter[program.len++] =
			(struct sock_filter)SAME(injector->faults[i].call->nr, 0, 1);
		filter[program.len++] = (struct sock_filter)VERDICT(SECCOMP_RET_USER_NOTIF);
	}
	if (injector->records) {
		filter[program.len++] = (struct sock_filter)SAME(SYS_sendmsg, 1, 0);
		filter[program.len++] = (struct sock_filter)VERDICT(SECCOMP_RET_USER_NOTIF);
	}
	filter[program.len++] = (struct sock_filter)VERDICT(SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER,
		       &program);
}

static const struct call *call_of(long nr)
{
	for (size_t i = 0; i < calls_len; i++)
		if (calls[i].nr == nr && calls[i].ops[0] < 0)
			return &calls[i];
	return NULL;
}

static int64_t decide(struct injector *injector, const struct seccomp_notif *call, bool *go_on)
{
	const struct call *known = call_of(call->data.nr);
	struct fault *fault = NULL;

	if (injector->armed && known)
		fault = fault_strikes(injector, known);
	else if (injector->armed && (size_t)call->data.nr < COUNT(injector->others))
		injector->others[call->data.nr]++;
	*go_on = !fault;
	if (!fault) {
		if (injector->armed && call->data.nr == SYS_io_uring_enter)
			uring_change(injector);
		return 0;
	}
	if (fault->what == SHORT)
		return answer_short(injector->pid, call);
	if (fault->what == COPIED)
		return answer_copied(injector->pid, call);
	return fault->what == LIE ? answer_lie(injector->pid, call) : -fault->err;
}

bool inject_answer(struct injector *injector)
{
	struct seccomp_notif call = { 0 };
	struct seccomp_notif_resp answer = { 0 };
	bool go_on;

	if (ioctl(injector->listener, SECCOMP_IOCTL_NOTIF_RECV, &call))
		return errno == EINTR;
	int64_t ret = decide(injector, &call, &go_on);
	answer.id = call.id;
	if (go_on)
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (ret < 0)
		answer.error = ret;
	else
		answer.val = ret;
	/* It may have been killed meanwhile. */
	ioctl(injector->listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	return true;
}
