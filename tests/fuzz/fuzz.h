/* SPDX-License-Identifier: MIT */
/* fuzz - what the targets have in common: how a find is told, and what is held against output. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define require(truth)                                                                             \
	do {                                                                                       \
		if (!(truth)) {                                                                    \
			fprintf(stderr, "not so: %s (%s:%d)\n", #truth, __FILE__, __LINE__);       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Called by libFuzzer, which has no header for it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* UTF-8 without a control character but newlines, of which one is last. */
void require_plain(const char *text, size_t len);

/* What the numbers under these keys add up to, wherever they stand. */
struct json_sums {
	uint64_t count;
	uint64_t writes;
};

/* One JSON object (RFC 8259) on one line that is plain. */
struct json_sums require_json(const char *text, size_t len);

#endif
