/* SPDX-License-Identifier: ISC */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "core/request.h"

/* How many resources are here, from the last time they were counted. */
struct probes {
	uint64_t n_resources, until_us;
	uint64_t asked_us; /* when the count was begun */
	bool counting;
};

/* Ping and Probe answered, RFC 6940 s6.4.2.5 and s6.5.3. */
request_handler probe_on_ping;
request_handler probe_on_probe;

#endif
