/* SPDX-License-Identifier: ISC */
/* SIP messages for tests: from text to a struct sipmsg. */
#ifndef TEST_SIP_TEXT_H
#define TEST_SIP_TEXT_H

#include "sip/sipmsg.h"

/* What every request needs; the method, URI and the rest are the test's. */
#define SIP_REST                                                               \
	"Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKnashds7;rport\r\n"      \
	"Max-Forwards: 70\r\n"                                                 \
	"From: Alice <sip:alice@a.example>;tag=456248\r\n"                     \
	"To: Alice <sip:alice@a.example>\r\n"
#define SIP_REGISTER "REGISTER sip:a.example SIP/2.0\r\n" SIP_REST
#define SIP_REGISTER_BOB                                                       \
	"REGISTER sip:a.example SIP/2.0\r\n"                                   \
	"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKr\r\n"                       \
	"From: <sip:bob@a.example>;tag=1\r\nTo: <sip:bob@a.example>\r\n"

/* `a` is the test's, emptied by it. */
static inline struct sipmsg sip_text(const char *text, struct arena *a)
{
	struct sipmsg m;

	assert_ok(sipmsg_parse(&m, slice_str(text), a));
	return m;
}

#endif
