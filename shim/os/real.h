/* SPDX-License-Identifier: MIT */
/*
 * real - the next-in-line function behind every symbol that libwt interposes.
 *
 * At link time the table holds bare system calls, so that a call before the constructor (from
 * another library's start-up, or from an allocator that holds its own lock) works without a
 * look-up. wt_real_resolve then stores what is next in line after libwt: the function of a library
 * preloaded behind it, or libc's. Only the constructor writes the table; unit tests override
 * entries.
 */
#ifndef WT_REAL_H
#define WT_REAL_H

#include <fcntl.h>
#include <linux/types.h>
#include <printf.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <wchar.h>

/* libc's header defines these as macros when it optimizes. */
#undef fread_unlocked
#undef fwrite_unlocked

struct aiocb;
struct io_uring;
struct io_uring_params;
struct io_uring_cqe;
struct __kernel_timespec;
struct msghdr;
struct mmsghdr;

struct wt_real {
#define WT_SYMBOL(ret, name, params) ret(*name) params;
#define WT_LIBC(ret, name, params, args) WT_SYMBOL(ret, name, params)
#define WT_URING(ret, name, params) WT_SYMBOL(ret, name, params)
#define WT_SAME(name, other)
#include "os/symbols.def"
#undef WT_SYMBOL
#undef WT_LIBC
#undef WT_URING
#undef WT_SAME
};

extern struct wt_real wt_real;

/* Looks up every symbol. An entry whose symbol is not found keeps its bare system call. */
void wt_real_resolve(void);

/*
 * Looks up only the loader's functions (dlopen, dlsym, ...). They are needed before the
 * constructor, when an allocator of the program starts and looks up libc's functions.
 */
void wt_real_resolve_loader(void);

/* Whether liburing.so was among the program's libraries when it started. */
bool wt_real_has_liburing(void);

/*
 * Whether the code at `address` belongs to a library preloaded behind libwt to which libwt hands
 * calls on. A call from there is one that has passed libwt already.
 */
bool wt_real_is_behind(const void *address);

/*
 * libc's __cxa_atexit (Itanium C++ ABI), which is atexit(3) for no library. It is looked up,
 * because a sanitizer's runtime in the program defines it too and is not initialized yet.
 */
extern int (*wt_real_at_exit)(void (*act)(void *), void *arg, void *library);

#endif
