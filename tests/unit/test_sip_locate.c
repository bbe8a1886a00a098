/* SPDX-License-Identifier: ISC */
/* From a URI to transports and addresses, RFC 3263: sip/locate.c. */
#include "unit.h"

#include <stdio.h>
#include <strings.h>

#include "conf/address.h"
#include "sip/locate.h"

enum { ALL = LOCATE_UDP | LOCATE_TCP | LOCATE_TLS };

/* A zone: "NAME TYPE DATA"; records of one name in the order given back. */
static void answer(const char *const *zone, const struct dns_question *q,
		   struct dns_answer *a)
{
	static const char *const types[] = { "NAPTR", "SRV", "A" };
	char name[256], type[16], data[256];

	*a = (struct dns_answer){ .type = q->type };
	for (; *zone != NULL; zone++) {
		assert_int_equal(
			sscanf(*zone, "%255s %15s %255[^\n]", name, type, data),
			3);
		if (strcasecmp(name, q->name) != 0 ||
		    strcmp(type, types[q->type]) != 0)
			continue;
		if (q->type == DNS_NAPTR)
			assert_int_equal(sscanf(data, "%3s %31s %255s",
						a->naptr[a->n].flags,
						a->naptr[a->n].service,
						a->naptr[a->n].replacement),
					 3);
		else if (q->type == DNS_SRV)
			assert_int_equal(sscanf(data, "%hu %255s",
						&a->srv[a->n].port,
						a->srv[a->n].host),
					 2);
		else
			assert_ok(address_parse_host(&a->addresses[a->n], data,
						     q->port));
		a->n++;
	}
	/* As a resolver does with what is a number already. */
	if (q->type == DNS_ADDRESS && a->n == 0 &&
	    address_parse_host(&a->addresses[0], q->name, q->port) == OK)
		a->n = 1;
	a->err = a->n == 0 ? ERR_DNS : OK;
}

/* "udp 192.0.2.1:5060, ..." */
static void locate(const char *const *zone, const char *uri,
		   unsigned transports, char *out, size_t size)
{
	struct dns_question q;
	struct dns_answer a;
	struct sipfield_uri u;
	char text[ADDRESS_TEXT_MAX];
	struct locate l;
	size_t n = 0;
	enum err r;

	out[0] = '\0';
	assert_ok(sipfield_uri(&u, slice_str(uri)));
	if ((r = locate_init(&l, &u, transports)) != OK) {
		(void)snprintf(out, size, "%s", err_name(r));
		return;
	}
	while (locate_next(&l, &q)) {
		answer(zone, &q, &a);
		locate_feed(&l, &a);
	}
	for (size_t i = 0; i < l.n; i++)
		n += (size_t)snprintf(
			out + n, size - n, "%s%s %s", i > 0 ? ", " : "",
			l.targets[i].transport == LOCATE_UDP   ? "udp"
			: l.targets[i].transport == LOCATE_TCP ? "tcp"
							       : "tls",
			address_format(&l.targets[i].address, text));
}

struct trial {
	const char *uri;
	unsigned transports;
	const char *expected;
};

static void expect(const char *const *zone, const struct trial *t, size_t n)
{
	char got[2048];

	for (size_t i = 0; i < n; i++) {
		locate(zone, t[i].uri, t[i].transports, got, sizeof(got));
		if (strcmp(got, t[i].expected) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", t[i].uri, got,
				 t[i].expected);
	}
}

static void numbers(void **state)
{
	static const char *const zone[] = { "h.example A 192.0.2.7", NULL };
	static const struct trial t[] = {
		{ "sip:a@192.0.2.1", ALL, "udp 192.0.2.1:5060" },
		{ "sip:a@192.0.2.1:5070;transport=tcp", ALL,
		  "tcp 192.0.2.1:5070" },
		{ "sip:a@[2001:db8::1]", ALL, "udp [2001:db8::1]:5060" },
		{ "sips:a@192.0.2.1", ALL, "tls 192.0.2.1:5061" },
		{ "sip:a@192.0.2.1", LOCATE_TCP, "tcp 192.0.2.1:5060" },
		{ "sip:a@h.example:5080", ALL, "udp 192.0.2.7:5080" },
		{ "sip:a@x.example;maddr=192.0.2.9", ALL,
		  "udp 192.0.2.9:5060" },
		{ "sips:a@192.0.2.1;transport=tcp", ALL, "tls 192.0.2.1:5061" },
		{ "sips:a@192.0.2.1;transport=udp", ALL, "UNSUPPORTED" },
		{ "sips:a@192.0.2.1", LOCATE_UDP, "UNSUPPORTED" },
		{ "sip:a@192.0.2.1;transport=sctp", ALL, "UNSUPPORTED" },
		{ "sip:a@192.0.2.1;transport=tls", LOCATE_UDP, "UNSUPPORTED" },
		{ "sip:a@not_a_name", ALL, "DATA" },
	};

	(void)state;
	expect(zone, t, N_OF(t));
}

