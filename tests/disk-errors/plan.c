/* SPDX-License-Identifier: MIT */
/*
 * What a seed means. Every write has a place of its own, or finds one: no byte is written twice.
 */
#include "disk_errors.h"

const char *const call_names[CALLS] = { "pwrite", "pwritev", "pwritev2", "write", "writev" };
static const char *const shape_names[SHAPES] = { "threads on one descriptor", "a descriptor each",
						 "duplicates", "forked processes", "a mix" };
static const char *const style_names[STYLES] = { "placed", "appended", "streamed" };
static const char *const ground_names[GROUNDS] = { "written", "hole", "unwritten" };
static const char *const grain_names[GRAINS] = { "blocks", "small", "any", "large" };
static const char *const failing_names[FAILINGS] = { "bad blocks", "by chance", "in a range",
						     "some times", "nothing" };

static void plan_writers(struct plan *plan, struct dice *dice)
{
	plan->shape = below(dice, SHAPES);
	plan->writers = percent(dice, 10) ? 1 : 2 + below(dice, WRITERS_MAX - 1);
	if (plan->grain == LARGE && plan->writers > 3)
		plan->writers = 3;
	plan->streams = plan->shape == EACH_ITS_OWN  ? plan->writers
			: plan->shape == MIXED_SHAPE ? 2
						     : 1;
	for (int i = 0; i < plan->writers; i++) {
		struct writer *writer = &plan->writer[i];

		writer->stream = i % plan->streams;
		writer->dup =
			plan->shape == DUPS || (plan->shape == MIXED_SHAPE && percent(dice, 50));
		writer->forked =
			plan->shape == FORKED || (plan->shape == MIXED_SHAPE && percent(dice, 30));
	}
}

static size_t throw_length(const struct plan *plan, struct dice *dice)
{
	switch (plan->grain) {
	case LARGE:
		return (2UL << 20) + below(dice, 6UL << 20) / BLOCK * BLOCK +
		       (percent(dice, 20) ? below(dice, BLOCK) : 0);
	case SMALL:
		return SHORTEST + below(dice, percent(dice, 50) ? 500 : 6000);
	case ANY:
		if (percent(dice, 50))
			return SHORTEST + below(dice, 40000);
		/* fall through */
	default:
		return BLOCK * (1 + below(dice, percent(dice, 70) ? 4 : 16));
	}
}

static enum call throw_call(const struct plan *plan, struct dice *dice)
{
	if (plan->style == STREAMED)
		return percent(dice, 70) ? WRITE : WRITEV;
	if (plan->style == APPENDED && percent(dice, 80))
		return percent(dice, 70) ? WRITE : WRITEV;
	if (percent(dice, 60))
		return PWRITE;
	return percent(dice, 50) ? PWRITEV : PWRITEV2;
}

static void plan_deeds(struct plan *plan, struct dice *dice)
{
	int each = plan->grain == LARGE ? 1 : 1 + below(dice, 7);
	bool mixed_ground = percent(dice, 30);
	enum ground ground = below(dice, GROUNDS);

	for (int i = 0; i < plan->writers; i++)
		for (int k = 0; k < each; k++) {
			struct deed *deed = &plan->deed[plan->writes++];

			deed->writer = i;
			deed->call = throw_call(plan, dice);
			deed->length = throw_length(plan, dice);
			deed->skew = percent(dice, 60) ? 0 : below(dice, BLOCK);
			deed->ground = mixed_ground ? below(dice, GROUNDS) : ground;
			deed->at = -1;
		}
}

/* Side by side, by writer or in turns; whole blocks at whole blocks, the others anywhere. */
static void place_deeds(struct plan *plan, struct dice *dice)
{
	bool in_turns = percent(dice, 50);
	bool packed = percent(dice, 50);
	int each = plan->writes / plan->writers;

	plan->size = 0;
	for (int i = 0; i < plan->writes; i++) {
		int which = in_turns ? i % plan->writers * each + i / plan->writers : i;
		struct deed *deed = &plan->deed[which];
		off_t gap = packed ? 0 : below(dice, 4) * BLOCK;

		if (plan->grain != BLOCKS && (!packed || percent(dice, 10)))
			gap += below(dice, BLOCK);
		deed->at = plan->size + gap;
		if (plan->grain == BLOCKS || (plan->grain == LARGE && percent(dice, 80)) ||
		    (plan->grain == ANY && deed->length % BLOCK == 0))
			deed->at = (deed->at + BLOCK - 1) / BLOCK * BLOCK;
		plan->size = deed->at + deed->length;
	}
	plan->size += below(dice, 3) * BLOCK;
}

static void place_streams(struct plan *plan, struct dice *dice)
{
	size_t lengths[STREAMS_MAX] = { 0 };

	for (int i = 0; i < plan->writes; i++) {
		int stream = plan->writer[plan->deed[i].writer].stream;

		lengths[stream] += plan->deed[i].length;
		if (plan->area < (off_t)lengths[stream])
			plan->area = lengths[stream];
	}
	plan->area = (plan->area + BLOCK - 1) / BLOCK * BLOCK;
	plan->size = plan->area * plan->streams;
	/* Nothing behind the last one: the file grows. */
	if (percent(dice, 50))
		plan->size = plan->area * (plan->streams - 1) + below(dice, BLOCK);
}

