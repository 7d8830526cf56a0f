/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "report/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/file_trust.h"
#include "base/text.h"
#include "os/raw.h"
#include "os/sys.h"
#include "os/thread.h"

#define LINE_BYTES 1024
#define KERNEL_SIGSET_BYTES 8

#define OUTPUT_FLAGS (O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

/* If the file appears and disappears again and again between two calls, somebody plays with it. */
#define OPEN_TRIES 4

enum wt_log_level wt_log_threshold = WT_LOG_WARN;

static const char *log_path;
static atomic_bool log_path_failed;

/* A copy of the program's name, because programs write their titles over argv. */
static char program[NAME_MAX + 1] = "?";

/* What stderr was at the start. All zero, which is no file, if it was closed. */
static struct stat stderr_at_start;
static bool stderr_known;

static const char *const level_names[] = {
	[WT_LOG_ERROR] = "error",
	[WT_LOG_WARN] = "warning",
	[WT_LOG_INFO] = "info",
	[WT_LOG_DEBUG] = "debug",
};

int wt_log_level_parse(const char *name)
{
	if (!strcmp(name, "warn"))
		return WT_LOG_WARN;
	for (int level = WT_LOG_ERROR; level <= WT_LOG_DEBUG; level++) {
		if (level != WT_LOG_WARN && !strcmp(name, level_names[level]))
			return level;
	}
	return -EINVAL;
}

void wt_log_init(enum wt_log_level level, const char *path)
{
	const char *name = program_invocation_short_name;

	wt_log_threshold = level;
	log_path = path;
	if (name && *name)
		*stpncpy(program, name, sizeof(program) - 1) = '\0';
	if (wt_sys.identify(STDERR_FILENO, &stderr_at_start))
		memset(&stderr_at_start, 0, sizeof(stderr_at_start));
	stderr_known = true;
}

const char *wt_log_program(void)
{
	return program;
}

const char *wt_log_errno_text(int err)
{
	const char *text = strerrordesc_np(err < 0 ? -err : err);

	return text ? text : "unknown error";
}

int wt_log_expand(const char *path, char *buf, size_t size)
{
	/* One byte is left for the final NUL. */
	struct wt_text text = { .buf = buf, .size = size - 1 };

	for (; *path; path++) {
		if (*path != '%')
			wt_text_bytes(&text, path, 1);
		else if (*++path == 'p')
			wt_text_u64(&text, getpid());
		else if (*path == 'e')
			wt_text_str(&text, program);
		else if (*path == '%')
			wt_text_str(&text, "%");
		else
			return -EINVAL;
	}
	if (text.cut)
		return -ENAMETOOLONG;
	buf[text.len] = '\0';
	return text.len;
}

/* Makes the system calls itself, because sigtimedwait(3) is a cancellation point. */
static int write_without_signals(int fd, const void *buf, size_t len)
{
	static const struct timespec at_once;
	sigset_t blocked, old, before;
	int err;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGPIPE);
	sigaddset(&blocked, SIGXFSZ);
	sigpending(&before);
	wt_kernel(SYS_rt_sigprocmask, SIG_BLOCK, &blocked, &old, KERNEL_SIGSET_BYTES);
	err = wt_sys_write_all(fd, buf, len);
	/* A signal that was pending before is the program's and stays pending. */
	if (sigismember(&before, SIGPIPE))
		sigdelset(&blocked, SIGPIPE);
	if (sigismember(&before, SIGXFSZ))
		sigdelset(&blocked, SIGXFSZ);
	if (err == -EPIPE || err == -EFBIG)
		wt_kernel(SYS_rt_sigtimedwait, &blocked, NULL, &at_once, KERNEL_SIGSET_BYTES);
	wt_kernel(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, KERNEL_SIGSET_BYTES);
	return err;
}

static bool stderr_is_ours(void)
{
	struct stat st;

	if (wt_sys.identify(STDERR_FILENO, &st))
		return false;
	/*
	 * Descriptor 2 was closed at the start, so what has this number now is the program's own.
	 */
	if (stderr_known && !stderr_at_start.st_mode)
		return false;
	if (!stderr_known || S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))
		return true;
	return wt_is_same_file(&st, &stderr_at_start);
}

bool wt_log_reaches(void)
{
	struct stat st;

	return log_path || wt_log_threshold < WT_LOG_WARN ||
	       (!wt_sys.identify(STDERR_FILENO, &st) && wt_is_same_file(&st, &stderr_at_start));
}

void wt_log_stderr(const char *buf, size_t len)
{
	if (stderr_is_ours())
		write_without_signals(STDERR_FILENO, buf, len);
}

