/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "test_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/base.h"

const char *const fault_names[FAULT_CALLS] = {
#define X(ret, name, params) [FAULT_##name] = #name,
	WT_SYS_CALLS(X)
#undef X
#define X(name) [FAULT_own_##name] = "own " #name,
		FAULT_OWN_WRITES(X)
#undef X
};

static struct wt_sys below;
static struct wt_real below_own;

static struct {
	struct fault fault;
	bool armed;
	int fd;
	int seen[FAULT_CALLS];
	int struck;
} now;

struct entry {
	off_t offset;
	off_t end;
	enum strength strength;
	bool is_copy;
};

static struct entry ledger[512];
static size_t ledger_len;

static void note(int fd, off_t offset, off_t len, enum strength strength, bool is_copy)
{
	if (fd != now.fd || ledger_len == WT_LENGTH(ledger))
		return;
	ledger[ledger_len++] = (struct entry){ offset, offset + len, strength, is_copy };
}

static bool overlaps(const struct entry *entry, off_t offset, size_t len)
{
	return entry->is_copy && entry->offset < offset + (off_t)len && entry->end > offset;
}

/* Whether the copy is as strong by itself, or by one later call that covers what of it counts. */
static bool is_strong(size_t index, off_t offset, off_t end, enum strength strength)
{
	const struct entry *copy = &ledger[index];
	off_t from = copy->offset > offset ? copy->offset : offset;
	off_t to = copy->end < end ? copy->end : end;

	if (copy->strength >= strength)
		return true;
	for (size_t i = index + 1; i < ledger_len; i++)
		if (!ledger[i].is_copy && ledger[i].strength >= strength &&
		    ledger[i].offset <= from && ledger[i].end >= to)
			return true;
	return false;
}

static bool ledger_was_copied(off_t offset, size_t len)
{
	for (size_t i = 0; i < ledger_len; i++)
		if (overlaps(&ledger[i], offset, len))
			return true;
	return false;
}

bool ledger_has(off_t offset, size_t len, enum strength strength)
{
	for (size_t i = 0; i < ledger_len; i++)
		if (overlaps(&ledger[i], offset, len) &&
		    !is_strong(i, offset, offset + len, strength))
			return false;
	return ledger_was_copied(offset, len);
}

static bool strikes(enum fault_call call)
{
	if (!now.armed)
		return false;
	int n = ++now.seen[call];
	bool struck = now.fault.call == call && now.fault.answer &&
		      (now.fault.at == FAULT_EVERY || now.fault.at == n);

	now.struck += struck;
	return struck;
}

/* What the ledger is to know of a call that succeeded. */

#define TO_THE_END ((off_t)1 << 50)

static void note_sync(enum fault_call call, const long *args)
{
	unsigned int all =
		SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
	off_t len = args[2] ? args[2] : TO_THE_END;

	if (call == FAULT_fsync)
		note(args[0], 0, TO_THE_END, STABLE_ALL, false);
	else if (call == FAULT_fdatasync)
		note(args[0], 0, TO_THE_END, STABLE, false);
	else if (call == FAULT_sync_file_range && (args[3] & all) == all)
		note(args[0], args[1], len, ON_DEVICE, false);
	else if (call == FAULT_sync_file_range && args[3] & SYNC_FILE_RANGE_WRITE)
		note(args[0], args[1], len, STARTED, false);
}

typedef long (*any_call)(long, long, long, long, long, long);

bool fault_can_be_short(enum fault_call call)
{
	return call == FAULT_read || call == FAULT_write || call == FAULT_read_memory ||
	       call == FAULT_pwritev2 || call >= FAULT_own_write;
}

/* For half of its bytes; a vector for the first half of its first part. */
static long made_short(enum fault_call call, any_call make, const long *args)
{
	struct iovec part;

	if (call == FAULT_read || call == FAULT_write)
		return make(args[0], args[1], (args[2] + 1) / 2, 0, 0, 0);
	part = *(struct iovec *)(call == FAULT_read_memory ? args[0] : args[1]);
	part.iov_len = (part.iov_len + 1) / 2;
	if (call == FAULT_read_memory)
		return make((long)&part, args[1], args[2], 0, 0, 0);
	return make(args[0], (long)&part, 1, args[3], args[4], 0);
}

/* Arguments are integers and pointers, whatever the call: all six go on as they came. */
static long made(enum fault_call call, any_call make, const long *args)
{
	if (!strikes(call)) {
		long ret = make(args[0], args[1], args[2], args[3], args[4], args[5]);

		/* The upper half of what an int function returns means nothing. */
		if ((int)ret == 0 && now.armed)
			note_sync(call, args);
		return ret;
	}
	if (now.fault.answer == FAULT_LIE)
		return 0;
	/* close(2): the descriptor is gone whatever it answers. */
	if (call == FAULT_close)
		make(args[0], 0, 0, 0, 0, 0);
	if (now.fault.answer == FAULT_SHORT)
		return made_short(call, make, args);
	return now.fault.answer;
}

