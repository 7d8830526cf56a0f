/* SPDX-License-Identifier: MIT */
/*
 * Copies between files (copy_file_range, sendfile, splice). Their bytes come from another file or a
 * pipe and are never in the program's memory, so the copy itself is the act (os/io.h) that writes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/sendfile.h>

#include "base/base.h"
#include "core/write.h"
#include "edge/edge.h"
#include "os/real.h"
#include "os/sys.h"

/* Signals are blocked during a write; with steps of this size, not for too long. */
#define STEP_BYTES ((size_t)64 << 20)

struct copy {
	struct wt_act act; /* first */
	int in;
	off64_t *in_offset;
	int out;
	off64_t *out_offset;
	size_t len;
	unsigned int flags;
	ssize_t copied; /* the kernel's answer; 0 before it */
};

static ssize_t answer(struct copy *copy, ssize_t ret)
{
	copy->copied = ret;
	return ret < 0 ? -errno : ret;
}

static ssize_t do_copy_file_range(struct wt_act *act)
{
	struct copy *copy = (struct copy *)act;

	return answer(copy, wt_real.copy_file_range(copy->in, copy->in_offset, copy->out,
						    copy->out_offset, copy->len, copy->flags));
}

static ssize_t do_sendfile(struct wt_act *act)
{
	struct copy *copy = (struct copy *)act;

	return answer(copy, wt_real.sendfile(copy->out, copy->in, copy->in_offset, copy->len));
}

static ssize_t do_splice(struct wt_act *act)
{
	struct copy *copy = (struct copy *)act;

	return answer(copy, wt_real.splice(copy->in, copy->in_offset, copy->out, copy->out_offset,
					   copy->len, copy->flags));
}

