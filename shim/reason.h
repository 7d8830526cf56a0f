/* SPDX-License-Identifier: MIT */
/* reason - why an engine serves a file, or does not: one enum, one line of words each. */
#ifndef WT_REASON_H
#define WT_REASON_H

#define WT_REASONS(X)                                                                              \
	X(WT_WHY_NONE, "")                                                                         \
	X(WT_WHY_ASKED, "the rule names it")                                                       \
	X(WT_WHY_WRITEBACK, "sync_file_range reaches the device on this file system")              \
	X(WT_WHY_NOT_WRITEBACK, "sync_file_range is not known to reach the device here")           \
	X(WT_WHY_FLUSH, "the level needs a flush of the device's cache")                           \
	X(WT_WHY_DECLINED, "another engine could not carry these writes (see the falls)")          \
	X(WT_WHY_NO_DISK, "the file system has no disk")                                           \
	X(WT_WHY_NO_DIRECT, "the file cannot be written with O_DIRECT")                            \
	X(WT_WHY_NO_MIRROR, "the file cannot be opened again for O_DIRECT")                        \
	X(WT_WHY_NO_RING, "io_uring is refused here")                                              \
	X(WT_WHY_NO_RING_NOW, "no memory or descriptor for an io_uring")                           \
	X(WT_WHY_RING_BUSY, "the thread's io_uring is in use (a signal handler)")                  \
	X(WT_WHY_NO_OFFSET, "the write has no offset of its own (write, O_APPEND)")                \
	X(WT_WHY_NO_MEMORY,                                                                        \
	  "the bytes are not the program's to see (a stream, a copy between files)")               \
	X(WT_WHY_CACHED_TURN, "cached writes of the file are under way")                           \
	X(WT_WHY_OWN_DIRECT, "the program writes O_DIRECT itself")                                 \
	X(WT_WHY_SIZE_LIMIT, "the write meets RLIMIT_FSIZE")                                       \
	X(WT_WHY_OWN_FLAGS, "the program passes RWF_ flags of its own")                            \
	X(WT_WHY_PARTIAL_BLOCK, "the write is not whole blocks")                                   \
	X(WT_WHY_LARGE_UNALIGNED, "the buffer is unaligned or scattered, and large")               \
	X(WT_WHY_DIRECT_REFUSED, "the kernel refused this O_DIRECT write")                         \
	X(WT_WHY_NO_RANGE_SYNC, "sync_file_range is refused here")                                 \
	X(WT_WHY_QUEUED, "sync_file_range only queued the pages (compression)")                    \
	X(WT_WHY_NO_RWF_DSYNC, "RWF_DSYNC is refused here")                                        \
	X(WT_WHY_NO_NAME, "the path of the descriptor is not to be had (/proc)")                   \
	X(WT_WHY_NAME_UNSEEN, "its name was changed and could not be looked at")                   \
	X(WT_WHY_NAMES_UNSYNCED, "names in it have changed and it cannot be synced")               \
	X(WT_WHY_SIZE_UNSYNCED, "it was truncated and cannot be synced")                           \
	X(WT_WHY_BYTES_UNSYNCED, "it came under the rule by its new name and cannot be synced")

enum wt_reason {
#define X(name, text) name,
	WT_REASONS(X)
#undef X
};

const char *wt_reason_text(enum wt_reason reason);

#endif
