/* SPDX-License-Identifier: MIT */
/*
 * fd_path - the path of an open file, as the kernel names it in /proc (proc(5), /proc/pid/fd).
 *
 * The link is the thread's, as the process's main thread may have ended. Where /proc is not mounted
 * there is no path (-ENOENT). No lock, no allocation; async-signal-safe.
 */
#ifndef WT_FD_PATH_H
#define WT_FD_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The absolute path, symbolic links resolved; the " (deleted)" of an unlinked file is taken off.
 * The length without the final NUL, or -errno: -ENAMETOOLONG where the path does not fit.
 */
int wt_fd_path(int fd, char *buf, size_t size);

/* The same with the " (deleted)"; *unlinked: whether the kernel has said so. */
int wt_fd_path_marked(int fd, char *buf, size_t size, bool *unlinked);

#define WT_FD_PATH_LINK_BYTES 40

/*
 * The link itself, by which the file can be opened again: of the calling thread's descriptor; or,
 * for an io_uring, whose worker is another thread, of a named thread of this process.
 */
void wt_fd_path_link(int fd, char link[WT_FD_PATH_LINK_BYTES]);
void wt_fd_path_link_of(pid_t thread, int fd, char link[WT_FD_PATH_LINK_BYTES]);

#endif
