/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "state/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "os/raw.h"
#include "os/sys.h"

bool wt_hold_thread_is_gone(uint32_t thread)
{
	char path[40], stat[128], *state;
	struct wt_text text = { .buf = path, .size = sizeof(path) - 1 };

	if (wt_kernel(SYS_tkill, thread, 0) == -ESRCH)
		return true;
	wt_text_str(&text, "/proc/");
	wt_text_u64(&text, thread);
	wt_text_str(&text, "/stat");
	path[text.len] = '\0';
	int fd = wt_sys_open_aside(AT_FDCWD, path, O_RDONLY);
	if (fd < 0)
		return false;
	ssize_t len = wt_sys.read(fd, stat, sizeof(stat) - 1);
	wt_sys.close(fd);
	stat[len < 0 ? 0 : len] = '\0';
	state = strrchr(stat, ')');
	return state && state[1] == ' ' && strchr("TtZX", state[2]);
}

static long futex(_Atomic uint32_t *word, int op, uint32_t value, const struct timespec *timeout)
{
	return wt_kernel(SYS_futex, word, op, value, timeout, NULL, 0);
}

#define TOKEN_SHIFT 8 /* a token is a thread id, and a count below it */

/*
 * No waiter is left sleeping: a release reads the count of waiters after it has freed the word, and
 * a waiter reads the word after it has raised the count.
 */
uint32_t wt_hold_take(struct wt_hold *at, unsigned int seconds_max)
{
	static const struct timespec second = { .tv_sec = 1 };
	static _Atomic uint32_t tokens;
	uint32_t count = atomic_fetch_add_explicit(&tokens, 1, memory_order_relaxed);
	uint32_t token = (uint32_t)wt_kernel(SYS_gettid) << TOKEN_SHIFT | (count & 0xff);
	uint32_t other = 0, before = 0;
	unsigned int seconds = 0;

	while (!atomic_compare_exchange_strong(&at->token, &other, token)) {
		if (!other || other >> TOKEN_SHIFT == token >> TOKEN_SHIFT)
			continue;
		seconds = other == before ? seconds : 0;
		before = other;
		atomic_fetch_add(&at->waiters, 1);
		long ret = futex(&at->token, FUTEX_WAIT, other, &second);
		bool too_long = ret == -ETIMEDOUT && (++seconds >= seconds_max ||
						      wt_hold_thread_is_gone(other >> TOKEN_SHIFT));
		atomic_fetch_sub(&at->waiters, 1);
		if (!too_long)
			other = 0;
	}
	return token;
}

bool wt_hold_let(struct wt_hold *at, uint32_t token)
{
	bool held = atomic_compare_exchange_strong(&at->token, &token, 0);

	if (atomic_load(&at->waiters))
		futex(&at->token, FUTEX_WAKE, 1, NULL);
	return held;
}
