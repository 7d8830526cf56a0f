/* SPDX-License-Identifier: MIT */
/* probe - prints, for each path, what is there and which engine each level would get. */
#ifndef WT_PROBE_H
#define WT_PROBE_H

/* The paths to look at. The exit status: 0, 1 where a path cannot be opened, 2 without a path. */
int wt_probe(int argc, char **argv);

#endif
