/* SPDX-License-Identifier: MIT */
/*
 * real - the next-in-line function behind every symbol that libwt interposes.
 *
 * The table is filled at link time with bare system calls, so that a call that
 * comes before the constructor, from another library's start-up or from inside
 * an allocator that holds its own lock, works without a look-up. wt_real_resolve
 * then replaces each by what RTLD_NEXT finds: libc, or another preloaded
 * library that wants to be in the chain. Written once, by the constructor;
 * tests override entries.
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

/* libc's header makes macros of them where it optimizes. */
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

/* Looks every symbol up; one that is not found keeps its system call. */
void wt_real_resolve(void);

/* Only the loader's own functions: they are called while an allocator of the program starts. */
void wt_real_resolve_loader(void);

/* Whether the program had liburing.so at its start. */
bool wt_real_has_liburing(void);

/*
 * Whether the code at the address is of a library, other than libc, that is next in line for some
 * symbol: what it calls is on its way from libwt to the kernel.
 */
bool wt_real_is_behind(const void *address);

/*
 * libc's __cxa_atexit, as atexit(3) for no library (Itanium C++ ABI): a sanitizer's runtime that is
 * linked into the program has one, too, before it is ready to serve.
 */
extern int (*wt_real_at_exit)(void (*act)(void *), void *arg, void *library);

#endif
