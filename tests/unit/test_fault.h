/* SPDX-License-Identifier: MIT */
/*
 * test_fault - the library's system calls, each of which can be made to fail, over a ledger of
 * what those that did not fail have done to one file.
 *
 * All of struct wt_sys is wrapped, also what is added to it later, and the program's own forms of a
 * write. A call that is struck is not made, or, where it moves bytes, is made for half of them. The
 * calls below are real, on a file in memory that is said to be on ext4, and the ledger knows
 * how strong each was for which range.
 */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "os/real.h"
#include "os/sys.h"

#define FAULT_OWN_WRITES(X)                                                                        \
	X(write)                                                                                   \
	X(pwrite)                                                                                  \
	X(writev)                                                                                  \
	X(pwritev)                                                                                 \
	X(pwritev2)

enum fault_call {
#define X(ret, name, params) FAULT_##name,
	WT_SYS_CALLS(X)
#undef X
#define X(name) FAULT_own_##name,
		FAULT_OWN_WRITES(X)
#undef X
			FAULT_CALLS
};

extern const char *const fault_names[FAULT_CALLS];

#define FAULT_EVERY 0
#define FAULT_SHORT 1 /* instead of a -errno */
#define FAULT_LIE 2   /* answers 0 and does nothing */

struct fault {
	enum fault_call call;
	int answer; /* -errno, FAULT_SHORT or FAULT_LIE */
	int at;	    /* the n-th call, or FAULT_EVERY */
};

/* Wraps the tables, once in a process. */
void fault_wrap(void);

/* From here on calls are counted, the fault strikes, and the ledger is about `fd`. */
void fault_arm(const struct fault *fault, int fd);

int fault_seen(enum fault_call call);
int fault_struck(void);

/* Whether the call moves bytes and can do so for a part. */
bool fault_can_be_short(enum fault_call call);

enum strength { COPIED, STARTED, ON_DEVICE, STABLE, STABLE_ALL };

/*
 * Whether each byte of the range that was copied since fault_arm is by now as strong, by a
 * call that came with the copy or after it. False where nothing was copied there.
 */
bool ledger_has(off_t offset, size_t len, enum strength strength);

#endif