/* Opens an existing file, if libwt may append to it. */
static int open_old(const char *path, struct wt_text *fault)
{
	struct stat st;
	int fd = wt_sys_aside(wt_sys.open(path, OUTPUT_FLAGS, 0));
	int err = fd < 0 ? fd : wt_sys.identify(fd, &st);

	if (!err)
		wt_file_trust_output(&st, geteuid(), fault);
	if (!err && !fault->len)
		return fd;
	if (fd >= 0)
		wt_sys.close(fd);
	return err ? err : -EPERM;
}

/* Opens in two steps, because only a file that libwt itself created needs no check of its owner. */
static int open_output(const char *path, struct wt_text *fault)
{
	int fd = -ENOENT;

	for (int tries = 0; tries < OPEN_TRIES; tries++) {
		fd = open_old(path, fault);
		if (fd != -ENOENT)
			return fd;
		fd = wt_sys_aside(wt_sys.open(path, OUTPUT_FLAGS | O_CREAT | O_EXCL, 0600));
		if (fd != -EEXIST)
			return fd;
	}
	return fd;
}

/* Buffers are mapped, because signal handlers log too, on stacks that may have only 8 KiB. */
static void *map_room(size_t size)
{
	void *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

static int append(const char *path, const char *buf, size_t len, struct wt_text *fault)
{
	int fd = open_output(path, fault);

	if (fd < 0)
		return fd;
	int err = write_without_signals(fd, buf, len);
	wt_sys.close(fd);
	return err;
}

int wt_log_append(const char *path, const char *buf, size_t len, struct wt_text *fault)
{
	wt_file_trust_output_name(path, fault);
	if (fault->len)
		return -EPERM;
	char *expanded = map_room(PATH_MAX);
	int err = expanded ? wt_log_expand(path, expanded, PATH_MAX) : -ENOMEM;

	if (err >= 0)
		err = append(expanded, buf, len, fault);
	if (expanded)
		munmap(expanded, PATH_MAX);
	return err;
}

/* Builds `prefix: message\n`, escaped, in at most LINE_BYTES. Returns the length. */
static size_t build_line(char *buf, enum wt_log_level level, const char *message)
{
	static const char ellipsis[] = "...";
	struct wt_text line = { .buf = buf, .size = LINE_BYTES - sizeof(ellipsis) };

	wt_text_str(&line, "libwt[");
	wt_text_plain(&line, program, strlen(program));
	wt_text_str(&line, " ");
	wt_text_u64(&line, getpid());
	wt_text_str(&line, "]: ");
	wt_text_str(&line, level_names[level]);
	wt_text_str(&line, ": ");
	wt_text_plain(&line, message, strlen(message));
	line.size = LINE_BYTES;
	if (line.cut) {
		line.cut = false;
		wt_text_str(&line, ellipsis);
	}
	wt_text_str(&line, "\n");
	return line.len;
}

struct room {
	/* As long as the line, so what is cut off here would not fit there either. */
	char message[LINE_BYTES];
	char line[LINE_BYTES];
	char words[WT_FILE_TRUST_FAULT_BYTES];
};

/* Reports on stderr that the log file failed; wt_log_line would try the log file again. */
static void complain_of_path(struct room *room, int err, struct wt_text *fault)
{
	if (atomic_exchange(&log_path_failed, true))
		return;
	if (!fault->len)
		wt_text_str(fault, err == -EINVAL ? "expected %p, %e or %% after %"
						  : wt_log_errno_text(err));
	snprintf(room->message, sizeof(room->message),
		 "WT_LOG_FILE=%.200s: %.*s; the log goes to stderr", log_path, (int)fault->len,
		 fault->buf);
	wt_log_stderr(room->line, build_line(room->line, WT_LOG_WARN, room->message));
}

static void say(struct room *room, enum wt_log_level level)
{
	struct wt_text fault = { .buf = room->words, .size = sizeof(room->words) };
	size_t len = build_line(room->line, level, room->message);
	int err = log_path ? wt_log_append(log_path, room->line, len, &fault) : 0;

	if (!err && log_path)
		return;
	wt_log_stderr(room->line, len);
	if (err)
		complain_of_path(room, err, &fault);
}

/* Without memory the message is lost. */
void wt_log_line(enum wt_log_level level, const char *format, ...)
{
	struct room *room = map_room(sizeof(*room));
	va_list args;

	if (!room)
		return;
	va_start(args, format);
	/* vsnprintf(3) uses the thread's storage, for its locale. */
	if (likely(wt_thread_has_storage()))
		vsnprintf(room->message, sizeof(room->message), format, args);
	else
		stpncpy(room->message, format, sizeof(room->message) - 1);
	va_end(args);
	say(room, level);
	munmap(room, sizeof(*room));
}