#define X(ret, name, params)                                                                       \
	static long faulty_##name(long a, long b, long c, long d, long e, long f)                  \
	{                                                                                          \
		long args[] = { a, b, c, d, e, f };                                                \
		any_call make;                                                                     \
                                                                                                   \
		memcpy(&make, &below.name, sizeof(make));                                          \
		return (ret)made(FAULT_##name, make, args);                                        \
	}
WT_SYS_CALLS(X)
#undef X

/* The program's own writes: how much of which length goes where, for the ledger. */

static ssize_t copied(int fd, ssize_t ret, off_t offset, int flags)
{
	enum strength strength = flags & RWF_SYNC    ? STABLE_ALL
				 : flags & RWF_DSYNC ? STABLE
						     : COPIED;
	struct stat st;
	bool appends = syscall(SYS_fcntl, fd, F_GETFL) & O_APPEND || flags & RWF_APPEND;

	if (ret <= 0 || !now.armed)
		return ret;
	if (offset < 0)
		offset = syscall(SYS_lseek, fd, 0, SEEK_CUR) - ret;
	else if (appends && !fstat(fd, &st))
		offset = st.st_size - ret;
	note(fd, offset, ret, strength, true);
	return ret;
}

/* How much of `len` bytes is to be written; 0 for none, with errno set. */
static size_t allowed(enum fault_call call, size_t len, ssize_t *ret)
{
	if (!strikes(call))
		return len;
	if (now.fault.answer == FAULT_SHORT)
		return (len + 1) / 2;
	*ret = now.fault.answer == FAULT_LIE ? (ssize_t)len : -1;
	errno = now.fault.answer < 0 ? -now.fault.answer : errno;
	return 0;
}

static ssize_t faulty_own_write(int fd, const void *buf, size_t len)
{
	ssize_t ret;
	size_t part = allowed(FAULT_own_write, len, &ret);

	return part ? copied(fd, below_own.write(fd, buf, part), -1, 0) : ret;
}

static ssize_t faulty_own_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
	ssize_t ret;
	size_t part = allowed(FAULT_own_pwrite, len, &ret);

	return part ? copied(fd, below_own.pwrite(fd, buf, part, offset), offset, 0) : ret;
}

/* Of a vector, a part ends in its first piece. */
static ssize_t vector(enum fault_call call, int fd, const struct iovec *iov, int count,
		      off_t offset, int flags)
{
	struct iovec first;
	size_t len = 0;
	ssize_t ret;

	for (int i = 0; i < count; i++)
		len += iov[i].iov_len;
	size_t part = allowed(call, len, &ret);
	if (!part)
		return ret;
	if (part < len) {
		first = *iov;
		if (first.iov_len > part)
			first.iov_len = part;
		iov = &first;
		count = 1;
	}
	return copied(fd, below_own.pwritev2(fd, iov, count, offset, flags), offset, flags);
}

static ssize_t faulty_own_writev(int fd, const struct iovec *iov, int count)
{
	return vector(FAULT_own_writev, fd, iov, count, -1, 0);
}

static ssize_t faulty_own_pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
	return vector(FAULT_own_pwritev, fd, iov, count, offset, 0);
}

static ssize_t faulty_own_pwritev2(int fd, const struct iovec *iov, int count, off_t offset,
				   int flags)
{
	return vector(FAULT_own_pwritev2, fd, iov, count, offset, flags);
}

static int said_to_be_ext4(int fd, struct statfs *fs)
{
	static int (*ask)(int, struct statfs *);

	if (!ask) {
		ask = wt_sys.fstatfs;
		return 0;
	}
	int err = ask(fd, fs);
	fs->f_type = EXT4_SUPER_MAGIC;
	return err;
}

void fault_wrap(void)
{
	any_call wrapped;

	said_to_be_ext4(-1, NULL);
	wt_sys.fstatfs = said_to_be_ext4;
	below = wt_sys;
	below_own = wt_real;
#define X(ret, name, params)                                                                       \
	wrapped = faulty_##name;                                                                   \
	memcpy(&wt_sys.name, &wrapped, sizeof(wrapped));
	WT_SYS_CALLS(X)
#undef X
#define X(name) wt_real.name = faulty_own_##name;
	FAULT_OWN_WRITES(X)
#undef X
}

void fault_arm(const struct fault *fault, int fd)
{
	memset(&now, 0, sizeof(now));
	now.fault = *fault;
	now.fd = fd;
	now.armed = true;
	ledger_len = 0;
}

int fault_seen(enum fault_call call)
{
	return now.seen[call];
}

int fault_struck(void)
{
	return now.struck;
}
