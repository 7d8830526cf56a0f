/* SPDX-License-Identifier: MIT */
/* copied - as taken, compiled so that the loader copies the variables into the program. */
#include "taken.c"
