/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "os/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/single_threaded.h>
#if defined(__x86_64__)
#include <asm/prctl.h>
#endif

#include "base/base.h"
#include "base/text.h"
#include "os/raw.h"

#define KNOWN 256
/* libc's list of robust mutexes lies at most this far from the thread pointer. */
#define STORAGE_BYTES 8192

/* By a hash of the thread pointer: storages that libc made, and threads that libc made. */
static _Atomic uintptr_t known_storages[KNOWN];
static _Atomic uint64_t known_threads[KNOWN];

/* Threads in seccomp's strict mode, by thread pointer, and whether libc made their storage. */
#define STRICT 64
static struct {
	_Atomic uintptr_t key;
	bool has_storage;
} strict[STRICT];
static _Atomic unsigned int strict_len;
static _Atomic bool cloned;
static uintptr_t errno_offset; /* from the thread pointer, the same in all threads */

#if defined(__x86_64__)
#define HWCAP2_FSGSBASE 2 /* asm/hwcap2.h */
static bool has_instruction;

/*
 * Reads the register and not the memory that it points to, which need not exist. Without the
 * instruction, and where a system call would kill, libc's copy at the start of the storage is read.
 */
uintptr_t wt_thread_pointer(void)
{
	uintptr_t pointer = 0;

	if (likely(has_instruction))
		__asm__ volatile("rdfsbase %0" : "=r"(pointer));
	else if (atomic_load_explicit(&strict_len, memory_order_relaxed))
		__asm__ volatile("movq %%fs:0, %0" : "=r"(pointer));
	else
		wt_kernel(SYS_arch_prctl, ARCH_GET_FS, &pointer);
	return pointer;
}
#else
uintptr_t wt_thread_pointer(void)
{
	return (uintptr_t)__builtin_thread_pointer();
}
#endif

/* A key has a bit set, because 0 marks a free place and a thread pointer may be 0. */
static uintptr_t storage_key(uintptr_t pointer)
{
	return pointer | 1;
}

static size_t place_of(uintptr_t pointer)
{
	return (pointer * 0x9e3779b97f4a7c15ULL) >> 56;
}

static uint64_t thread_key(uintptr_t pointer, pid_t tid)
{
	return wt_inode_hash(pointer, tid);
}

static void note(uintptr_t pointer, pid_t tid)
{
	atomic_store_explicit(&known_threads[place_of(pointer)], thread_key(pointer, tid),
			      memory_order_relaxed);
	atomic_store_explicit(&known_storages[place_of(pointer)], storage_key(pointer),
			      memory_order_relaxed);
}

/*
 * Whether libc made this thread: libc registers the list of robust mutexes, which lies in the
 * storage, in each thread that it makes and in a child of fork(2).
 */
static bool is_registered(uintptr_t pointer)
{
	uintptr_t list = 0;
	size_t len;

	/*
	 * If a sandbox refuses the call, every thread that has a storage is taken for one of
	 * libc's.
	 */
	if (wt_kernel(SYS_get_robust_list, 0, &list, &len))
		return pointer != 0;
	return list && list - pointer + STORAGE_BYTES < 2 * STORAGE_BYTES;
}

/* 1 + the index of the thread in `strict`, or 0 if it is not there. */
static unsigned int strict_place(uintptr_t pointer)
{
	unsigned int len = atomic_load_explicit(&strict_len, memory_order_acquire);

	for (unsigned int i = 0; unlikely(i < len && i < STRICT); i++)
		if (atomic_load_explicit(&strict[i].key, memory_order_acquire) ==
		    storage_key(pointer))
			return i + 1;
	return 0;
}

bool wt_thread_is_strict(void)
{
	return strict_place(wt_thread_pointer());
}

void wt_thread_become_strict(bool has_storage)
{
	uintptr_t pointer = wt_thread_pointer();
	unsigned int index = atomic_fetch_add(&strict_len, 1);

	if (index >= STRICT)
		return;
	strict[index].has_storage = has_storage;
	atomic_store_explicit(&strict[index].key, storage_key(pointer), memory_order_release);
}

void wt_thread_cloning(void)
{
	atomic_store_explicit(&cloned, true, memory_order_relaxed);
}

bool wt_thread_is_only(void)
{
	return __libc_single_threaded && !atomic_load_explicit(&cloned, memory_order_relaxed);
}

bool wt_thread_has_storage(void)
{
	uintptr_t pointer = wt_thread_pointer();

	if (likely(atomic_load_explicit(&known_storages[place_of(pointer)], memory_order_relaxed) ==
		   storage_key(pointer)))
		return true;
	unsigned int place = strict_place(pointer);
	if (unlikely(place))
		return strict[place - 1].has_storage;
	if (!is_registered(pointer))
		return false;
	note(pointer, wt_kernel(SYS_gettid));
	return true;
}

