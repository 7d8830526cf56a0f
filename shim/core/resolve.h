/* SPDX-License-Identifier: MIT */
/*
 * resolve - from a descriptor to the verdict that its writes follow.
 *
 * The verdict is found when a descriptor is opened for writing, or at the first write to one whose
 * opening libwt did not see (inherited, received over a socket, opened by other means). It is kept
 * in fdtable.h. No lock: two threads that look at the same time come to the same verdict. Nothing
 * here writes to the file.
 */
#ifndef WT_RESOLVE_H
#define WT_RESOLVE_H

#include "state/fdtable.h"
#include "state/filesystem.h"
#include "state/path.h"

/*
 * What F_GETFL says of the descriptor, or -EBADF. If the kernel refuses to say: O_RDWR | O_APPEND,
 * so that the descriptor counts as writable and no range as known.
 */
int wt_resolve_flags(int fd);

/* The wt_inode_hash of the open file, asked for once a descriptor; 0 if it cannot be identified. */
uint64_t wt_resolve_file(int fd);

/*
 * Looks up a descriptor without a verdict and remembers the result. 0, or -ENOTSUP if the rule
 * cannot be kept on this file and WT_STRICT is set.
 */
int wt_resolve_adopt(int fd, union wt_verdict *verdict);

/* The verdict of a descriptor, which is looked up if there is none. 0 or -ENOTSUP as above. */
int wt_resolve_verdict(int fd, union wt_verdict *verdict);

/*
 * Whether the verdict says that the file has no disk, and the number now is that of a file
 * elsewhere: it was closed and reused unseen.
 */
bool wt_resolve_has_moved(int fd, union wt_verdict verdict);

/*
 * Called after a write to a file whose bytes may be in its inode: if it has blocks for them by now,
 * which is for good, the verdict is changed.
 */
void wt_resolve_look_for_blocks(int fd, union wt_verdict *verdict);

/* What a write asks for with RWF_WRITETHROUGH and these flags beside it. */
enum wt_level wt_resolve_called_level(int flags);

/* Whether the descriptor is under a rule of that level or a stronger one. */
bool wt_resolve_is_as_strong(union wt_verdict verdict, enum wt_level level);

/*
 * The verdict of a write to the descriptor that asks for `level` itself, `through` or above, and is
 * under no rule as strong. 0, or -EOPNOTSUPP where the level cannot be kept there.
 */
int wt_resolve_called(int fd, enum wt_level level, union wt_verdict *verdict);

/*
 * Called after a descriptor was opened with these O_* flags: finds its verdict and remembers it.
 * `place` is where it was opened, or NULL. 0, or -ENOTSUP as above: then the caller closes it.
 */
int wt_resolve_opened(int fd, int flags, const struct wt_path *place);

/*
 * Called before an open that truncates: under WT_STRICT -ENOTSUP if that open would be refused, so
 * that the file keeps what it holds; else 0.
 */
int wt_resolve_may_truncate(int dirfd, const char *path, int flags);

/*
 * The alignment that O_DIRECT needs for this file, as a verdict holds it; 0 if O_DIRECT cannot be
 * used. From statx(2), STATX_DIOALIGN (6.1), which also gives 0 if O_DIRECT would silently be
 * buffered (data=journal). A file system that does not say gets 0, unless it is known to work
 * (WT_FS_DIRECT).
 */
uint8_t wt_resolve_dio_shift(int fd, const struct wt_fs_kind *kind);

/*
 * From now on files under a rule at `dsync` or `sync` are opened O_DSYNC or O_SYNC, as the program
 * has ways to write that libwt does not see. A file that cannot be opened so is reported.
 */
void wt_resolve_open_stable(void);

/*
 * Count what is done with a descriptor under no rule, for the report (unruled.h): `bytes` were
 * written; it is closed; a stream of it ends, for which libc still has `pending` bytes to flush.
 * Other descriptors are ignored.
 */
void wt_resolve_wrote(int fd, union wt_verdict verdict, uint64_t bytes);
void wt_resolve_closing(union wt_verdict verdict);
void wt_resolve_stream_ends(int fd, uint64_t pending);

/* Called after newfd was made from fd: copies what is known, their description too. */
void wt_resolve_duplicated(int fd, int newfd);

#endif
