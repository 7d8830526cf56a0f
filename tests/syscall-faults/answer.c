/* SPDX-License-Identifier: MIT */
/*
 * A write that is made for a part of its bytes is made by this process, on the writer's own open
 * file description (pidfd_getfd(2)), so that offset, flags and file are its own.
 */
#include "syscall_faults.h"

#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define VECTOR_MAX 16

static size_t part_of(size_t len)
{
	return len > 1 ? len / 2 : len;
}

/* Copies bytes that lie scattered in the writer; their number, or -1. */
static ssize_t gather(pid_t pid, uint64_t vector, size_t count, char *to, size_t room)
{
	struct iovec from[VECTOR_MAX], here = { from, count * sizeof(from[0]) };
	struct iovec there = { (void *)vector, here.iov_len };

	if (count > VECTOR_MAX || process_vm_readv(pid, &here, 1, &there, 1, 0) < 0)
		return -1;
	here = (struct iovec){ to, room };
	return process_vm_readv(pid, &here, 1, from, count, 0);
}

static size_t vector_len(pid_t pid, uint64_t vector, size_t count)
{
	struct iovec from[VECTOR_MAX], here = { from, count * sizeof(from[0]) };
	struct iovec there = { (void *)vector, here.iov_len };
	size_t len = 0;

	if (count > VECTOR_MAX || process_vm_readv(pid, &here, 1, &there, 1, 0) < 0)
		return 0;
	for (size_t i = 0; i < count; i++)
		len += from[i].iov_len;
	return len;
}

static bool is_scalar(const struct seccomp_notif *call)
{
	return call->data.nr == SYS_write || call->data.nr == SYS_pwrite64;
}

static size_t len_of(pid_t pid, const struct seccomp_notif *call)
{
	const uint64_t *args = (const uint64_t *)call->data.args;

	return is_scalar(call) ? args[2] : vector_len(pid, args[1], args[2]);
}

static int64_t write_part(int fd, const struct seccomp_notif *call, char *bytes, size_t len,
			  bool flagged)
{
	const uint64_t *args = (const uint64_t *)call->data.args;
	struct iovec iov = { bytes, len };
	int64_t ret;

	switch (call->data.nr) {
	case SYS_write:
	case SYS_writev:
		ret = write(fd, bytes, len);
		break;
	case SYS_pwritev2:
		ret = pwritev2(fd, &iov, 1, args[3], flagged ? args[5] : 0);
		break;
	default:
		ret = pwrite(fd, bytes, len, args[3]);
	}
	return ret < 0 ? -errno : ret;
}

static int64_t write_instead(pid_t pid, const struct seccomp_notif *call, size_t len, bool flagged)
{
	char *bytes = malloc(len + 1);
	struct iovec here = { bytes, len }, there = { (void *)call->data.args[1], len };
	int process = syscall(SYS_pidfd_open, pid, 0);
	int fd = syscall(SYS_pidfd_getfd, process, (int)call->data.args[0], 0);
	ssize_t got = is_scalar(call)
			      ? process_vm_readv(pid, &here, 1, &there, 1, 0)
			      : gather(pid, call->data.args[1], call->data.args[2], bytes, len);
	int64_t ret =
		fd < 0 || got != (ssize_t)len ? -EFAULT : write_part(fd, call, bytes, len, flagged);

	close(fd);
	close(process);
	free(bytes);
	return ret;
}

/* process_vm_readv(pid, to, to_count, from, from_count): from the writer to the writer. */
static int64_t short_memory(pid_t pid, const struct seccomp_notif *call)
{
	const uint64_t *args = (const uint64_t *)call->data.args;
	size_t len = part_of(vector_len(pid, args[3], args[4]));
	char *bytes = malloc(len + 1);
	ssize_t got = gather(pid, args[3], args[4], bytes, len);
	struct iovec to, here = { &to, sizeof(to) }, there = { (void *)args[1], sizeof(to) };
	int64_t ret = -EFAULT;

	if (got > 0 && process_vm_readv(pid, &here, 1, &there, 1, 0) > 0) {
		here = (struct iovec){ bytes, got };
		there = (struct iovec){ to.iov_base, got };
		ret = process_vm_writev(pid, &here, 1, &there, 1, 0);
	}
	free(bytes);
	return ret;
}

int64_t answer_short(pid_t pid, const struct seccomp_notif *call)
{
	if (call->data.nr == SYS_process_vm_readv)
		return short_memory(pid, call);
	return write_instead(pid, call, part_of(len_of(pid, call)), true);
}

int64_t answer_copied(pid_t pid, const struct seccomp_notif *call)
{
	write_instead(pid, call, len_of(pid, call), false);
	return -EIO;
}

int64_t answer_lie(pid_t pid, const struct seccomp_notif *call)
{
	switch (call->data.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
	case SYS_pwritev:
	case SYS_pwritev2:
		return len_of(pid, call);
	}
	return 0;
}
