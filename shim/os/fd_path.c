/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/fd_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/text.h"
#include "os/sys.h"

static const char deleted[] = " (deleted)";

static void link_below(const char *directory, int fd, char link[WT_FD_PATH_LINK_BYTES])
{
	struct wt_text text = { .buf = link, .size = WT_FD_PATH_LINK_BYTES - 1 };

	wt_text_str(&text, directory);
	wt_text_u64(&text, (unsigned int)fd);
	link[text.len] = '\0';
}

void wt_fd_path_link(int fd, char link[WT_FD_PATH_LINK_BYTES])
{
	link_below("/proc/thread-self/fd/", fd, link);
}

void wt_fd_path_link_of(pid_t thread, int fd, char link[WT_FD_PATH_LINK_BYTES])
{
	char directory[WT_FD_PATH_LINK_BYTES];
	struct wt_text text = { .buf = directory, .size = sizeof(directory) - 1 };

	wt_text_str(&text, "/proc/self/task/");
	wt_text_u64(&text, (unsigned int)thread);
	wt_text_str(&text, "/fd/");
	directory[text.len] = '\0';
	link_below(directory, fd, link);
}

static ssize_t read_link(int fd, char *buf, size_t size)
{
	char link[WT_FD_PATH_LINK_BYTES];

	wt_fd_path_link(fd, link);
	ssize_t len = wt_sys.readlink(link, buf, size);
	/* A tool that translates paths (proot) may know only this link. */
	if (len == -ENOENT) {
		link_below("/proc/self/fd/", fd, link);
		len = wt_sys.readlink(link, buf, size);
	}
	if (len >= 0 && (size_t)len >= size)
		return -ENAMETOOLONG;
	if (len >= 0)
		buf[len] = '\0';
	return len;
}

/*
 * The kernel adds " (deleted)" to a path that was unlinked, even if the file has other names. A
 * file may also really be named so: then the path leads to the same inode.
 */
int wt_fd_path_marked(int fd, char *buf, size_t size, bool *unlinked)
{
	ssize_t len = read_link(fd, buf, size), suffix = sizeof(deleted) - 1;
	struct stat named, st;

	*unlinked = len > suffix && !strcmp(buf + len - suffix, deleted) &&
		    (wt_sys.identify(fd, &st) ||
		     wt_sys.identify_at(AT_FDCWD, buf, AT_SYMLINK_NOFOLLOW, &named) ||
		     named.st_ino != st.st_ino);
	return len;
}

int wt_fd_path(int fd, char *buf, size_t size)
{
	bool unlinked;
	int len = wt_fd_path_marked(fd, buf, size, &unlinked);

	if (!unlinked)
		return len;
	len -= sizeof(deleted) - 1;
	buf[len] = '\0';
	return len;
}
