/* SPDX-License-Identifier: MIT */
/*
 * uring - the copy of liburing inside libwt. libwt exports some of liburing's names for the program
 * (edge/uring.c), so the Makefile gives the copy's functions the prefix wt_own_.
 */
#ifndef WT_URING_H
#define WT_URING_H

#define io_uring_queue_init_params wt_own_io_uring_queue_init_params
#define io_uring_queue_exit wt_own_io_uring_queue_exit
#define io_uring_register_files wt_own_io_uring_register_files
#define io_uring_register_ring_fd wt_own_io_uring_register_ring_fd
#define io_uring_ring_dontfork wt_own_io_uring_ring_dontfork
#define io_uring_submit_and_wait wt_own_io_uring_submit_and_wait
#define __io_uring_get_cqe wt_own___io_uring_get_cqe

#include <liburing.h>

#endif
