/* SPDX-License-Identifier: MIT */
/* Writes whose bytes come from another file or a pipe, and never were in the program's memory. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>

#include "core.h"
#include "edge.h"
#include "real.h"
#include "sys.h"

/* Signals are held off during a write: not for longer than this many bytes take. */
#define STEP_BYTES ((size_t)64 << 20)

struct copy {
	struct wt_act act; /* first */
	int in;
	off64_t *in_offset;
	int out;
	off64_t *out_offset;
	size_t len;
	unsigned int flags;
};

static ssize_t do_copy_file_range(struct wt_act *act)
{
	const struct copy *copy = (struct copy *)act;
	ssize_t ret = wt_real.copy_file_range(copy->in, copy->in_offset, copy->out,
					      copy->out_offset, copy->len, copy->flags);

	return ret < 0 ? -errno : ret;
}

static ssize_t do_sendfile(struct wt_act *act)
{
	const struct copy *copy = (struct copy *)act;
	ssize_t ret = wt_real.sendfile(copy->out, copy->in, copy->in_offset, copy->len);

	return ret < 0 ? -errno : ret;
}

static ssize_t do_splice(struct wt_act *act)
{
	const struct copy *copy = (struct copy *)act;
	ssize_t ret = wt_real.splice(copy->in, copy->in_offset, copy->out, copy->out_offset,
				     copy->len, copy->flags);

	return ret < 0 ? -errno : ret;
}

static inline bool has_no_rule(int out)
{
	return likely(wt_fdtable_get(out).state == WT_NO_RULE);
}

/* The offset is the program's memory: only the kernel says that it is not there. */
static off_t offset_of(off64_t *at)
{
	off64_t offset;
	struct iovec into = { &offset, sizeof(offset) }, from = { at, sizeof(offset) };

	if (!at || wt_sys.read_memory(&into, &from, 1) != (ssize_t)sizeof(offset) || offset < 0)
		return WT_OFFSET_NONE;
	return offset;
}

static ssize_t step(struct copy *copy)
{
	const struct wt_io io = {
		.call = WT_ACT,
		.fd = copy->out,
		.act = &copy->act,
		.offset = offset_of(copy->out_offset),
	};

	return wt_core_write(&io, wt_fdtable_get(copy->out));
}

/* One call, in steps; an error after the first is told by the next call, as after a short write. */
static ssize_t covered(struct copy *copy)
{
	int errno_before = errno;
	size_t asked = copy->len, done = 0;
	ssize_t ret;

	do {
		copy->len = asked - done < STEP_BYTES ? asked - done : STEP_BYTES;
		ret = step(copy);
		done += ret > 0 ? ret : 0;
	} while (ret == (ssize_t)STEP_BYTES && done < asked);
	return wt_leave(done ? (ssize_t)done : ret, errno_before);
}

WT_EXPORT ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
				  size_t len, unsigned int flags)
{
	if (has_no_rule(out) || !len)
		return wt_real.copy_file_range(in, in_offset, out, out_offset, len, flags);
	return covered(&(struct copy){ { "copy_file_range", do_copy_file_range },
				       in,
				       in_offset,
				       out,
				       out_offset,
				       len,
				       flags });
}

WT_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
	if (has_no_rule(out) || !len)
		return wt_real.sendfile(out, in, offset, len);
	return covered(
		&(struct copy){ { "sendfile", do_sendfile }, in, offset, out, NULL, len, 0 });
}

WT_ALIAS(sendfile) ssize_t sendfile64(int out, int in, off64_t *offset, size_t len);

/* Until the pipe has something, with signals let through; then it must not be waited for again. */
static ssize_t splice_when_ready(struct copy *copy)
{
	struct pollfd pipe = { .fd = copy->in, .events = POLLIN };
	ssize_t ret;

	do {
		if (poll(&pipe, 1, -1) < 0)
			return -1;
		copy->flags |= SPLICE_F_NONBLOCK;
		ret = covered(copy);
	} while (ret < 0 && errno == EAGAIN);
	return ret;
}

WT_EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			 unsigned int flags)
{
	if (has_no_rule(out) || !len)
		return wt_real.splice(in, in_offset, out, out_offset, len, flags);
	struct copy copy = { { "splice", do_splice }, in, in_offset, out, out_offset, len, flags };
	int fl = wt_sys.getfl(in);

	/* poll(2) waits for ever on what is no descriptor. */
	if (fl < 0 || flags & SPLICE_F_NONBLOCK || fl & O_NONBLOCK)
		return covered(&copy);
	return splice_when_ready(&copy);
}
