/* SPDX-License-Identifier: MIT */
/*
 * sandbox - whether a thread may use io_uring, where asking can kill.
 *
 * A seccomp(2) filter may end the process or the thread that calls io_uring_setup, and nothing but
 * the call shows it. Under a filter the call is therefore first made by a child. The child shares
 * the memory and is waited for, as a vfork child is, but it has descriptors of its own and sends no
 * signal when it ends.
 */
#ifndef WT_SANDBOX_H
#define WT_SANDBOX_H

/*
 * Called with signals blocked. Returns 0 if no filter is installed or all let io_uring's calls
 * pass; -EPERM if one kills; the -errno with which one refuses; or the -errno for which no child
 * could be made.
 */
int wt_sandbox_try_ring(void);

#endif
