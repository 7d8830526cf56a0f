/* SPDX-License-Identifier: MIT */
/* The loader's own functions: what they find and what they refuse. */
#include "symbol.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>

static char *error(void)
{
	char *text = dlerror();

	return text ? text : "none";
}

void try_dlopen(void)
{
	void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);

	TELL_POINTER(libc);
	TELL_POINTER(dlopen("/no/such.so", RTLD_NOW | RTLD_DEEPBIND));
	say("%s", error());
	TELL_POINTER(dlopen("no-such.so", RTLD_NOW));
	say("%s", error());
	TELL(dlopen(NULL, RTLD_LAZY) == dlopen(NULL, RTLD_NOW | RTLD_DEEPBIND));
	TELL(dlclose(libc));
}

void try_dlmopen(void)
{
	TELL_POINTER(dlmopen(LM_ID_BASE, LIBC_SO, RTLD_LAZY | RTLD_NOLOAD));
	TELL_POINTER(dlmopen(LM_ID_NEWLM, "/no/such.so", RTLD_NOW));
	say("%s", error());
}

/* Writes by what was found, and holds it against what is linked. */
static void write_by(void *found)
{
	ssize_t (*its_write)(int, const void *, size_t);

	memcpy(&its_write, &found, sizeof(found));
	open_made(O_RDWR | O_TRUNC);
	TELL(its_write(fd, "found", 5));
	judge("file");
	TELL(its_write(-1, "found", 5));
}

void try_dlsym(void)
{
	void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);

	write_by(dlsym(libc, "write"));
	TELL(dlsym(libc, "write") == dlsym(RTLD_DEFAULT, "write"));
	TELL_POINTER(dlsym(libc, "no_such_symbol"));
	say("%s", error());
	TELL_POINTER(dlsym(RTLD_NEXT, "no_such_symbol"));
	say("%s", error());
	TELL(dlsym(libc, "environ") == (void *)&environ);
}

void try_dlvsym(void)
{
	void *libc = dlopen(LIBC_SO, RTLD_LAZY | RTLD_NOLOAD);
#ifdef __x86_64__
	const char *version = "GLIBC_2.2.5";
#else
	const char *version = "GLIBC_2.17";
#endif

	write_by(dlvsym(libc, "write", version));
	TELL_POINTER(dlvsym(libc, "write", "GLIBC_0.0"));
	TELL_POINTER(dlvsym(RTLD_NEXT, "write", version));
}
