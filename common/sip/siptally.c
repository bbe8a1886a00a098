/* SPDX-License-Identifier: ISC */
/* Owns: counting messages.  Does not own: who floods (sipflood.c), how counts
 * are told. */
#include "sip/siptally.h"

#include <string.h>

#include "sip/sipway.h"

enum { BYTES_A_UNIT = 2048, VERSION_LEN = 8 };

void siptally_sent(struct siptally *t, struct slice bytes)
{
	if (bytes.len > VERSION_LEN &&
	    memcmp(bytes.p, "SIP/2.0 ", VERSION_LEN) == 0 &&
	    bytes.p[VERSION_LEN] >= '1' && bytes.p[VERSION_LEN] <= '6')
		t->answers[bytes.p[VERSION_LEN] - '0']++;
}

void siptally_refused(struct siptally *t, unsigned status)
{
	if (status == 401 || status == 407)
		t->units += SIPFLOOD_CHALLENGE;
	else if (status >= 400 && status < 500)
		t->units += SIPFLOOD_REFUSAL;
}

void siptally_passed(struct siptally *t, const struct sipmsg *m)
{
	if (sipmsg_is(m->method, "INVITE") && !sipway_in_dialog(m))
		t->calls++;
}

void siptally_ended(struct siptally *t, unsigned status)
{
	if (status >= 200 && status < 700)
		t->ended[status / 100]++;
}

uint32_t siptally_came(struct siptally *t, const struct sipmsg *m,
		       struct slice bytes, bool wrong)
{
	uint32_t units = t->units + SIPFLOOD_MESSAGE +
			 (uint32_t)(bytes.len / BYTES_A_UNIT) +
			 (wrong ? SIPFLOOD_WRONG : 0);

	t->units = 0;
	t->requests += m->method.len > 0;
	return units;
}
