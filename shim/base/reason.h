/* SPDX-License-Identifier: MIT */
/*
 * reason - texts of the report: why an engine serves a file or does not (WT_REASONS), and in which
 * ways a file is changed without libwt (WT_WAYS). Each has an enum value, a line of text, and a
 * remedy.
 *
 * Pure. The report identifies a reason by its text, so no two texts are alike. A remedy is for
 * whoever runs the program, not for its author; it is "" where nothing can or need be done.
 */
#ifndef WT_REASON_H
#define WT_REASON_H

#define WT_DO_TAKE_AUTO "take engine=auto for this file"
#define WT_DO_MAP_NOTHING                                                                          \
	"turn off memory-mapped writes in the program's settings, or leave its own syncs on"
#define WT_DO_ALLOW_SYNC                                                                           \
	"let the program's user open the file, and allow io_uring and fsync in the "               \
	"container's seccomp profile"

#define WT_REASONS(X)                                                                              \
	X(WT_WHY_NONE, "", "")                                                                     \
	X(WT_WHY_ASKED, "the rule names it", "")                                                   \
	X(WT_WHY_WRITEBACK, "sync_file_range reaches the device on this file system", "")          \
	X(WT_WHY_NOT_WRITEBACK, "sync_file_range is not known to reach the device here",           \
	  "put the file on ext4, XFS or btrfs, where no flush is needed")                          \
	X(WT_WHY_FLUSH, "the level needs a flush of the device's cache", "")                       \
	X(WT_WHY_DECLINED, "another engine could not carry these writes (see the falls)", "")      \
	X(WT_WHY_NO_DISK, "the file system has no disk",                                           \
	  "put the file on a file system with a disk, or give it the level off")                   \
	X(WT_WHY_VOLATILE, "it is mounted so that a sync does nothing",                            \
	  "mount it without volatile (overlayfs) or checkpoint=disable (f2fs), or give the file "  \
	  "the level off")                                                                         \
	X(WT_WHY_NO_FLUSH, "it is mounted so that a sync does not flush the disk's cache",         \
	  "mount it without nobarrier, barrier=0 or nostrictsync, or switch the disk's write "     \
	  "cache off")                                                                             \
	X(WT_WHY_MEMORY_DISK, "its disk is memory (zram, ram, a loop device on tmpfs)",            \
	  "put the file on a file system with a disk, or give it the level off")                   \
	X(WT_WHY_SERVED, "a server keeps the file, and a sync is as good as its word",             \
	  "see to it that the server has on a disk what it answers a sync for")                    \
	X(WT_WHY_BELOW_UNSEEN, "a sync is passed on to a file system that cannot be seen here",    \
	  "look with --probe, outside of the container, at the directory of its upper layer")      \
	X(WT_WHY_UNKNOWN_FS, "a file system that is not known, on no disk that can be seen",       \
	  "put the file on ext4, XFS or btrfs")                                                    \
	X(WT_WHY_MOUNT_UNSEEN, "how it is mounted cannot be seen, and may be without a sync",      \
	  "mount /proc where the program runs, and look with --probe")                             \
	X(WT_WHY_NO_SYNC, "it cannot be synced (fsync answers EINVAL)",                            \
	  "put the file on a file system with a disk, or give it the level off")                   \
	X(WT_WHY_NO_DIRECT, "the file cannot be written with O_DIRECT",                            \
	  "take engine=auto, or put the file on XFS, btrfs or ext4 without data=journal")          \
	X(WT_WHY_NO_MIRROR, "the file cannot be opened again for O_DIRECT",                        \
	  "let the program's user open the file, mount /proc where it runs, or take engine=auto")  \
	X(WT_WHY_NO_RING, "io_uring is refused here",                                              \
	  "set the sysctl kernel.io_uring_disabled to 0, and allow the io_uring system calls in "  \
	  "the container's seccomp profile")                                                       \
	X(WT_WHY_NO_RING_NOW, "no memory or descriptor for an io_uring",                           \
	  "raise the limits of open files (ulimit -n), locked memory (ulimit -l) and memory")      \
	X(WT_WHY_RING_BUSY, "the thread's io_uring is in use (a signal handler)", "")              \
	X(WT_WHY_NO_OFFSET, "the write has no offset of its own (write, O_APPEND)",                \
	  WT_DO_TAKE_AUTO)                                                                         \
	X(WT_WHY_NO_MEMORY,                                                                        \
	  "the bytes are not the program's to see (a stream, a copy between files)",               \
	  WT_DO_TAKE_AUTO)                                                                         \
	X(WT_WHY_SUBMITTED,                                                                        \
	  "submitted to the kernel (io_submit, io_uring), which mixes errors up",                  \
	  "turn off asynchronous I/O in the program's settings where each error has to be exact")  \
	X(WT_WHY_RING_UNSEEN,                                                                      \
	  "the program has an io_uring of its own, and the kernel mixes errors up",                \
	  "turn off io_uring in the program's settings where each error has to be exact")          \
	X(WT_WHY_CACHED_WRITE, "cached writes of the file are under way", WT_DO_TAKE_AUTO)         \
	X(WT_WHY_OWN_DIRECT, "the program writes O_DIRECT itself", WT_DO_TAKE_AUTO)                \
	X(WT_WHY_SIZE_LIMIT, "the write meets RLIMIT_FSIZE",                                       \
	  "raise the limit of a file's size (ulimit -f)")                                          \
	X(WT_WHY_EXECUTABLE,                                                                       \
	  "the file may be executed, which it cannot be while it is open for writing",             \
	  "take engine=auto for this file, or take its execute permission away (chmod -x)")        \
	X(WT_WHY_OWN_FLAGS, "the program passes RWF_ flags of its own", WT_DO_TAKE_AUTO)           \
	X(WT_WHY_PARTIAL_BLOCK, "the write is not whole blocks",                                   \
	  "take engine=auto for this file, or have the program write in blocks of 4096 bytes")     \
	X(WT_WHY_LARGE_UNALIGNED, "the buffer is unaligned or scattered, and large",               \
	  WT_DO_TAKE_AUTO)                                                                         \
	X(WT_WHY_DIRECT_REFUSED, "the kernel refused this O_DIRECT write", WT_DO_TAKE_AUTO)        \
	X(WT_WHY_NO_RANGE_SYNC, "sync_file_range is refused here",                                 \
	  "allow sync_file_range in the container's seccomp profile")                              \
	X(WT_WHY_NO_CACHESTAT, "cachestat is refused here, so no sync is left out",                \
	  "run Linux 6.5 or younger, and allow cachestat in the container's seccomp profile")      \
	X(WT_WHY_QUEUED, "sync_file_range only queued the pages (compression)",                    \
	  "mount without compression, or switch it off for the file (chattr +m)")                  \
	X(WT_WHY_NO_RWF_DSYNC, "RWF_DSYNC is refused here",                                        \
	  "allow pwritev2 in the container's seccomp profile, or put the file on ext4, XFS or "    \
	  "btrfs")                                                                                 \
	X(WT_WHY_NO_NAME, "the path of the descriptor is not to be had (/proc)",                   \
	  "mount /proc where the program runs, in its chroot too; a path may have 4095 bytes")     \
	X(WT_WHY_NAME_NOT_ITS_OWN,                                                                 \
	  "a file whose name cannot be told: what /proc calls it is another, or none",             \
	  "let the program open the file itself, where its mounts and names are the same as in "   \
	  "/proc")                                                                                 \
	X(WT_WHY_NAME_UNSEEN, "its name was changed and could not be looked at",                   \
	  "raise the limit of open files (ulimit -n), and let the program's user search the "      \
	  "directory")                                                                             \
	X(WT_WHY_NAMES_UNSYNCED, "names in it have changed and it cannot be synced",               \
	  "let the program's user read the directory")                                             \
	X(WT_WHY_SIZE_UNSYNCED, "it was truncated and cannot be synced", WT_DO_ALLOW_SYNC)         \
	X(WT_WHY_BYTES_UNSYNCED, "it came under the rule by its new name and cannot be synced",    \
	  WT_DO_ALLOW_SYNC)                                                                        \
	X(WT_WHY_JOURNAL_SILENT, "the file system could not be asked whether its journal failed",  \
	  "let the program's user write the file's or its directory's attributes, "                \
	  "and allow statx and removexattr")

