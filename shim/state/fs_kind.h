/* SPDX-License-Identifier: MIT */
/* fs_kind - what each kind of file system can do, as measured: one table, pure. */
#ifndef WT_FS_KIND_H
#define WT_FS_KIND_H

#include <stdint.h>

/* What a kind of file system can do. */
#define WT_FS_WRITEBACK 0x1 /* sync_file_range with all three flags reaches the device */
#define WT_FS_NO_DISK 0x2   /* nothing survives anyway */
#define WT_FS_DIRECT 0x4    /* O_DIRECT takes whole blocks, though statx(2) does not say so */
#define WT_FS_QUEUES 0x8    /* sync_file_range may only queue pages, for compression */
#define WT_FS_FLUSHES 0x10  /* each fsync flushes, also one that has nothing to write */
#define WT_FS_ONE_SYNC 0x20 /* of two fsyncs of a file at a time one may return too early */
#define WT_FS_EXTENTS 0x80  /* blocks of one extent fail together, also after their writeback */
/* After a commit that failed fsync may return success; how to ask whether one did (journal.h). */
#define WT_FS_JOURNAL_TRANSACTION 0x40 /* a transaction cannot be begun any more */
#define WT_FS_JOURNAL_STAT 0x100       /* statx(2) answers EIO soon after that */
#define WT_FS_JOURNAL_MOUNT 0x200      /* it is read-only from then on */
#define WT_FS_JOURNAL (WT_FS_JOURNAL_STAT | WT_FS_JOURNAL_TRANSACTION | WT_FS_JOURNAL_MOUNT)
#define WT_FS_SERVED 0x400  /* the bytes are kept by a server, whose word a sync is */
#define WT_FS_STACKED 0x800 /* the bytes are kept by another file system below */
#define WT_FS_INLINE 0x1000 /* small files may lie in their inodes (inline_data.h) */

struct wt_fs_kind {
	uint32_t magic; /* statfs(2), f_type */
	unsigned int flags;
	const char *name;
};

/* The kind for a statfs(2) f_type; one of no ability for a type that is not listed. */
const struct wt_fs_kind *wt_fs_kind_of(uint32_t magic);

#endif
