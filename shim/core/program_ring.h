/* SPDX-License-Identifier: MIT */
/*
 * program_ring - the program's own io_urings, as far as libwt learns of them.
 *
 * What a ring is asked for is seen where liburing.so hands it over (edge_uring.c). A ring that the
 * program drives by hand is noticed by its system call, or found later by its descriptor. What such
 * a ring opens and writes is never seen, so it is named in the report, and files that libc opens
 * from then on are opened O_DSYNC. No lock; a ring is noticed once a process.
 */
#ifndef WT_PROGRAM_RING_H
#define WT_PROGRAM_RING_H

/* The program hands its requests over by symbols that libwt sees. */
void wt_program_ring_seen(void);

/*
 * A ring writes to files that its requests do not name. The files under rules that are open may be
 * written there, and are reported; those opened from now on are opened O_DSYNC.
 */
void wt_program_ring_writes(void);

/* The program has made a ring whose submissions are not seen: it may open files, too. */
void wt_program_ring_made(void);

/*
 * Looks for a ring that was made by an instruction of the program's own, which is found by its
 * descriptor only: at the end; and before a file goes that may have been written there, which costs
 * too much for each of a thousand closes a second.
 */
void wt_program_ring_look(void);
void wt_program_ring_look_in_time(void);

#endif
