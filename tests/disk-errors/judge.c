/* SPDX-License-Identifier: MIT */
/*
 * Verdicts. A write that returned success must have been on the disk when it returned, and be there
 * still; of one that returned an error at least a byte must be missing. A short count stands for a
 * write of so many bytes.
 */
#include "disk_errors.h"

#include <stdarg.h>

#define PLACES_MAX 4

static void tell(const struct trial *trial, const char *what, int which)
{
	const struct plan *plan = trial->plan;
	const struct deed *deed = &plan->deed[which];
	const struct result *result = &trial->board->result[which];

	printf("# %s: seed %lu: write %d, %s %zu@%ld, returned %zd%s%s (%s)\n", what, plan->seed,
	       which, call_names[deed->call], deed->length, deed->at, result->ret,
	       result->ret < 0 ? " " : "", result->ret < 0 ? strerrorname_np(result->err) : "",
	       plan_name(plan));
}

/* Where in the file these bytes could begin; up to PLACES_MAX of them. */
static int find_places(const struct trial *trial, const struct deed *deed, const char *bytes,
		       off_t *places)
{
	const char *found = trial->found;
	const char *end = found + trial->found_length;
	int count = 0;

	if (deed->at >= 0) {
		places[0] = deed->at;
		return 1;
	}
	while (count < PLACES_MAX && (found = memmem(found, end - found, bytes, SHORTEST)))
		places[count++] = found++ - trial->found;
	return count;
}

static bool is_at(const struct trial *trial, const char *bytes, off_t at, size_t length)
{
	return (size_t)at + length <= trial->found_length &&
	       !memcmp(trial->found + at, bytes, length);
}

/* How often all of them are in the file, and at which place. */
static int count_whole(const struct trial *trial, const struct deed *deed, const char *bytes,
		       size_t length, off_t *at)
{
	off_t places[PLACES_MAX];
	int count = find_places(trial, deed, bytes, places);
	int whole = 0;

	for (int i = 0; i < count; i++)
		if (is_at(trial, bytes, places[i], length)) {
			*at = places[i];
			whole++;
		}
	return whole;
}

/* Without which its bytes would be on the disk, and not in the file. */
static bool needs_metadata(const struct plan *plan, const struct deed *deed)
{
	return plan->style != PLACED || deed->ground != WRITTEN || !plan->in_place;
}

/* Whether the device had the bytes, wherever that was in the file. */
static bool was_written(const struct trial *trial, const struct tape *tape, int which,
			const char *bytes)
{
	const struct deed *deed = &trial->plan->deed[which];
	const struct result *result = &trial->board->result[which];
	off_t at = deed->at < 0 ? tape_place(tape, bytes) : deed->at;

	return at >= 0 && tape_had(tape, bytes, at, result->ret, result->returned_ns, false);
}

/* Or what the file system does by itself to one that believes its fsync; see disk-errors.sh. */
static void judge_lie(struct trial *trial, const struct tape *tape, int which, const char *bytes,
		      const char *what, struct verdict *verdict)
{
	const struct deed *deed = &trial->plan->deed[which];
	int64_t returned_ns = trial->board->result[which].returned_ns;

	if (needs_metadata(trial->plan, deed) && tape_failed(tape, RECORD_FLUSH, 0, returned_ns) &&
	    (trial->stable || was_written(trial, tape, which, bytes))) {
		verdict->aborted++;
		tell(trial, "aborted", which);
	} else if (trial->stable && on_btrfs() && was_written(trial, tape, which, bytes)) {
		verdict->early++;
		tell(trial, "early", which);
	} else {
		verdict->lies++;
		tell(trial, what, which);
	}
}

static void judge_success(struct trial *trial, const struct tape *tape, int which,
			  const char *bytes, struct verdict *verdict)
{
	const struct deed *deed = &trial->plan->deed[which];
	const struct result *result = &trial->board->result[which];
	off_t at = 0;
	int whole = count_whole(trial, deed, bytes, result->ret, &at);

	verdict->shorts += result->ret < (ssize_t)deed->length;
	/* Without metadata the device had the bytes, and the file that comes back may not. */
	if (trial->vanishes && !trial->stable) {
		if (deed->at < 0)
			return;
		whole = 1;
		at = deed->at;
	}
	if (!whole)
		judge_lie(trial, tape, which, bytes, "lie, not on the disk", verdict);
	else if (!tape_had(tape, bytes, at, result->ret, result->returned_ns, trial->stable))
		judge_lie(trial, tape, which, bytes, "lie, not yet on the disk", verdict);
	if (whole > 1) {
		verdict->twice++;
		tell(trial, "twice in the file", which);
	}
}

