/* SPDX-License-Identifier: MIT */
/*
 * rebind - code that the loader has bound past libwt.
 *
 * What is loaded with RTLD_DEEPBIND finds libc among its own libraries, before libwt. Once it is
 * loaded, each place where the loader has stored the address of a function of libc's, or would at
 * the first call, is given libwt's. That comes too late for what its constructors do.
 */
#ifndef WT_REBIND_H
#define WT_REBIND_H

#include <stdbool.h>

/*
 * Something was loaded so by a call whose end libwt could not wait for, as libc had to see its
 * caller. It is rebound at the caller's next look-up in it, with its handle.
 */
bool wt_rebind_is_due(void);
void wt_rebind_now(void *handle);

#endif
