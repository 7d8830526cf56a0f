/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file_trust.h"
#include "os/process.h"
#include "os/raw.h"
#include "os/sys.h"
#include "report/form.h"
#include "report/log.h"
#include "report/stats.h"
#include "report/unruled.h"

#define BUFFER_BYTES (64u << 10)

static bool complained;

static bool is_json(const char *where)
{
	static const char suffix[] = ".json";
	size_t len = strlen(where), suffix_len = sizeof(suffix) - 1;

	return len >= suffix_len && !strcasecmp(where + len - suffix_len, suffix);
}

static int complain(const char *where, int err, struct wt_text *fault)
{
	if (!fault->len) {
		wt_text_str(fault, wt_log_errno_text(err));
		wt_text_str(fault, err == -EINVAL ? ": expected only %p, %e or %% after a %"
						  : ": expected stderr, or a path in a writable "
						    "directory");
	}
	if (!complained)
		wt_log(WT_LOG_ERROR, "WT_REPORT=%.200s: %.*s", where, (int)fault->len, fault->buf);
	complained = true;
	return err;
}

static int may_access(int dirfd, const char *path, int mode)
{
	return wt_syscall(SYS_faccessat2, dirfd, path, mode, AT_EACCESS | AT_EMPTY_PATH) ? -errno
											 : 0;
}

static int check_directory_of(char *path)
{
	char *slash = strrchr(path, '/');

	if (!slash)
		return may_access(AT_FDCWD, ".", W_OK | X_OK);
	slash[slash == path] = '\0';
	return may_access(AT_FDCWD, path, W_OK | X_OK);
}

static int check_file(int fd, struct wt_text *fault)
{
	struct stat st;
	int err = wt_sys.identify(fd, &st);

	if (err)
		return err;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	wt_file_trust_output(&st, geteuid(), fault);
	return fault->len ? -EPERM : may_access(fd, "", W_OK);
}

/* Opens the path with O_PATH only, because a device or a FIFO would notice another opening. */
static int check_path(char *path, struct wt_text *fault)
{
	int fd = wt_sys.open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0)
		return fd == -ENOENT ? check_directory_of(path) : fd;
	int err = check_file(fd, fault);
	wt_sys.close(fd);
	return err;
}

int wt_report_check(const char *where)
{
	char path[PATH_MAX], words[WT_FILE_TRUST_FAULT_BYTES];
	struct wt_text fault = { .buf = words, .size = sizeof(words) };

	if (wt_file_trust_is_stderr(where))
		return 0;
	wt_file_trust_output_name(where, &fault);
	int err = fault.len ? -EPERM : wt_log_expand(where, path, sizeof(path));
	if (err >= 0)
		err = check_path(path, &fault);
	return err ? complain(where, err, &fault) : 0;
}

static int deliver(const char *where, const struct wt_text *text, struct wt_text *fault)
{
	if (!wt_file_trust_is_stderr(where))
		return wt_log_append(where, text->buf, text->len, fault);
	wt_log_stderr(text->buf, text->len);
	return 0;
}

static void build(struct wt_text *text, const char *where, const struct wt_policy *policy)
{
	char exe[PATH_MAX];

	if (!is_json(where)) {
		wt_report_text(text, policy);
		return;
	}
	ssize_t len = wt_sys.readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[len < 0 ? 0 : len] = '\0';
	wt_report_json(text, policy, len < 0 ? NULL : exe);
}

/* Builds the report anew in a mapping twice as large, until all of it fits. */
static int build_and_deliver(const char *where, const struct wt_policy *policy,
			     struct wt_text *fault)
{
	for (size_t size = BUFFER_BYTES;; size *= 2) {
		char *buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				 -1, 0);
		if (buf == MAP_FAILED)
			return -errno;
		struct wt_text text = { .buf = buf, .size = size };
		build(&text, where, policy);
		int err = text.cut ? 0 : deliver(where, &text, fault);
		munmap(buf, size);
		if (!text.cut)
			return err;
	}
}

void wt_report_write(const char *where, const struct wt_policy *policy)
{
	char words[WT_FILE_TRUST_FAULT_BYTES];
	struct wt_text fault = { .buf = words, .size = sizeof(words) };

	if (!wt_stats_claim_report())
		return;
	if (wt_process_is_fork() && !wt_stats_any() && !wt_unruled_any())
		return;
	int err = build_and_deliver(where, policy, &fault);
	if (err)
		complain(where, err, &fault);
}
