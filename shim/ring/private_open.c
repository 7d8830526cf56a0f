/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "ring/private_open.h"

#include <errno.h>

#include "os/sys.h"
#include "ring/mirror.h"

enum wt_reason wt_private_open_get(struct wt_private_open *private_open, int fd)
{
	enum wt_reason why = WT_WHY_NO_MIRROR;
	struct stat st;

	if (wt_sys.identify(fd, &st))
		return why;
	struct wt_ring *ring = wt_ring_take(&why);
	if (!ring)
		return why;
	private_open->slot = wt_mirror_get(ring, WT_MIRROR_PRIVATE, fd, &st, &why);
	if (private_open->slot >= 0) {
		private_open->opening = wt_mirror_opening(ring, private_open->slot);
		why = WT_WHY_NONE;
	}
	wt_ring_give(ring);
	return why;
}

/* Takes the ring, if the opening is still in it: a signal handler's writes may have replaced it. */
static struct wt_ring *take(const struct wt_private_open *private_open)
{
	struct wt_ring *ring = wt_ring_take_made();

	if (!ring || wt_mirror_opening(ring, private_open->slot) == private_open->opening)
		return ring;
	wt_ring_give(ring);
	return NULL;
}

int wt_private_open_wait(const struct wt_private_open *private_open, struct wt_range range)
{
	struct wt_ring *ring = take(private_open);

	if (!ring)
		return -ESTALE;
	int err = wt_mirror_sync_range(ring, private_open->slot, range);
	wt_ring_give(ring);
	return err;
}

int wt_private_open_sync(const struct wt_private_open *private_open, struct wt_range range,
			 bool datasync)
{
	struct wt_ring *ring = take(private_open);

	if (!ring)
		return -ESTALE;
	int err = wt_mirror_sync(ring, private_open->slot, range, datasync);
	wt_ring_give(ring);
	/* EINVAL is the file's answer, since every io_uring has this request (5.1). */
	return wt_sys_is_refusal(err) && err != -EINVAL ? -ECANCELED : err;
}