/* Makes the struct from the arguments, which have these names. */
#define COPY(call)                                                                                 \
	((struct copy){ .act = { .name = #call, .carry_out = do_##call },                          \
			.in = in,                                                                  \
			.in_offset = in_offset,                                                    \
			.out = out,                                                                \
			.out_offset = out_offset,                                                  \
			.len = len,                                                                \
			.flags = flags })

/* Whether the file is under no rule, and not counted for the report either. */
static inline bool has_no_rule(int out)
{
	return likely(wt_fdtable_get(out).word == WT_VERDICT_PASS);
}

/*
 * The offset that the program passed by address. That the address is bad is the kernel's to answer.
 */
static off_t offset_of(off64_t *at)
{
	off64_t offset;

	if (!at || !wt_sys_read_program(&offset, at, sizeof(offset)) || offset < 0)
		return WT_OFFSET_NONE;
	return offset;
}

/*
 * The copy was made, but cannot be brought to its level, so the call fails. Sets the offsets to
 * what they were, as far as that is known, as a call that fails leaves them. Bytes of a pipe are
 * lost.
 */
static void take_back(const struct copy *copy, off_t in, off_t out)
{
	if (in >= 0 && copy->in_offset)
		*copy->in_offset = in;
	else if (in >= 0)
		wt_sys.lseek(copy->in, in, SEEK_SET);
	if (out >= 0)
		*copy->out_offset = out;
}

/* Makes one step of a copy. */
static ssize_t step(struct copy *copy)
{
	off_t in =
		copy->in_offset ? offset_of(copy->in_offset) : wt_sys.lseek(copy->in, 0, SEEK_CUR);
	const struct wt_io io = {
		.call = WT_ACT,
		.fd = copy->out,
		.act = &copy->act,
		.offset = offset_of(copy->out_offset),
	};

	copy->copied = 0;
	ssize_t ret = wt_core_write(&io, wt_fdtable_get(copy->out));
	if (ret < 0 && copy->copied > 0)
		take_back(copy, in, io.offset);
	return ret;
}

static bool is_one_file(int in, int out)
{
	struct stat one, other;

	return !wt_sys.identify(in, &one) && !wt_sys.identify(out, &other) &&
	       wt_is_same_file(&one, &other);
}

/*
 * Whether the kernel has to see the whole length: it refuses a length above SSIZE_MAX, and ranges
 * of one file that overlap, which single steps might not.
 */
static bool needs_whole_length(const struct copy *copy)
{
	return copy->len > SSIZE_MAX ||
	       (copy->len > STEP_BYTES && is_one_file(copy->in, copy->out));
}

/*
 * Makes the copy in steps. An error in a later step makes the copy a short one, and the program's
 * next call meets the error.
 */
static ssize_t covered(struct copy copy)
{
	int errno_before = errno;
	size_t asked = copy.len < WT_CALL_BYTES_MAX ? copy.len : WT_CALL_BYTES_MAX, done = 0;
	ssize_t ret;

	if (needs_whole_length(&copy))
		return wt_leave(step(&copy), errno_before);
	do {
		copy.len = asked - done < STEP_BYTES ? asked - done : STEP_BYTES;
		ret = step(&copy);
		done += ret > 0 ? ret : 0;
	} while (ret == (ssize_t)STEP_BYTES && done < asked);
	return wt_leave(done ? (ssize_t)done : ret, errno_before);
}

/*
 * The length up to RLIMIT_FSIZE. The kernel cuts a copy short there, and sends SIGXFSZ only to one
 * that begins at the limit, as a step would.
 */
static size_t below_file_size_limit(const struct copy *copy)
{
	const struct wt_io io = { .offset = copy->out_offset
						    ? offset_of(copy->out_offset)
						    : wt_sys.lseek(copy->out, 0, SEEK_CUR) };
	size_t room = 0;

	if (copy->len > STEP_BYTES && io.offset >= 0)
		room = wt_io_below_file_size_limit(&io, copy->len);
	return room ? room : copy->len;
}

WT_EXPORT ssize_t copy_file_range(int in, off64_t *in_offset, int out, off64_t *out_offset,
				  size_t len, unsigned int flags)
{
	if (has_no_rule(out) || !len)
		return wt_real.copy_file_range(in, in_offset, out, out_offset, len, flags);
	struct copy copy = COPY(copy_file_range);
	copy.len = below_file_size_limit(&copy);
	return covered(copy);
}

WT_EXPORT ssize_t sendfile(int out, int in, off_t *offset, size_t len)
{
	if (has_no_rule(out) || !len)
		return wt_real.sendfile(out, in, offset, len);
	return covered((struct copy){ .act = { .name = "sendfile", .carry_out = do_sendfile },
				      .in = in,
				      .in_offset = offset,
				      .out = out,
				      .len = len });
}

WT_ALIAS(sendfile) ssize_t sendfile64(int out, int in, off64_t *offset, size_t len);

/*
 * Whether splice(2) would have gone on after any handler of the program's (SA_RESTART). It is not
 * known which of them interrupted.
 */
static bool do_all_handlers_restart(void)
{
	struct sigaction action;

	for (int number = 1; number < NSIG; number++)
		if (!wt_sys_is_raised(number) && !sigaction(number, NULL, &action) &&
		    action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN &&
		    !(action.sa_flags & SA_RESTART))
			return false;
	return true;
}

/* Waits until the pipe has bytes, with signals let through. poll(2) itself is never restarted. */
static bool wait_for(int pipe)
{
	struct pollfd fd = { .fd = pipe, .events = POLLIN };

	while (poll(&fd, 1, -1) < 0)
		if (errno != EINTR || !do_all_handlers_restart())
			return false;
	return true;
}

/*
 * Tries the splice before it waits for the pipe, so that an error of the call is returned at once.
 */
static ssize_t splice_when_ready(struct copy copy)
{
	int errno_before = errno;
	ssize_t ret;

	copy.flags |= SPLICE_F_NONBLOCK;
	while ((ret = covered(copy)) < 0 && errno == EAGAIN)
		if (!wait_for(copy.in))
			return -1;
	if (ret >= 0)
		errno = errno_before;
	return ret;
}

WT_EXPORT ssize_t splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
			 unsigned int flags)
{
	if (has_no_rule(out) || !len)
		return wt_real.splice(in, in_offset, out, out_offset, len, flags);
	struct copy copy = COPY(splice);
	int fl = wt_sys.getfl(in);

	if (fl < 0 || flags & SPLICE_F_NONBLOCK || fl & O_NONBLOCK)
		return covered(copy);
	return splice_when_ready(copy);
}