static void records(void **state)
{
	static const char *const zone[] = {
		"n.example NAPTR s SIP+D2T _sip._tcp.n.example",
		"n.example NAPTR s SIP+D2U _sip._udp.n.example",
		"n.example NAPTR s SIPS+D2T _sips._tcp.n.example",
		"n.example NAPTR u E2U+sip enum.example",
		"_sip._tcp.n.example SRV 5070 one.n.example",
		"_sip._tcp.n.example SRV 5071 two.n.example",
		"_sip._udp.n.example SRV 5060 one.n.example",
		"_sips._tcp.n.example SRV 5061 two.n.example",
		"one.n.example A 192.0.2.1", "one.n.example A 2001:db8::1",
		"two.n.example A 192.0.2.2", "n.example A 192.0.2.99",
		/* Without NAPTR. */
		"_sip._udp.s.example SRV 5062 one.n.example",
		"s.example A 192.0.2.99",
		/* Without either. */
		"a.example A 192.0.2.3",
		/* A NAPTR for nothing that we speak. */
		"e.example NAPTR u E2U+sip enum.example",
		"e.example A 192.0.2.4", NULL
	};
	static const struct trial t[] = {
		{ "sip:b@n.example", ALL,
		  "tcp 192.0.2.1:5070, tcp [2001:db8::1]:5070, "
		  "tcp 192.0.2.2:5071, udp 192.0.2.1:5060, "
		  "udp [2001:db8::1]:5060, tls 192.0.2.2:5061" },
		{ "sips:b@n.example", ALL, "tls 192.0.2.2:5061" },
		{ "sip:b@n.example", LOCATE_UDP,
		  "udp 192.0.2.1:5060, udp [2001:db8::1]:5060" },
		{ "sip:b@n.example;transport=udp", ALL,
		  "udp 192.0.2.1:5060, udp [2001:db8::1]:5060" },
		{ "sip:b@s.example", ALL,
		  "udp 192.0.2.1:5062, udp [2001:db8::1]:5062" },
		{ "sip:b@s.example;transport=tcp", ALL, "tcp 192.0.2.99:5060" },
		{ "sip:b@a.example", ALL, "udp 192.0.2.3:5060" },
		{ "sips:b@a.example", ALL, "tls 192.0.2.3:5061" },
		{ "sip:b@e.example", ALL, "udp 192.0.2.4:5060" },
		{ "sip:b@nowhere.example", ALL, "" },
	};

	(void)state;
	expect(zone, t, N_OF(t));
}

/* A zone that answers everything with as much as fits. */
static void limits(void **state)
{
	struct dns_question q;
	struct dns_answer a;
	struct sipfield_uri u;
	struct locate l;
	size_t n = 0;

	(void)state;
	assert_ok(sipfield_uri(&u, SLICE_LIT("sip:x@endless.example")));
	assert_ok(locate_init(&l, &u, ALL));
	while (locate_next(&l, &q)) {
		a = (struct dns_answer){ .type = q.type, .n = DNS_ANSWERS_MAX };
		for (size_t i = 0; i < a.n; i++) {
			if (q.type == DNS_NAPTR)
				a.naptr[i] = (struct dns_naptr){
					.flags = "S",
					.service = "sip+d2u",
					.replacement = "endless.example"
				};
			else if (q.type == DNS_SRV)
				a.srv[i] = (struct dns_srv){
					.host = "endless.example", .port = 1
				};
			else
				assert_ok(address_parse_host(&a.addresses[i],
							     "192.0.2.1", 1));
		}
		locate_feed(&l, &a);
		n++;
	}
	assert_in_range(n, 2, LOCATE_ASKED_MAX);
	assert_int_equal(l.n, LOCATE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(records),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
