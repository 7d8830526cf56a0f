/* SPDX-License-Identifier: MIT */
/*
 * fdtable - what is known of a descriptor, as a value.
 *
 * One 64-bit word a descriptor: nothing to allocate, to count references of or
 * to free, so it can be read and replaced by any thread, any signal handler and
 * a vfork child without a lock. It is a hint: libc closes descriptors without
 * a symbol that could be interposed. A stale verdict can only choose a way of
 * writing to the descriptor that the program named; whatever goes elsewhere (the
 * direct engine's mirror) compares inodes first.
 *
 * A vfork child's descriptors are its own, the table is its parent's: what it changes is kept
 * beside the table (vfork_child.h), and every function here gives or takes what the caller's number
 * means.
 *
 * Two levels, mapped as descriptors are seen: memory follows the descriptors in
 * use, not RLIMIT_NOFILE. A number past the table is looked at on every write.
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
	WT_UNKNOWN, /* look at it on its next write */
	WT_NO_RULE, /* leave it alone */
	WT_RULED
};

union wt_verdict {
	uint64_t word;
	struct {
		uint16_t rule;
		uint8_t state;
		uint8_t engine; /* enum wt_engine_id */
		/* The engine the rule named, where it is not the one that serves. */
		uint8_t asked : 7;
		uint8_t may_be_inline : 1; /* its bytes may lie in its inode (inline_data.h) */
		uint8_t reason;		   /* enum wt_reason: why this engine */
		uint8_t fs;		   /* wt_filesystem_at */
		uint8_t dio_shift; /* O_DIRECT: log2 of file alignment, low 4 bits; of memory's,
				      high */
	};
	struct {
		uint16_t place; /* a file under no rule that is counted: struct wt_unruled */
		uint8_t state_too;
		uint8_t unused;
		uint32_t tag;
	} unruled;
};

/* Under no rule, and not counted either. */
#define WT_VERDICT_PASS ((union wt_verdict){ .state = WT_NO_RULE }.word)

_Static_assert(sizeof(union wt_verdict) == sizeof(uint64_t), "a verdict is one word");

struct wt_fd {
	_Atomic uint64_t verdict;
	_Atomic uint64_t
		started_bytes; /* async: handed to the device since it was last waited for */
	_Atomic uint64_t file; /* wt_fdtable_file */
	_Atomic uint64_t
		description; /* its number (description.h), 0 where its opening was not seen */
	_Atomic uint32_t
		generation;	  /* counts the descriptors that had this number, as far as seen */
	_Atomic pid_t counted_in; /* the process whose report counts the file already */
	_Atomic int own_flags;	  /* O_* that libwt opened it with, and the program did not */
};

#define WT_FD_CHUNK 256u
#define WT_FD_CHUNKS 4096u

extern struct wt_fd *_Atomic wt_fdtable[WT_FD_CHUNKS];

/*
 * A thread gets descriptors of its own (unshare(2), CLONE_FILES): from now on a number may name one
 * file here and another there, and nothing is known of any.
 */
void wt_fdtable_split(void);

/* A child of clone(2) was asked for with these flags. */
void wt_fdtable_cloning(unsigned long flags);

/* The calling thread may only write (thread.h): to it no number is under a rule any more. */
void wt_fdtable_pass_all(bool has_storage);

struct wt_fd *wt_fdtable_entry_apart(int fd);

/* The entry, or NULL where none was ever set. Negative numbers have none. */
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

static inline union wt_verdict wt_fdtable_get(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);
	union wt_verdict verdict = { 0 };

	if (likely(entry))
		verdict.word = atomic_load_explicit(&entry->verdict, memory_order_relaxed);
	return verdict;
}

/* Whether it is still the same can be told from this, as far as closings are seen. */
static inline uint32_t wt_fdtable_generation(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load(&entry->generation) : 0;
}

/* The number of the description behind it; 0 where that is not known. */
static inline uint64_t wt_fdtable_description(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->description, memory_order_relaxed) : 0;
}

/* The hash of the file behind it (wt_inode_hash), or 0; noted for a descriptor that has been set.
 */
static inline uint64_t wt_fdtable_file(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->file, memory_order_relaxed) : 0;
}

void wt_fdtable_note_file(int fd, uint64_t file);

/* O_* flags that F_GETFL shows and the program never asked for. */
static inline int wt_fdtable_own_flags(int fd)
{
	struct wt_fd *entry = wt_fdtable_entry(fd);

	return entry ? atomic_load_explicit(&entry->own_flags, memory_order_relaxed) : 0;
}

void wt_fdtable_note_own_flags(int fd, int flags);

/* Sets what is known of a descriptor that was just made, and the number of its description. */
void wt_fdtable_set(int fd, union wt_verdict verdict, uint64_t description);

/* Sets it only if nothing is known: the descriptor may have been closed and reused meanwhile. */
void wt_fdtable_learn(int fd, union wt_verdict verdict, uint64_t description);

/* The lowest descriptor from fd on that is known to be under a rule, or -1. */
int wt_fdtable_next_ruled(int fd);

/* Whether another descriptor than fd is known to be under a rule and of that file. */
bool wt_fdtable_has_other(int fd, const struct stat *file);

/* Calls visit with the description of each descriptor where that is known. */
void wt_fdtable_each_description(void (*visit)(uint64_t description));

/* Whether any descriptor is known to be of this description. */
bool wt_fdtable_has(uint64_t description);

/* What is known of the descriptors of this file was found by another name. */
void wt_fdtable_doubt(const struct stat *file);

/* Sets another verdict where it still has this one; what else is known of it stays. */
void wt_fdtable_revise(int fd, union wt_verdict known, union wt_verdict verdict);

void wt_fdtable_forget(int fd);

/* Both ends included. */
void wt_fdtable_forget_range(unsigned int first, unsigned int last);

#endif
