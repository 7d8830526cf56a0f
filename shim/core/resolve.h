/* SPDX-License-Identifier: MIT */
/*
 * resolve - from a descriptor to the verdict that its writes follow.
 *
 * The verdict is found where a descriptor is opened for writing, or on the
 * first write to one that was not seen coming (inherited, received over a
 * socket, opened by other means). No lock: two threads that look at once come
 * to the same verdict.
 */
#ifndef WT_RESOLVE_H
#define WT_RESOLVE_H

#include "state/fdtable.h"
#include "state/filesystem.h"
#include "state/path.h"

/*
 * F_GETFL of the descriptor, or -EBADF. Where the kernel does not say, what asks for most:
 * O_APPEND, so that no range is known, and writable.
 */
int wt_resolve_flags(int fd);

/* wt_inode_hash of the open file, asked for once a descriptor. 0 where it cannot be told. */
uint64_t wt_resolve_file(int fd);

/*
 * Looks at a descriptor without a verdict and remembers what it finds. 0, or
 * -ENOTSUP where the rule cannot be honoured on this file and WT_STRICT is set.
 */
int wt_resolve_adopt(int fd, union wt_verdict *verdict);

/* The verdict of a descriptor, which is looked at where it has none. 0 or -ENOTSUP as above. */
int wt_resolve_verdict(int fd, union wt_verdict *verdict);

/* Of a file without a disk the number may have become another's, unseen; and that has one. */
bool wt_resolve_has_moved(int fd, union wt_verdict verdict);

/* Whether the file, whose bytes may lie in its inode, has blocks for them by now: for good then. */
void wt_resolve_look_for_blocks(int fd, union wt_verdict *verdict);

/*
 * A descriptor was just made by opening with these O_* flags; `place` is where, NULL where it is
 * not known. 0, or -ENOTSUP as above: then the caller closes it.
 */
int wt_resolve_opened(int fd, int flags, const struct wt_path *place);

/*
 * Under WT_STRICT, before an open that truncates: -ENOTSUP where the open would
 * be refused, so that the file keeps what it holds.
 */
int wt_resolve_may_truncate(int dirfd, const char *path, int flags);

/*
 * The alignment that O_DIRECT needs for this file, as a verdict holds it; 0 where
 * it cannot be had. statx(2), STATX_DIOALIGN, 6.1: 0 too where O_DIRECT would
 * quietly be buffered (data=journal). What does not say does without, but for
 * file systems of which it is known (WT_FS_DIRECT).
 */
uint8_t wt_resolve_dio_shift(int fd, const struct wt_fs_kind *kind);

/*
 * From now on what is opened under a rule at `dsync` or `sync` is opened O_DSYNC or O_SYNC: the
 * program has ways to write that libwt does not see. What cannot be opened so is reported.
 */
void wt_resolve_open_stable(void);

/*
 * Under a report, of a descriptor under no rule (unruled.h): it wrote so many bytes; it is closed;
 * a stream of it ends, which has so many bytes for libc to flush. Others are let be.
 */
void wt_resolve_wrote(int fd, union wt_verdict verdict, uint64_t bytes);
void wt_resolve_closing(union wt_verdict verdict);
void wt_resolve_stream_ends(int fd, uint64_t pending);

/* newfd was made from fd and is the same open file description. */
void wt_resolve_duplicated(int fd, int newfd);

#endif
