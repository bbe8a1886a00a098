/* SPDX-License-Identifier: ISC */
/* How much one address may ask for: sip/sipflood.c. */
#include "unit.h"

#include "sip/sipflood.h"

#define S UINT64_C(1000000)

static struct sipflood *flood;
static const struct ip_address_port one = { .type = ADDRESS_IPV4,
					    .addr = { 192, 0, 2, 1 },
					    .port = 5060 };

static int begin(void **state)
{
	(void)state;
	assert_ok(sipflood_new(&flood));
	return 0;
}

static int end(void **state)
{
	(void)state;
	sipflood_free(flood);
	return 0;
}

/* Units come back by time; what is not admitted is counted. */
static void bucket(void **state)
{
	(void)state;
	assert_true(sipflood_admits(flood, &one, 1 * S));
	sipflood_charge(flood, &one, SIPFLOOD_BURST, 1 * S);
	assert_true(sipflood_admits(flood, &one, 1 * S));
	sipflood_charge(flood, &one, 1, 1 * S);
	assert_false(sipflood_admits(flood, &one, 1 * S));
	assert_int_equal(sipflood_count(flood), 1);
	assert_true(sipflood_admits(flood, &one, 1 * S + S / SIPFLOOD_RATE));
	/* After that much time all of it, and not more, is there again. */
	sipflood_charge(flood, &one, SIPFLOOD_BURST, 100 * S);
	assert_true(sipflood_admits(flood, &one, 100 * S));
	sipflood_charge(flood, &one, 1, 100 * S);
	assert_false(sipflood_admits(flood, &one, 100 * S));
}

/* Ten thousand phones behind one address register at once, each of them being
 * asked for its password first. */
static void crowd(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++) {
		assert_true(sipflood_admits(flood, &one, 1 * S));
		sipflood_charge(flood, &one,
				2 * SIPFLOOD_MESSAGE + SIPFLOOD_CHALLENGE,
				1 * S);
	}
}

/* One address of IPv4, whatever its port; one /64 of IPv6. */
static void networks(void **state)
{
	struct ip_address_port a = one, six = { .type = ADDRESS_IPV6,
						.addr = { 0x20, 1, 13, 0xb8 } };

	(void)state;
	sipflood_charge(flood, &one, SIPFLOOD_BURST + 1, 1 * S);
	a.port = 1;
	assert_false(sipflood_admits(flood, &a, 1 * S));
	a.addr[3] = 2;
	assert_true(sipflood_admits(flood, &a, 1 * S));
	sipflood_charge(flood, &six, SIPFLOOD_BURST + 1, 1 * S);
	six.addr[15] = 9;
	assert_false(sipflood_admits(flood, &six, 1 * S));
	six.addr[7] = 9;
	assert_true(sipflood_admits(flood, &six, 1 * S));
}

/* Addresses that are made up cost us no more than the table. */
static void full(void **state)
{
	struct ip_address_port a = { .type = ADDRESS_IPV4 };

	(void)state;
	sipflood_charge(flood, &one, SIPFLOOD_BURST + 1, 1 * S);
	for (uint32_t i = 0; i < SIPFLOOD_NETWORKS_MAX; i++) {
		a.addr[0] = (uint8_t)(i >> 16);
		a.addr[1] = (uint8_t)(i >> 8);
		a.addr[2] = (uint8_t)i;
		sipflood_charge(flood, &a, SIPFLOOD_BURST + 1, 1 * S);
	}
	assert_true(sipflood_admits(flood, &one, 1 * S)); /* the oldest */
	assert_false(sipflood_admits(flood, &a, 1 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bucket, begin, end),
		cmocka_unit_test_setup_teardown(crowd, begin, end),
		cmocka_unit_test_setup_teardown(networks, begin, end),
		cmocka_unit_test_setup_teardown(full, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
