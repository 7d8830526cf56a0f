/* SPDX-License-Identifier: MIT */
/*
 * wt.h - what libwt offers to programs that know of it. See libwt(7).
 *
 * The functions are weak symbols: in a program that runs without libwt.so preloaded, their
 * addresses are NULL.
 */
#ifndef WT_H
#define WT_H

/*
 * pwritev2(2): the bytes are on the device when the call returns, and stay in the page cache. Under
 * libwt on any kernel and any regular file that can be written through, rule or no rule; alone or
 * with RWF_DSYNC, RWF_SYNC, RWF_APPEND, RWF_NOAPPEND, RWF_HIPRI, RWF_NOSIGNAL. EINVAL with
 * RWF_NOWAIT or RWF_DONTCACHE; EOPNOTSUPP where nothing can be written through, and without libwt
 * on a kernel that does not have it. The value is that of the kernel's proposed flag.
 */
#ifndef RWF_WRITETHROUGH
#define RWF_WRITETHROUGH 0x00000200
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "MAJOR.MINOR.PATCH". Never fails; the string is constant. */
const char *wt_version(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
