/* SPDX-License-Identifier: MIT */
/*
 * inline_data - whether the bytes of a file lie in its inode (ext4, feature inline_data), where
 * sync_file_range(2) has no page to write and a datasync leaves an overwrite behind: only a full
 * fsync, or RWF_SYNC, brings them to the disk.
 *
 * The feature cannot be seen of a file system, only of a file. So a file is asked when it is looked
 * at, and again after a write, until it has a block for its bytes: from then on it never again has
 * them in its inode, and is not asked any more. No state, no lock.
 */
#ifndef WT_INLINE_H
#define WT_INLINE_H

#include <stdbool.h>

/* Whether they lie there now. What cannot be told is true. */
bool wt_inline_is(int fd);

/* Whether they do, or may do after a write: false for good once it has been false. */
bool wt_inline_may_be(int fd);

#endif
