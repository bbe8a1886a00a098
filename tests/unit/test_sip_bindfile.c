/* SPDX-License-Identifier: ISC */
/* Bindings as text: sip/bindfile.c. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/bindfile.h"

#define S UINT64_C(1000000)

static const struct ip_address_port here = { .type = ADDRESS_IPV4,
					     .addr = { 192, 0, 2, 1 },
					     .port = 5060 };
static uint32_t here_socket = 3; /* that number has its address */

static bool on_address(void *ctx, uint32_t socket, struct ip_address_port *out)
{
	(void)ctx;
	*out = here;
	return socket == here_socket;
}

static bool on_socket(void *ctx, const struct ip_address_port *a, uint32_t *out)
{
	(void)ctx;
	*out = here_socket;
	return a->port == here.port;
}

static const struct bindfile_env before = { .mono_us = 1000 * S,
					    .unix_us = 5000 * S,
					    .address = on_address,
					    .socket = on_socket };

static struct binding *make(const char *uri, uint32_t conn, uint64_t until_us)
{
	struct binding *b = calloc(1, sizeof(*b));
	char text[64];

	assert_non_null(b);
	snprintf(text, sizeof(text), "\"A B\" <%s>;x", uri);
	b->refs = 1;
	b->contact = strdup(text);
	b->uri = strdup(uri);
	b->path = strdup("");
	b->call_id = strdup("c@d");
	b->instance = strdup("\"<urn:uuid:1>\"");
	b->reg_id = 2;
	b->cseq = 77;
	b->q = 500;
	b->flow = (struct flow){ .socket = 3, .conn = conn };
	b->flow.peer = (struct ip_address_port){ .type = ADDRESS_IPV6,
						 .addr = { 0x20, 1, 13, 0xb8 },
						 .port = 6000 };
	b->since_us = 990 * S;
	b->expires_us = until_us;
	return b;
}

static void written(struct buf *out)
{
	struct bindings b = { { make("sip:a@h", 0, 1060 * S),
				make("sip:b@h", 9, 1060 * S),
				make("sip:c@h", 0, 999 * S) },
			      3 };

	*out = (struct buf)BUF_INIT(BINDFILE_MAX);
	assert_ok(bindfile_write(out, "alice@a.example", &b, &before));
	bindings_clear(&b);
}

/* What has expired, and what goes with its connection, is left out. */
static void again(void **state)
{
	struct bindfile_env now = before;
	struct slice rest, aor;
	struct binding *b;
	struct buf text;

	(void)state;
	written(&text);
	/* Another boot, other sockets, ten seconds later. */
	now.mono_us = 20 * S;
	now.unix_us = 5010 * S;
	here_socket = 8;
	rest = buf_slice(&text);
	assert_ok(bindfile_next(&rest, &now, &aor, &b));
	assert_slice_equal(aor, SLICE_LIT("alice@a.example"));
	assert_string_equal(b->contact, "\"A B\" <sip:a@h>;x");
	assert_string_equal(b->uri, "sip:a@h");
	assert_string_equal(b->path, "");
	assert_string_equal(b->call_id, "c@d");
	assert_string_equal(b->instance, "\"<urn:uuid:1>\"");
	assert_int_equal(b->reg_id, 2);
	assert_int_equal(b->cseq, 77);
	assert_int_equal(b->q, 500);
	assert_int_equal(b->flow.socket, 8);
	assert_int_equal(b->flow.conn, 0);
	assert_int_equal(b->flow.peer.port, 6000);
	assert_int_equal(b->since_us, 0);
	assert_int_equal(b->expires_us, 70 * S);
	binding_free(b);
	assert_err(bindfile_next(&rest, &now, &aor, &b), ERR_NOT_FOUND);
	/* Later it has expired. */
	now.unix_us = 5060 * S;
	rest = buf_slice(&text);
	assert_ok(bindfile_next(&rest, &now, &aor, &b));
	assert_null(b);
	here_socket = 3;
	buf_clear(&text);
}

/* Cut anywhere it is no binding, and nothing else. */
static void cut(void **state)
{
	struct slice rest, aor;
	struct binding *b;
	struct buf text;

	(void)state;
	written(&text);
	for (size_t n = 1; n < text.len; n++) {
		rest = slice_of(text.p, n);
		assert_err(bindfile_next(&rest, &before, &aor, &b),
			   ERR_MALFORMED);
		assert_null(b);
	}
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(again),
		cmocka_unit_test(cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
