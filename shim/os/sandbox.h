/* SPDX-License-Identifier: MIT */
/*
 * sandbox - whether a thread may use io_uring, where to ask can be deadly.
 *
 * A seccomp(2) filter can end the process, or the thread, that calls io_uring_setup, and only a
 * call shows it. So under a filter a child calls first. It shares the memory and is waited for, as
 * a vfork child is, but has descriptors of its own, and no signal tells of its end.
 */
#ifndef WT_SANDBOX_H
#define WT_SANDBOX_H

/*
 * With signals held off. 0 where no filter is on or all let io_uring's calls pass; -EPERM where one
 * kills, what it answers where it refuses, or why there could be no child.
 */
int wt_sandbox_try_ring(void);

#endif
