/* SPDX-License-Identifier: MIT */
/*
 * inline_data - whether the bytes of a file are in its inode (ext4, feature inline_data). There
 * sync_file_range(2) has no page to write, and a datasync does not write an overwrite: only a full
 * fsync, or RWF_SYNC, brings the bytes to the disk.
 *
 * A file system does not show whether it has the feature; only a file does. So a file is asked when
 * it is opened for writing, and again after a write, until it has a block for its bytes. From then
 * on they never are in the inode again, and the file is not asked any more. No state, no lock.
 */
#ifndef WT_INLINE_H
#define WT_INLINE_H

#include <stdbool.h>

/* Whether the bytes are in the inode now. True if that cannot be found out. */
bool wt_inline_is(int fd);

/* Whether they are, or may be after a write. Once it is false of a file, it stays false. */
bool wt_inline_may_be(int fd);

#endif
