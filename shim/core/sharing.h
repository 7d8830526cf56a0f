/* SPDX-License-Identifier: MIT */
/*
 * sharing - files and descriptions that others reach too, in ways that libwt does not see. No lock.
 */
#ifndef WT_SHARING_H
#define WT_SHARING_H

#include "base/reason.h"

/* A file under a rule was changed in such a way, or will be: for the report, and for fsync=elide.
 */
void wt_core_noticed(int fd, enum wt_way way);

/* The description of fd, or those of all files under a rule, come into the hands of what libwt does
 * not see (description.h). */
void wt_core_sharing(int fd);
void wt_core_sharing_all(void);

#endif
