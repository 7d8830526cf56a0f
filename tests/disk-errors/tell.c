/* SPDX-License-Identifier: MIT */
/*
 * One run at length: each write with its time and answer, each request of the disk with the writes
 * whose bytes it carried, and whose bytes the file has in the end. Times in microseconds.
 */
#include "disk_errors.h"

#define NOBODY -2
#define BEFORE -1

struct teller {
	const struct plan *plan;
	char *bytes[WRITES_MAX];
};

/* Whose bytes a sector holds, by the first word of it: a write, or what was in the file before. */
static int whose(const void *context, const char *sector, size_t length)
{
	const struct teller *teller = context;
	const char *word = memmem(sector, length, MARK, strlen(MARK));

	if (!word || word + 8 > sector + length)
		return NOBODY;
	for (int i = 0; i < teller->plan->writes; i++)
		if (memmem(teller->bytes[i], teller->plan->deed[i].length, word, 8))
			return i;
	return BEFORE;
}

static void tell_file(const struct trial *trial, const struct teller *teller)
{
	int last = NOBODY - 1;

	for (size_t at = 0; at < trial->found_length; at += 512) {
		size_t length = trial->found_length - at < 512 ? trial->found_length - at : 512;
		int who = whose(teller, trial->found + at, length);

		if (who != last)
			printf("# the disk has at %zu: %d\n", at, who);
		last = who;
	}
}

static void tell_write(const struct trial *trial, int which, int64_t begin_ns)
{
	const struct result *result = &trial->board->result[which];
	const struct deed *deed = &trial->plan->deed[which];

	printf("# %6ld to %6ld: write %d by %d, %s %zu@%ld: %zd %s\n",
	       (result->begun_ns - begin_ns) / 1000, (result->returned_ns - begin_ns) / 1000, which,
	       deed->writer, call_names[deed->call], deed->length, deed->at, result->ret,
	       result->ret < 0 ? strerrorname_np(result->err) : "");
}

void tell_all(const struct trial *trial, const struct tape *tape)
{
	const struct plan *plan = trial->plan;
	struct teller teller = { .plan = plan };
	int64_t begin_ns = INT64_MAX;

	for (int i = 0; i < plan->writes; i++)
		if (trial->board->result[i].begun_ns < begin_ns)
			begin_ns = trial->board->result[i].begun_ns;
	for (int i = 0; i < plan->writes; i++) {
		teller.bytes[i] = malloc(plan->deed[i].length);
		if (!teller.bytes[i])
			die("memory");
		plan_fill(plan, i, teller.bytes[i], 0, plan->deed[i].length);
		tell_write(trial, i, begin_ns);
	}
	/* Megabytes are not looked through for each sector. */
	tape_print(tape, begin_ns, plan->grain == LARGE ? NULL : whose, &teller);
	if (plan->grain != LARGE)
		tell_file(trial, &teller);
	for (int i = 0; i < plan->writes; i++)
		free(teller.bytes[i]);
}
