/* SPDX-License-Identifier: MIT */
/* small_elf - executable files of every kind that libwt tells apart, none longer than a page. */
#ifndef SMALL_ELF_H
#define SMALL_ELF_H

#include <stdbool.h>
#include <stddef.h>

#include "os/program.h"

struct small_elf {
	const char *interpreter; /* NULL: linked statically */
	const char *soname;	 /* a dynamic section with that name */
	unsigned short machine;	 /* 0: libwt's own */
	unsigned char elf_class; /* 0: libwt's own */
	bool has_go_note, has_go_section;
};

#define SMALL_ELF_BYTES 4096

/* Its bytes, valid until the next call. */
const char *small_elf(const struct small_elf *elf);

/* The same as a file that may be executed in the scratch directory; its path, as scratch_path. */
const char *small_elf_write(const char *name, const struct small_elf *elf);

/* The path of the loader of this machine, which libwt is built for. */
const char *small_elf_loader(void);

#endif
