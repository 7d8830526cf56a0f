/* SPDX-License-Identifier: MIT */
/*
 * tape - completed requests, with what they carried, to a file (record.h). The caller locks.
 */
#ifndef DISK_TAPE_H
#define DISK_TAPE_H

#include "request.h"

/* From now on to this file, from its start; NULL: to none. 0, or -errno, also of a request that
 * could not be recorded since the last call. */
int tape_to(const char *path);

void tape_request(const struct request *request, const void *data);

#endif