#define WT_WAYS(X)                                                                                 \
	/* A MAP_SHARED mapping with PROT_WRITE. */                                                \
	X(WT_WAY_MAPPED, "a shared writable mapping", WT_DO_MAP_NOTHING)                           \
	/* A read-only MAP_SHARED mapping: reported once mprotect(2) made one writable. */         \
	X(WT_WAY_MAY_BE_MAPPED, "a shared mapping, if it was made writable (mprotect)",            \
	  WT_DO_MAP_NOTHING)                                                                       \
	X(WT_WAY_STILL_CACHED, "bytes that failed are still in the page cache", WT_DO_MAP_NOTHING) \
	X(WT_WAY_STRICT, "a thread in seccomp's strict mode, if it writes there",                  \
	  "confine the program by a filter (SECCOMP_SET_MODE_FILTER) instead")                     \
	/* These concern a library, not a file. */                                                 \
	X(WT_WAY_OWN_FUNCTIONS, "a library with functions of its own by names of libc's",          \
	  "see which with WT_LOG=info; if they write files, leave the program's own syncs on")     \
	X(WT_WAY_NAMESPACE, "in a namespace of its own (dlmopen), where no call is seen",          \
	  "turn off what loads it, or leave the program's own syncs on")                           \
	X(WT_WAY_RING, "an io_uring of the program, if it writes there",                           \
	  "turn off io_uring in the program's settings, or leave its own syncs on")                \
	/* Programs that this one executes, in which libwt covers nothing. */                      \
	X(WT_WAY_RUNS_PRIVILEGED,                                                                  \
	  "executed with privileges (setuid, setgid, capabilities): nothing is preloaded",         \
	  "put the launcher behind it: sudo wt-preload.sh ... COMMAND")                            \
	X(WT_WAY_RUNS_STATIC, "executed, and linked statically: nothing is preloaded",             \
	  "take a dynamically linked build, or leave its own syncs on")                            \
	X(WT_WAY_RUNS_GO, "executed, and a Go program: it makes its system calls itself",          \
	  "leave its own syncs on")                                                                \
	X(WT_WAY_RUNS_OTHER_LIBC,                                                                  \
	  "executed, and built for another C library: libwt is left out of LD_PRELOAD",            \
	  "take a build for glibc, or put wt-preload.sh before what it starts")                    \
	X(WT_WAY_RUNS_OTHER_MACHINE,                                                               \
	  "executed, and built for another machine or word size: nothing is preloaded",            \
	  "take a build for the machine that libwt.so is built for, or leave its own syncs on")    \
	X(WT_WAY_RUNS_UNREAD,                                                                      \
	  "executed, but not readable: if linked statically, nothing is preloaded",                \
	  "let the user who executes it read the program")                                         \
	X(WT_WAY_RUNS_UNLOADABLE, "executed where libwt.so is missing, not readable, or noexec",   \
	  "let its user read libwt.so, at the same path in a chroot or container, and name it in " \
	  "ExecPaths= of a unit")                                                                  \
	X(WT_WAY_RUNS_WITHOUT_RULES,                                                               \
	  "executed with an environment without rules (WT_POLICY, WT_POLICY_FILE)",                \
	  "pass the WT_ variables on to it, or put wt-preload.sh directly before the program")     \
	X(WT_WAY_RUNS_WITHOUT_LIBRARY, "executed with an environment without libwt (LD_PRELOAD)",  \
	  "pass LD_PRELOAD and WT_ variables on to it, or put wt-preload.sh directly before the "  \
	  "program")                                                                               \
	X(WT_WAY_RUNS_BY_ENV, "executed by env with an environment without libwt (LD_PRELOAD)",    \
	  "name them: env -i LD_PRELOAD=\"$LD_PRELOAD\" WT_POLICY=\"$WT_POLICY\" ...")             \
	X(WT_WAY_RUNS_BY_SU,                                                                       \
	  "executed by su or runuser with an environment without libwt (LD_PRELOAD)",              \
	  "leave out its '-', keep them by -w LD_PRELOAD,WT_POLICY, or put wt-preload.sh into "    \
	  "its command")                                                                           \
	X(WT_WAY_RUNS_BY_SUDO, "executed by sudo with an environment without libwt (LD_PRELOAD)",  \
	  "put the launcher behind it: sudo wt-preload.sh ... COMMAND")                            \
	X(WT_WAY_RUNS_BY_CRON, "executed by cron with an environment without libwt (LD_PRELOAD)",  \
	  "set LD_PRELOAD and WT_POLICY in the crontab, or put wt-preload.sh into its command")    \
	X(WT_WAY_RUNS_POSTGRESQL,                                                                  \
	  "executed for PostgreSQL with an environment without libwt (LD_PRELOAD)",                \
	  "set LD_PRELOAD and WT_POLICY in the cluster's file "                                    \
	  "/etc/postgresql/VERSION/CLUSTER/environment")                                           \
	/* This concerns the process: which files its ring opens and writes is not known. */       \
	X(WT_WAY_RING_OPENS, "this process has an io_uring that opens files unseen",               \
	  "turn off io_uring in the program's settings where it opens files under a rule")

enum wt_reason {
#define X(name, text, remedy) name,
	WT_REASONS(X)
#undef X
};

/*
 * Ways to change a file that do not pass wt_core_write, so that libwt does not write them through.
 */
enum wt_way {
#define X(name, text, remedy) name,
	WT_WAYS(X)
#undef X
};

const char *wt_reason_text(enum wt_reason reason);
const char *wt_way_text(enum wt_way way);

/* The remedy for the reason or way with this text; "" for other texts. */
const char *wt_reason_remedy(const char *words);

#endif
