/* SPDX-License-Identifier: MIT */
/* Commands that start another one and do not pass libwt on to it. */
#include <stddef.h>
#include <string.h>

#include "base/base.h"
#include "tool/tool.h"

/* Which options make a wrapper drop libwt's variables. */
static const struct {
	const char *name;
	const char *const *options; /* NULL: it always drops them */
	const char *keeps;	    /* an option that may keep libwt */
	const char *why;
} wrappers[] = {
	{ "env", (const char *const[]){ "-", "-i", "--ignore-environment", NULL }, NULL,
	  "-i leaves libwt out of the environment; expected env without it, or wt-preload.sh "
	  "behind env" },
	{ "su", (const char *const[]){ "-", "-l", "--login", NULL }, "-w",
	  "a login leaves libwt out of the environment; expected su without '-', or "
	  "wt-preload.sh in the command that it runs" },
	{ "runuser", (const char *const[]){ "-", "-l", "--login", NULL }, "-w",
	  "a login leaves libwt out of the environment; expected runuser without '-', or "
	  "wt-preload.sh in the command that it runs" },
	{ "pg_ctlcluster", NULL, NULL,
	  "it empties the environment; expected LD_PRELOAD and WT_POLICY in the cluster's "
	  "file 'environment', and pg_ctlcluster by itself" },
	{ "systemctl", NULL, NULL,
	  "what it starts is systemd's child; expected Environment=LD_PRELOAD=... in the unit, "
	  "or wt-preload.sh in its ExecStart=" },
	{ "systemd-run", NULL, NULL,
	  "what it starts is systemd's child; expected wt-preload.sh behind systemd-run" },
	{ "service", NULL, NULL,
	  "it empties the environment; expected wt-preload.sh where the server itself is "
	  "started" },
	{ "invoke-rc.d", NULL, NULL,
	  "it empties the environment; expected wt-preload.sh where the server itself is "
	  "started" },
	{ "docker", NULL, NULL,
	  "what it starts is the daemon's child; expected wt-preload.sh in the container" },
	{ "podman", NULL, NULL,
	  "what it starts sees other files; expected wt-preload.sh in the container" },
};

static int is_one_of(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (!strcmp(word, *words))
			return 1;
	return 0;
}

const char *wt_tool_wrapper(char *const argv[])
{
	const char *slash = strrchr(argv[0], '/');
	const char *name = slash ? slash + 1 : argv[0];

	for (size_t i = 0; i < WT_LENGTH(wrappers); i++) {
		int empties = !wrappers[i].options;

		if (strcmp(name, wrappers[i].name))
			continue;
		/*
		 * The command stands behind the first word that is neither an option nor a
		 * variable.
		 */
		for (char *const *at = argv + 1; *at && (**at == '-' || strchr(*at, '=')); at++) {
			if (wrappers[i].keeps && !strcmp(*at, wrappers[i].keeps))
				return NULL;
			if (!strncmp(*at, "LD_PRELOAD=", sizeof("LD_PRELOAD=") - 1))
				return NULL;
			empties = empties || is_one_of(*at, wrappers[i].options);
		}
		return empties ? wrappers[i].why : NULL;
	}
	return NULL;
}
