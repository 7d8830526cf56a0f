/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring/witness.h"

#include <errno.h>

#include "os/sys.h"
#include "ring/mirror.h"

enum wt_reason wt_witness_call(struct wt_witness *witness, int fd)
{
	enum wt_reason why = WT_WHY_NO_MIRROR;
	struct stat st;

	if (wt_sys.identify(fd, &st))
		return why;
	struct wt_ring *ring = wt_ring_take(&why);
	if (!ring)
		return why;
	witness->slot = wt_mirror_get(ring, WT_MIRROR_WITNESS, fd, &st, &why);
	if (witness->slot >= 0) {
		witness->opening = wt_mirror_opening(ring, witness->slot);
		why = WT_WHY_NONE;
	}
	wt_ring_give(ring);
	return why;
}

/* The ring, if the opening is still there: a signal handler's writes may have put it out. */
static struct wt_ring *take(const struct wt_witness *witness)
{
	struct wt_ring *ring = wt_ring_take_made();

	if (!ring || wt_mirror_opening(ring, witness->slot) == witness->opening)
		return ring;
	wt_ring_give(ring);
	return NULL;
}

int wt_witness_wait(const struct wt_witness *witness, struct wt_range range)
{
	struct wt_ring *ring = take(witness);

	if (!ring)
		return -ESTALE;
	int err = wt_mirror_sync_range(ring, witness->slot, range);
	wt_ring_give(ring);
	return err;
}

int wt_witness_sync(const struct wt_witness *witness, struct wt_range range, bool datasync)
{
	struct wt_ring *ring = take(witness);

	if (!ring)
		return -ESTALE;
	int err = wt_mirror_sync(ring, witness->slot, range, datasync);
	wt_ring_give(ring);
	/* EINVAL is said of the file: every ring has this request (io_uring, 5.1). */
	return wt_sys_is_refusal(err) && err != -EINVAL ? -ECANCELED : err;
}
