/* SPDX-License-Identifier: MIT */
/*
 * wt.h - what libwt offers to programs that know of it. See libwt(7).
 *
 * The functions are weak symbols: in a program that runs without libwt.so preloaded, their
 * addresses are NULL.
 */
#ifndef WT_H
#define WT_H

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "MAJOR.MINOR.PATCH". Never fails; the string is constant. */
const char *wt_version(void) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
