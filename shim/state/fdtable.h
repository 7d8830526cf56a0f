/* SPDX-License-Identifier: MIT */
/*
 * fdtable - what is known of each descriptor, as a value.
 *
 * The verdict of a descriptor is one 64-bit word. There is nothing to allocate, to free or to count
 * references of, so any thread, any signal handler and a vfork child can read and replace it
 * without a lock. It is a hint, because libc closes descriptors without a symbol that could be
 * interposed. A stale verdict can only choose a wrong way of writing to the descriptor that the
 * program named; what could write to another file (the direct engine's mirror) compares inodes
 * first. The verdict is found elsewhere (core/resolve.h).
 *
 * A vfork child has descriptors of its own, while the table is its parent's. What it changes is
 * kept beside the table (vfork_child.h). Every function here works on what the number means to its
 * caller.
 *
 * The table has two levels, mapped as descriptors are seen, so its memory follows the descriptors
 * in use and not RLIMIT_NOFILE. A number past the table is looked up anew on every write.
 */
#ifndef WT_FDTABLE_H
#define WT_FDTABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/base.h"
#include "state/apart.h"

enum wt_verdict_state {
	WT_UNKNOWN, /* nothing is known: the next write looks it up */
	WT_NO_RULE, /* no rule is about it */
	WT_RULED
};

union wt_verdict {
	uint64_t word;
	struct {
		uint16_t rule;
		uint8_t state;
		uint8_t engine; /* enum wt_engine_id */
		/* The engine that the rule named, if another one serves; else 0. */
		uint8_t asked : 7;
		uint8_t may_be_inline : 1; /* its bytes may be in its inode (inline_data.h) */
		uint8_t reason;		   /* enum wt_reason: why this engine serves */
		uint8_t fs;		   /* the index for wt_filesystem_at */
		/*
		 * For O_DIRECT, log2 of the alignment in bytes: of the file's offset and length in
		 * the low 4 bits, of memory in the high 4. 0 if O_DIRECT cannot be used.
		 */
		uint8_t dio_shift;
	};
	struct {
		/* Where a file under no rule is counted (struct wt_unruled). */
		uint16_t place;
		uint8_t state_too;
		uint8_t unused;
		uint32_t tag;
	} unruled;
};

/* The verdict of a descriptor under no rule that is not counted either. */
#define WT_VERDICT_PASS ((union wt_verdict){ .state = WT_NO_RULE }.word)

_Static_assert(sizeof(union wt_verdict) == sizeof(uint64_t), "a verdict is one word");

/* The entry of one descriptor. */
struct wt_fd {
	_Atomic uint64_t verdict;
	/* The verdict of writes that ask for a level themselves (RWF_WRITETHROUGH); 0: unknown. */
	_Atomic uint64_t called;
	/* At `async`: bytes handed to the device since it was last waited for. */
	_Atomic uint64_t started_bytes;
	_Atomic uint64_t file; /* wt_inode_hash, or 0 while that was not noted */
	/* The number of its open file description (description.h), or 0 if that is not known. */
	_Atomic uint64_t description;
	/* How many descriptors have had this number, as far as libwt saw. */
	_Atomic uint32_t generation;
	/* The process in whose report the file is counted already. */
	_Atomic pid_t counted_in;
	/* The O_* flags that libwt, and not the program, opened it with. */
	_Atomic int own_flags;
};

#define WT_FD_CHUNK 256u
#define WT_FD_CHUNKS 4096u

extern struct wt_fd *_Atomic wt_fdtable[WT_FD_CHUNKS];

/*
 * Notes that a thread gets descriptors of its own (unshare(2), CLONE_FILES). From then on a number
 * may name different files in different threads, so nothing is known of any.
 */
void wt_fdtable_split(void);

/* Called before clone(2) with these flags. */
void wt_fdtable_cloning(unsigned long flags);

/*
 * Notes that the calling thread may only write from now on (thread.h): for it no number is under a
 * rule any more. `has_storage`: it has thread-local storage of libc's.
 */