static void plan_faults(struct plan *plan, struct dice *dice)
{
	static const double shares[] = { 0.05, 0.15, 0.3, 0.5 };
	static const enum failing ways[] = { BAD_BLOCKS, BAD_BLOCKS, BAD_BLOCKS, BY_CHANCE,
					     BY_CHANCE,	 IN_RANGE,   IN_RANGE,	 SOME_TIMES,
					     SOME_TIMES, NOTHING };
	struct faults *faults = &plan->faults;
	bool large = plan->grain == LARGE;

	faults->how = ways[below(dice, COUNT(ways))];
	faults->share = shares[below(dice, COUNT(shares))] / (large ? 10 : 1);
	faults->first = below(dice, plan->size + 1);
	faults->length = 1 + below(dice, plan->size / 2 + 1);
	faults->times = faults->how == SOME_TIMES || percent(dice, 25) ? 1 + below(dice, 4) : 0;
	faults->no_space = percent(dice, 30);
	if (faults->how == NOTHING || percent(dice, 5))
		faults->flushes = percent(dice, 50) ? -1 : (int)(1 + below(dice, 3));
	faults->reads = percent(dice, 4);
	faults->write_us = percent(dice, 40) ? 50 + below(dice, large ? 150 : 600) : 0;
	faults->flush_us = percent(dice, 25) ? 50 + below(dice, 1000) : 0;
	faults->begin_after = percent(dice, 20) ? below(dice, plan->writes) : 0;
	faults->heal_after =
		percent(dice, 25) ? faults->begin_after + 1 + below(dice, plan->writes) : 0;
}

void plan_make(struct plan *plan, uint64_t seed)
{
	static const enum style styles[] = { PLACED, PLACED, PLACED, PLACED, APPENDED, STREAMED };
	static const enum grain grains[] = { BLOCKS, BLOCKS, BLOCKS, SMALL, ANY, ANY, LARGE };
	struct dice dice = { .seed = seed };

	memset(plan, 0, sizeof(*plan));
	plan->seed = seed;
	plan->style = styles[below(&dice, COUNT(styles))];
	plan->grain = grains[below(&dice, COUNT(grains))];
	plan_writers(plan, &dice);
	plan_deeds(plan, &dice);
	if (plan->style == PLACED)
		place_deeds(plan, &dice);
	else if (plan->style == STREAMED)
		place_streams(plan, &dice);
	else
		plan->size = below(&dice, 4 * BLOCK);
	if (plan->style != PLACED && percent(&dice, 50))
		plan->reserved = 1 << 20;
	plan->cold = percent(&dice, 40);
	plan->in_place = percent(&dice, 60);
	plan->datasync = percent(&dice, 30);
	plan->child_syncs = percent(&dice, 20);
	plan->stranger = percent(&dice, 30);
	plan_faults(plan, &dice);
	/* A failed flush can leave the metadata behind, which only a look from anew shows. */
	plan->cut = plan->faults.flushes || percent(&dice, 30);
}

const char *plan_name(const struct plan *plan)
{
	static char name[100];

	snprintf(name, sizeof(name), "%s, %s, %s%s", shape_names[plan->shape],
		 style_names[plan->style], grain_names[plan->grain],
		 plan->faults.flushes ? ", flushes fail" : "");
	return name;
}

void plan_print(const struct plan *plan)
{
	const struct faults *faults = &plan->faults;

	printf("# seed %lu: %s, %d writers, %d streams, %d writes, file of %ld%s%s%s%s%s\n",
	       plan->seed, plan_name(plan), plan->writers, plan->streams, plan->writes, plan->size,
	       plan->reserved ? ", reserved" : "", plan->cold ? ", cold" : "",
	       plan->in_place ? ", in place" : "", plan->child_syncs ? ", child syncs" : "",
	       plan->cut ? ", cut" : "");
	printf("# fails: %s %g, %ld+%ld, times %d, %s, flushes %d%s, delays %d %d us, from %d to "
	       "%d\n",
	       failing_names[faults->how], faults->share, faults->first, faults->length,
	       faults->times, faults->no_space ? "ENOSPC" : "EIO", faults->flushes,
	       faults->reads ? ", reads" : "", faults->write_us, faults->flush_us,
	       faults->begin_after, faults->heal_after);
	for (int i = 0; i < plan->writes; i++) {
		const struct deed *deed = &plan->deed[i];
		const struct writer *writer = &plan->writer[deed->writer];

		printf("# write %d: writer %d%s%s stream %d %s %zu@%ld on %s, memory at %zu\n", i,
		       deed->writer, writer->forked ? " forked" : "", writer->dup ? " dup" : "",
		       writer->stream, call_names[deed->call], deed->length, deed->at,
		       ground_names[deed->ground], deed->skew);
	}
}

void plan_fill(const struct plan *plan, int deed, void *bytes, uint64_t from, size_t length)
{
	const uint64_t key = random_of(plan->seed, 1000 + deed, 0);
	char *out = bytes;

	for (uint64_t word = from / 8; word * 8 < from + length; word++) {
		uint32_t number = random_mix(key + word);
		char piece[8] = MARK;
		uint64_t first = word * 8 < from ? from : word * 8;
		uint64_t end = word * 8 + 8 > from + length ? from + length : word * 8 + 8;

		memcpy(piece + 4, &number, 4);
		memcpy(out + (first - from), piece + (first - word * 8), end - first);
	}
}
