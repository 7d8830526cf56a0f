/* SPDX-License-Identifier: MIT */
/*
 * fd_path - the path of an open file, as the kernel shows it in /proc (proc(5), /proc/pid/fd).
 *
 * The link is read in the thread's own directory, because /proc/self/fd is empty when the process's
 * main thread has ended. If /proc is not mounted there is no path (-ENOENT). No lock, no
 * allocation; async-signal-safe.
 */
#ifndef WT_FD_PATH_H
#define WT_FD_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * The absolute path, symbolic links resolved; of an unlinked file without the kernel's "
 * (deleted)". Returns the length without the final NUL, or -errno: -ENAMETOOLONG if the path does
 * not fit.
 */
int wt_fd_path(int fd, char *buf, size_t size);

/* The same, but leaves the " (deleted)". *unlinked: whether the kernel added it. */
int wt_fd_path_marked(int fd, char *buf, size_t size, bool *unlinked);

#define WT_FD_PATH_LINK_BYTES 40

/*
 * Writes the name of the link, by which the file can be opened again: as a descriptor of the
 * calling thread or, for an io_uring whose worker is another thread, of a given thread of this
 * process.
 */
void wt_fd_path_link(int fd, char link[WT_FD_PATH_LINK_BYTES]);
void wt_fd_path_link_of(pid_t thread, int fd, char link[WT_FD_PATH_LINK_BYTES]);

#endif
