/* SPDX-License-Identifier: MIT */
/*
 * orders - understands a line of the control socket and does what it says.
 */
#ifndef DISK_ORDERS_H
#define DISK_ORDERS_H

#include <stdio.h>

/* `line` is taken apart; the answer ends with "ok" or "error: what, and what was expected". */
void orders_obey(char *line, FILE *out);

#endif
