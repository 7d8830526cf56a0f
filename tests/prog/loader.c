/* SPDX-License-Identifier: MIT */
/*
 * loader LIBRARY FILE - loads libwt by dlopen(3), as a plugin would, and writes a block by its
 * pwrite. Prints the pages that stay dirty.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "../lib/probe.h"

int main(int argc, char **argv)
{
	int fd = argc == 3 ? open(argv[2], O_RDWR | O_CREAT, 0600) : -1;
	void *library = fd < 0 ? NULL : dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
	ssize_t (*its_pwrite)(int, const void *, size_t, off_t);
	void *found;

	if (!library || !(found = dlsym(library, "pwrite"))) {
		fprintf(stderr, "loader: %s\n", fd < 0 ? "LIBRARY FILE" : dlerror());
		return 1;
	}
	memcpy(&its_pwrite, &found, sizeof(found));
	if (its_pwrite(fd, probe_buffer(PROBE_BLOCK), PROBE_BLOCK, 0) != (ssize_t)PROBE_BLOCK)
		return 1;
	printf("%ju\n", (uintmax_t)probe_dirty_pages(fd));
	return dlclose(library) != 0;
}
