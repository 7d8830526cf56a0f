/* SPDX-License-Identifier: MIT */
/* threads - what its parts share (main.c says what it does). */
#ifndef WT_TESTS_THREADS_H
#define WT_TESTS_THREADS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define BLOCKS 256 /* of the file that the threads write */
#define LARGE ((2 << 20) + 4096)

extern int file_fd;   /* the file */
extern int appending; /* the same, O_APPEND */
extern char *block;   /* PROBE_BLOCK bytes */
extern char *large;   /* LARGE bytes */

pthread_t start(void *(*body)(void *), void *argument);

/* A thread's body: one write of block number `place`. */
void *write_once(void *place);

/* cancel.c: what WHEN threads are cancelled at CALL, so many times. */
void cancel_threads(const char *call, const char *when, int rounds);

/* reap.c: so many requests, gone as soon as they are complete. */
void submit_writes(int count);

/* stream.c: puts words while another thread flushes HOW: `one`, `all` or by a `seek`. */
void share_stream(const char *path, const char *how, int rounds);

/* signal.c: handlers that write, while a thread does. */
void interrupt_writes(const char *log_path, int writes);

#endif
