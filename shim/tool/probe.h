/* SPDX-License-Identifier: MIT */
/* probe - prints, for each path, what is there and which engine each level would get. */
#ifndef WT_PROBE_H
#define WT_PROBE_H

/* Gets the paths. Returns the exit status: 0, 1 if a path cannot be opened, 2 if there is none. */
int wt_probe(int argc, char **argv);

#endif
