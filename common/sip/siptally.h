/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPTALLY_H
#define SIP_SIPTALLY_H

#include "sip/sipflood.h"
#include "sip/sipmsg.h"

/* What came and what left, counted; and what each message costs who sent it. */
struct siptally {
	uint64_t requests;   /* that came, each time */
	uint64_t calls;      /* INVITEs that began one, and were passed on */
	uint64_t answers[7]; /* that left, by the first digit of the status */
	uint64_t ended[7];   /* calls, by that of their final answer */
	uint32_t units;      /* of the message at hand, for sipflood.h */
};

/* Bytes left. */
void siptally_sent(struct siptally *t, struct slice bytes);
/* The message at hand was refused so, or passed on. */
void siptally_refused(struct siptally *t, unsigned status);
void siptally_passed(struct siptally *t, const struct sipmsg *m);
/* A call has its final answer. */
void siptally_ended(struct siptally *t, unsigned status);
/* It is done with: what it has cost.  `wrong`: it proved a wrong password. */
uint32_t siptally_came(struct siptally *t, const struct sipmsg *m,
		       struct slice bytes, bool wrong) MUST_CHECK;

#endif
