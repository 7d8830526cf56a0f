/* SPDX-License-Identifier: MIT */
/* fs_kind - what each kind of file system can do: one constant table, by f_type of statfs(2). */
#ifndef WT_FS_KIND_H
#define WT_FS_KIND_H

#include <stdint.h>

/* The flags of a kind. */
#define WT_FS_WRITEBACK 0x1 /* sync_file_range with all three flags reaches the device */
#define WT_FS_NO_DISK 0x2   /* nothing of it survives a loss of power */
#define WT_FS_DIRECT 0x4    /* O_DIRECT takes whole blocks, though statx(2) does not say so */
#define WT_FS_QUEUES 0x8    /* sync_file_range may only queue pages, for compression */
#define WT_FS_FLUSHES 0x10  /* each fsync flushes the disk's cache, even with nothing to write */
#define WT_FS_ONE_SYNC 0x20 /* of two concurrent fsyncs of a file one may return too early */
#define WT_FS_EXTENTS 0x80  /* blocks of one extent fail together, even after their writeback */
/* After a failed commit fsync may return success. How to ask whether one failed (journal.h): */
#define WT_FS_JOURNAL_TRANSACTION 0x40 /* from then on no transaction can be begun */
#define WT_FS_JOURNAL_STAT 0x100       /* soon afterwards statx(2) returns EIO */
#define WT_FS_JOURNAL_MOUNT 0x200      /* from then on it is read-only */
#define WT_FS_JOURNAL (WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_JOURNAL_MOUNT)
#define WT_FS_SERVED 0x400  /* a server keeps the bytes, and a sync is its word */
#define WT_FS_STACKED 0x800 /* another file system below keeps the bytes */
#define WT_FS_INLINE 0x1000 /* small files may be in their inodes (inline_data.h) */

struct wt_fs_kind {
	uint32_t magic; /* statfs(2), f_type */
	unsigned int flags;
	const char *name;
};

/* The kind for an f_type of statfs(2). A type that is not listed gets a kind without flags. */
const struct wt_fs_kind *wt_fs_kind_of(uint32_t magic);

#endif