static void judge_error(struct trial *trial, const struct tape *tape, int which, const char *bytes,
			struct verdict *verdict)
{
	const struct deed *deed = &trial->plan->deed[which];
	const struct result *result = &trial->board->result[which];
	off_t at = 0;
	int whole = count_whole(trial, deed, bytes, deed->length, &at);

	verdict->errors++;
	trial->learnt |= tape_failed(tape, RECORD_WRITE, result->begun_ns, result->returned_ns);
	if (!whole)
		return;
	if (!tape_had(tape, bytes, at, deed->length, result->returned_ns, trial->stable)) {
		verdict->late++;
	} else if (trial->vanishes) {
		verdict->gone++;
	} else if (tape_failed(tape, RECORD_READ, result->begun_ns, result->returned_ns)) {
		verdict->unreadable++;
	} else if (result->err == EROFS ||
		   (trial->stable &&
		    tape_failed(tape, RECORD_FLUSH, result->begun_ns, result->returned_ns))) {
		verdict->flushed++;
	} else if (trial->stable && !trial->cut && needs_metadata(trial->plan, deed)) {
		verdict->unproven++;
	} else {
		verdict->slanders++;
		tell(trial, "slander", which);
	}
}

void judge_writes(struct trial *trial, struct verdict *verdict)
{
	const struct plan *plan = trial->plan;
	struct tape *tape = tape_read(trial->tape_path);

	if (trial->verbose)
		tell_all(trial, tape);
	verdict->struck += tape_failures(tape);
	for (int i = 0; i < plan->writes; i++) {
		const struct deed *deed = &plan->deed[i];
		char *bytes = malloc(deed->length);

		if (!bytes)
			die("memory");
		plan_fill(plan, i, bytes, 0, deed->length);
		verdict->writes++;
		if (trial->board->result[i].ret >= 0)
			judge_success(trial, tape, i, bytes, verdict);
		else
			judge_error(trial, tape, i, bytes, verdict);
		free(bytes);
	}
	tape_free(tape);
}

/* The file system must not show what the disk lacks. What cannot be read, it does not show. */
void judge_cache(struct trial *trial, struct verdict *verdict)
{
	char *seen = malloc(trial->found_length + 1);
	bool stale = false;

	for (size_t at = 0; seen && at < trial->found_length && !stale; at += BLOCK) {
		size_t length = trial->found_length - at < BLOCK ? trial->found_length - at : BLOCK;

		if (pread(trial->fd, seen, length, at) != (ssize_t)length ||
		    !memcmp(seen, trial->found + at, length))
			continue;
		stale = true;
		printf("# stale: seed %lu: the page cache is not what the disk has at %zu (%s)\n",
		       trial->plan->seed, at, plan_name(trial->plan));
	}
	verdict->stale += stale;
	free(seen);
}

static void judge_told(const struct trial *trial, int which, struct verdict *verdict)
{
	const struct told *told = &trial->board->told[which];
	bool stranger = which == STREAMS_MAX + WATCHERS - 1;

	if (trial->verbose)
		printf("# fsync %d: %s, then %s\n", which,
		       told->first ? strerrorname_np(told->first) : "0",
		       told->again ? strerrorname_np(told->again) : "0");
	if (trial->learnt && !told->first) {
		if (stranger)
			verdict->strangers++;
		else
			verdict->untold++;
		printf("# untold: seed %lu: fsync of %s %d hid the error (%s)\n", trial->plan->seed,
		       which < STREAMS_MAX ? "stream" : "watcher", which % STREAMS_MAX,
		       plan_name(trial->plan));
	}
	/* A file system that a failed flush has ended says so for ever. */
	if (told->first && told->again && !trial->plan->faults.flushes && !trial->vanishes) {
		verdict->retold++;
		printf("# retold: seed %lu: %s %d heard %s, then %s\n", trial->plan->seed,
		       which < STREAMS_MAX ? "stream" : "watcher", which % STREAMS_MAX,
		       strerrorname_np(told->first), strerrorname_np(told->again));
	}
}

void judge_fsyncs(struct trial *trial, struct verdict *verdict)
{
	for (size_t i = 0; i < COUNT(trial->board->told); i++)
		if (trial->board->told[i].asked)
			judge_told(trial, i, verdict);
}
