/* SPDX-License-Identifier: MIT */
/*
 * sharing - files and descriptions that others reach too, in ways that libwt does not see. Owns
 * nothing, no lock.
 */
#ifndef WT_SHARING_H
#define WT_SHARING_H

#include "base/reason.h"

/*
 * Notes that the file of fd was or will be changed in such a way: it is reported if it is under a
 * rule, and no sync of it is left out any more (elide.h).
 */
void wt_core_noticed(int fd, enum wt_way way);

/*
 * Marks the description of fd, or those of all files under a rule, as externally shared
 * (description.h).
 */
void wt_core_sharing(int fd);
void wt_core_sharing_all(void);

#endif