int *wt_thread_errno(void)
{
	static int nobodys;

	return likely(wt_thread_has_storage()) ? __errno_location() : &nobodys;
}

/*
 * libc's functions store errno at a fixed distance from the thread pointer. __errno_location also
 * needs the word at the start of the storage, which may be wrong in storage that libc did not make.
 */
int *wt_thread_failure(void)
{
	return likely(wt_thread_has_storage()) ? __errno_location()
					       : (int *)(wt_thread_pointer() + errno_offset);
}

bool wt_thread_is_libcs(void)
{
	uintptr_t pointer = wt_thread_pointer();

	/* If no thread was made by clone(2), none shares the storage of another. */
	if (likely(!atomic_load_explicit(&cloned, memory_order_relaxed) &&
		   atomic_load_explicit(&known_storages[place_of(pointer)], memory_order_relaxed) ==
			   storage_key(pointer)))
		return true;
	pid_t tid = wt_kernel(SYS_gettid);
	if (likely(atomic_load_explicit(&known_threads[place_of(pointer)], memory_order_relaxed) ==
		   thread_key(pointer, tid)))
		return true;
	if (!is_registered(pointer))
		return false;
	note(pointer, tid);
	return true;
}

void wt_thread_run(void (*act)(void *arg), void (*end)(void *arg), void *arg)
{
	int type;

	/*
	 * Such a thread cannot be cancelled, and what libc keeps for cancellation may be missing,
	 * or be that of another thread.
	 */
	if (unlikely(!wt_thread_is_libcs())) {
		act(arg);
		end(arg);
		return;
	}
	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
	pthread_cleanup_push(end, arg);
	act(arg);
	pthread_cleanup_pop(1);
	pthread_setcanceltype(type, NULL);
}

void wt_thread_test_cancel(void)
{
	if (likely(wt_thread_has_storage()))
		pthread_testcancel();
}

void wt_thread_init(void)
{
#if defined(__x86_64__)
	has_instruction = getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE;
#endif
	errno_offset = (uintptr_t)__errno_location() - wt_thread_pointer();
	note(wt_thread_pointer(), wt_kernel(SYS_gettid));
}

#define PF_IO_WORKER 0x10 /* include/linux/sched.h: a worker of an io_uring */

/*
 * Whether /proc/self/task/TID/stat shows a thread of the program, not a kernel worker, that has not
 * ended.
 */
static bool is_running(const char *tid)
{
	char buf[512];
	struct wt_text path = { .buf = buf, .size = sizeof(buf) - 1 };

	wt_text_str(&path, "/proc/self/task/");
	wt_text_str(&path, tid);
	wt_text_str(&path, "/stat");
	buf[path.len] = '\0';
	int fd = wt_kernel(SYS_openat, AT_FDCWD, buf, O_RDONLY | O_CLOEXEC);
	long len = fd < 0 ? 0 : wt_kernel(SYS_read, fd, buf, sizeof(buf) - 1);
	if (fd >= 0)
		wt_kernel(SYS_close, fd);
	buf[len < 0 ? 0 : len] = '\0';
	/* `TID (name) STATE ppid pgrp session tty tpgid flags ...`; the name may hold anything. */
	const char *at = strrchr(buf, ')');
	if (!at || strchr("ZX", at[2]))
		return false;
	at += 3;
	for (int field = 0; at && field < 5; field++)
		at = strchr(at + 1, ' ');
	return !at || !(strtoul(at, NULL, 10) & PF_IO_WORKER);
}

/* A struct linux_dirent64, as getdents64(2) writes it. */
struct entry {
	uint64_t ino;
	int64_t offset;
	unsigned short len;
	unsigned char type;
	char name[];
};

/* How many threads run, counting this one and no further than 2; or -errno. */
static int count_running(void)
{
	_Alignas(struct entry) char entries[2048];
	int running = 0;
	long len;
	int dir = wt_kernel(SYS_openat, AT_FDCWD, "/proc/self/task",
			    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return dir;
	while (running < 2 && (len = wt_kernel(SYS_getdents64, dir, entries, sizeof(entries))) > 0)
		for (long at = 0; at < len && running < 2;) {
			const struct entry *entry = (const struct entry *)(entries + at);

			running += entry->name[0] != '.' && is_running(entry->name);
			at += entry->len;
		}
	wt_kernel(SYS_close, dir);
	return running;
}

bool wt_thread_is_last(void)
{
	struct stat st;

	/*
	 * One thread has 3 links; more may be kernel workers and ended threads, which also count.
	 */
	if (!wt_kernel(SYS_newfstatat, AT_FDCWD, "/proc/self/task", &st, 0) && st.st_nlink == 3)
		return true;
	int running = count_running();
	return running < 0
		       ? __libc_single_threaded && wt_kernel(SYS_gettid) == wt_kernel(SYS_getpid)
		       : running < 2;
}
