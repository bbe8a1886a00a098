/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: what a SIP phone sends.  The first byte of the input says how it
 * comes: as a stream ('s'), by STUN ('b'), as a datagram ('d'); with any other,
 * a whole datagram begins, as in corpus/sip/torture.  What can be answered is,
 * and the answer is a message again; what may be bound is bound, and comes
 * back.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sip/binding.h"
#include "sip/digest.h"
#include "sip/sipedit.h"
#include "sip/sipreply.h"
#include "sip/stunping.h"
#include "sip/transaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 1 << 20 };

static const struct flow from = {
	.peer = { .type = ADDRESS_IPV4, .addr = { 192, 0, 2, 1 }, .port = 5060 }
};

/* Ends the program, so that the fuzzer keeps the input. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void bind(const struct sipmsg *m)
{
	const struct binding_bounds bounds = { 60, 3600 };
	struct bindings none = { 0 }, some = { 0 };
	struct buf b = BUF_INIT(1 << 20);
	struct binding_change c;
	unsigned status;
	enum err r;

	must(binding_change_read(&c, m, &from, &bounds, &status) == OK,
	     "no memory");
	if (status == 0) {
		r = bindings_apply(&none, &c, 1000, &some);
		must(r == OK || r == ERR_FULL, "is not bound");
		must(bindings_format(&some, 1000, &b) == OK, "is too long");
	}
	binding_change_clear(&c);
	bindings_clear(&some);
	buf_clear(&b);
}

static void authenticate(const struct sipmsg *m, struct arena *a)
{
	static const struct digest_server server = {
		.realm = "a.example",
		.offer = { { HEXHASH_MD5, HEXHASH_SHA256 }, 2 },
		.nonce_life_us = 1000000
	};
	static const struct digest_ha1 ha1 = { { "0", "0" } };
	struct digest_memory memory = { 0 };
	struct digest_credentials c;
	enum digest_verdict v;

	if (digest_credentials(&c, &server, m, "Authorization", a) == OK)
		must(digest_judge(&server, &c, m, &ha1, &memory, 5, &v) == OK,
		     "is not judged");
}

/* The answer to it, which has to be a message. */
static void answer(const struct sipmsg *m)
{
	struct buf head = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);
	struct buf key = BUF_INIT(TRANSACTION_KEY_MAX);
	struct arena a = ARENA_INIT(ARENA);
	struct sipmsg again;
	struct flow to;
	enum err r;

	r = transaction_key(m, m->method, &key);
	must(r == OK || r == ERR_LIMIT, "has no key");
	must(sipreply_head(m, &from, "tag", &head) == OK, "has no head");
	sipreply_to(m, &from, &to);
	must(sipreply_make(200, NULL, buf_slice(&head), slice_of(NULL, 0),
			   &text) == OK,
	     "has no answer");
	r = sipmsg_parse(&again, buf_slice(&text), &a);
	must(r == OK || r == ERR_LIMIT, "has an answer that is none");
	must(r != OK || (again.status == 200 && sipreply_possible(&again)),
	     "has an answer that cannot be matched");
	buf_clear(&head);
	buf_clear(&text);
	buf_clear(&key);
	arena_free(&a);
}

/* As a proxy passes it on: a message again. */
static void pass_on(const struct sipmsg *m)
{
	const struct sipedit e = { .via = SLICE_LIT("SIP/2.0/UDP h;branch=b"),
				   .drop_routes = 1,
				   .fields = SLICE_LIT("Record-Route: <sip:h>"
						       "\r\n"),
				   .hop = true,
				   .realm = "a.example" };
	struct buf b = BUF_INIT(1 << 20);
	struct arena a = ARENA_INIT(ARENA);
	struct sipmsg again;
	enum err r = sipedit_write(m, &e, &b);

	must(r == OK || r == ERR_MALFORMED, "cannot be passed on");
	if (r == OK) {
		r = sipmsg_parse(&again, buf_slice(&b), &a);
		must(r == OK || r == ERR_LIMIT, "is passed on as none");
		must(r != OK || slice_eq(again.body, m->body),
		     "has another body");
	}
	buf_clear(&b);
	arena_free(&a);
}

static void datagram(struct slice in)
{
	struct arena a = ARENA_INIT(ARENA);
	const char *words;
	struct sipmsg m;
	enum err r = sipmsg_parse(&m, in, &a);

	if (m.method.len > 0 && sipreply_possible(&m)) {
		answer(&m);
		if (r == OK && sipreply_check(&m, &words) == 0) {
			authenticate(&m, &a);
			pass_on(&m);
			bind(&m);
		}
	}
	arena_free(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(64);
	struct slice in;
	size_t len;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	switch (data[0]) {
	case 's':
		while (in.len > 0 && sipmsg_length(in, &len) == OK && len > 0) {
			must(len <= in.len, "is longer than it is");
			datagram(slice_sub(in, 0, len));
			in = slice_sub(in, len, in.len - len);
		}
		return 0;
	case 'b':
		if (stunping_answer(in, &from.peer, &b) == OK)
			must(b.len == 32, "has an answer of another length");
		buf_clear(&b);
		return 0;
	case 'd':
		datagram(in);
		return 0;
	default:
		datagram(slice_of(data, size));
		return 0;
	}
}
