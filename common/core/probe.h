/* SPDX-License-Identifier: ISC */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "core/request.h"
#include "core/storage.h"

/* How many resources are here, from the last time they were counted. */
struct probes {
	uint64_t n_resources, until_us; /* 0: never counted */
	bool counting;
	/* The count under way: */
	uint64_t begun_us, n_so_far;
	bool has_last;
	struct slot last;
	struct request *asker; /* NULL: has got the number of the last time */
	struct timer pause;
};

/* Ping and Probe answered, RFC 6940 s6.4.2.5 and s6.5.3. */
request_handler probe_on_ping;
request_handler probe_on_probe;
/* The count goes on. */
void probe_timer(struct node *n);

#endif