void wt_fdtable_pass_all(bool has_storage);

/* As wt_fdtable_entry, while wt_apart is not 0. */
struct wt_fd *wt_fdtable_entry_apart(int fd);

/* The entry of a descriptor; NULL if none was ever made. Negative numbers have none. */
static inline struct wt_fd *wt_fdtable_entry(int fd)
{
	unsigned int chunk = (unsigned int)fd / WT_FD_CHUNK;

	if (unlikely(chunk >= WT_FD_CHUNKS))
		return NULL;
	if (unlikely(atomic_load_explicit(&wt_apart, memory_order_relaxed)))
		return wt_fdtable_entry_apart(fd);
	struct wt_fd *entries = atomic_load_explicit(&wt_fdtable[chunk], memory_order_acquire);
	return likely(entries) ? &entries[(unsigned int)fd % WT_FD_CHUNK] : NULL;
}

/* The verdict of a descriptor; WT_UNKNOWN if it has no entry. */
static inline union wt_verdict wt_fdtable_get(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);
	union wt_verdict verdict = { 0 };

	if (likely(entry))
		verdict.word = atomic_load_explicit(&entry->verdict, memory_order_relaxed);
	return verdict;
}

/* A count that changes when the number is closed or reused, as far as libwt sees that. */
static inline uint32_t wt_fdtable_generation(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load(&entry->generation) : 0;
}

/* The number of its open file description (description.h); 0 if that is not known. */
static inline uint64_t wt_fdtable_description(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->description, memory_order_relaxed) : 0;
}

/* The wt_inode_hash of the file behind it; 0 if that was not noted. */
static inline uint64_t wt_fdtable_file(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->file, memory_order_relaxed) : 0;
}

/* Notes that hash for a descriptor that has an entry. */
void wt_fdtable_note_file(int fd, uint64_t file);

/* The O_* flags that F_GETFL shows and the program did not ask for. */
static inline int wt_fdtable_own_flags(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->own_flags, memory_order_relaxed) : 0;
}

/* Notes those flags for a descriptor that has an entry. */
void wt_fdtable_note_own_flags(int fd, int flags);

/* The verdict of writes to the descriptor that themselves ask for a level; makes its entry. */
void wt_fdtable_note_called(int fd, union wt_verdict verdict);

/* Whether anything is known of the descriptor that its closing ends. */
static inline bool wt_fdtable_is_known(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry && (atomic_load_explicit(&entry->verdict, memory_order_relaxed) ||
			 atomic_load_explicit(&entry->description, memory_order_relaxed) ||
			 atomic_load_explicit(&entry->called, memory_order_relaxed));
}

/* Sets the verdict and the description of a descriptor that was just made. */
void wt_fdtable_set(int fd, union wt_verdict verdict, uint64_t description);

/* The same only where nothing is known: a descriptor may have been closed and reused meanwhile. */
void wt_fdtable_learn(int fd, union wt_verdict verdict, uint64_t description);

/* The lowest descriptor from fd on that is known to be under a rule, or -1. */
int wt_fdtable_next_ruled(int fd);

/* Whether a descriptor other than fd is known to be under a rule and of that file. */
bool wt_fdtable_has_other(int fd, const struct stat *file);

/* Calls `visit` with the description of each descriptor whose description is known. */
void wt_fdtable_each_description(void (*visit)(uint64_t description));

/* Whether any descriptor is known to be of this description. */
bool wt_fdtable_has(uint64_t description);

/* Makes the verdicts of all descriptors of this file unknown: its name has changed. */
void wt_fdtable_doubt(const struct stat *file);

/* Replaces the verdict if it still is `known`; the rest of the entry stays. */
void wt_fdtable_revise(int fd, union wt_verdict known, union wt_verdict verdict);

/* Forgets all that is known of a descriptor. */
void wt_fdtable_forget(int fd);

/* The same of all descriptors from first to last, both included. */
void wt_fdtable_forget_range(unsigned int first, unsigned int last);

#endif
