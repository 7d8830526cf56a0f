/* SPDX-License-Identifier: MIT */
/*
 * rebind - corrects objects that the loader has bound past libwt.
 *
 * An object loaded with RTLD_DEEPBIND finds libc among its own libraries, before libwt. When it has
 * been loaded, libwt's function is stored in each place where the loader has stored the address of
 * libc's, or would at the first call. Calls of the object's constructors come before that and are
 * not covered. Walks take the loader's lock.
 */
#ifndef WT_REBIND_H
#define WT_REBIND_H

#include <stdbool.h>

/*
 * Whether anything was loaded since the last look-up by a handle. wt_rebind_now then corrects what
 * was loaded by calls whose end libwt did not see, because libc had to see their real caller.
 */
bool wt_rebind_is_due(void);
void wt_rebind_now(void *handle);

#endif
