/* SPDX-License-Identifier: MIT */
/*
 * program_ring - the program's own io_urings, as far as libwt learns of them.
 *
 * The requests of a ring are seen where liburing.so submits them (edge/uring.c). A ring that the
 * program drives by itself is noticed by its system call, or found later by its descriptor. What it
 * opens and writes is never seen. So the process is reported, once, and files that are opened
 * through libc from then on are opened O_DSYNC. Atomics only, no lock; the program's rings are
 * never used.
 */
#ifndef WT_PROGRAM_RING_H
#define WT_PROGRAM_RING_H

/* Notes that the program submits requests by symbols that libwt sees. */
void wt_program_ring_seen(void);

/*
 * Notes that a ring writes to files that its requests do not name. Open files under a rule may be
 * written by it and are reported; files opened from now on are opened O_DSYNC.
 */
void wt_program_ring_writes(void);

/* Notes that the program has made a ring whose requests are not seen. It may open files too. */
void wt_program_ring_made(void);

/*
 * Looks for a ring that the program made by an instruction of its own, which only its descriptor
 * shows. wt_program_ring_look: at the end of the process. wt_program_ring_look_in_time: before a
 * file is closed that the ring may have written; it looks at low numbers only, every 10 ms at most,
 * since a program may close a thousand files a second.
 */
void wt_program_ring_look(void);
void wt_program_ring_look_in_time(void);

#endif
