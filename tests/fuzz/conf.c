/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: what conf reads.  The first byte of the input says as what: a
 * document ('d'), a kind-block that came alone ('k'), the compiled form (any
 * other).  What is accepted has a compiled form
 * that gives itself again; what is refused says why.
 */
#include <stdio.h>
#include <stdlib.h>

#include "conf/compiled.h"
#include "conf/overlay_xml.h"
#include "crypto/openssl.h"
#include "net/anchor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 24 }; /* bytes of a compiled form */

/* Ends the program, so that the fuzzer keeps the input. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* The compiled form of `o` must make the same again. */
static void accepted(const struct overlay *o)
{
	struct buf one = BUF_INIT(LIMIT), two = BUF_INIT(LIMIT);
	struct overlay *copy;

	must(compiled_encode(&one, o) == OK, "has no compiled form");
	must(compiled_decode(&copy, buf_slice(&one)) == OK,
	     "its compiled form is refused");
	must(compiled_encode(&two, copy) == OK, "does not encode again");
	must(slice_eq(buf_slice(&one), buf_slice(&two)),
	     "its compiled form gives another");
	overlay_free(copy);
	buf_clear(&one);
	buf_clear(&two);
}

/* The configuration that a kind-block comes to. */
static const struct overlay *in_use(void)
{
	static const char text[] =
		"<overlay xmlns='urn:ietf:params:xml:ns:p2p:config-base'>"
		"<configuration instance-name='a.example'>"
		"<self-signed-permitted digest='sha1'>1"
		"</self-signed-permitted></configuration></overlay>";
	static struct overlay *o;

	if (o == NULL &&
	    overlay_xml_parse(&o, slice_str(text), NULL, NULL) != OK)
		abort();
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_xml_judge j = { .now_ms = UINT64_C(1700000000000),
				       .crypto_open = anchor_open,
				       .crypto_close = openssl_free };
	struct why why = { "" };
	struct overlay *o = NULL;
	struct slice in;
	enum err r;

	if (size == 0)
		return 0;
	in = slice_of(data + 1, size - 1);
	switch (data[0]) {
	case 'd':
		r = overlay_xml_load(&o, in, &j, &why);
		break;
	case 'k':
		j.previous = in_use();
		r = overlay_xml_add_kind(&o, in, &j, &why);
		break;
	default:
		if (compiled_decode(&o, in) == OK) {
			accepted(o);
			overlay_free(o);
		}
		return 0;
	}
	if (r == OK)
		accepted(o);
	else
		must(why.text[0] != '\0' || r == ERR_NOMEM,
		     "is refused without a reason");
	overlay_free(o);
	return 0;
}
