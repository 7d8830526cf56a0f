/* SPDX-License-Identifier: MIT */
/* scratch - an empty directory of its own for a test, in TMPDIR or /tmp. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>

void scratch_make(void);
void scratch_remove(void);

/* Its path. */
const char *scratch_dir(void);

/* The path of a file in it, valid until the next call. */
const char *scratch_path(const char *name);

/* Makes a file of these bytes there; its path, as above. */
const char *scratch_write(const char *name, const void *bytes, size_t len);

/* What a file holds, up to 1 MiB, valid until the next call; the test fails without the file. */
const char *scratch_contents(const char *path);

#endif
