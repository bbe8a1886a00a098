/* SPDX-License-Identifier: ISC */
/* Messages in a stream: sip/sipstream.c.  RFC 3261 s7.5, s18.3; RFC 5626
 * s3.5.1. */
#include "unit.h"

#include "sip/sipstream.h"

#define HEAD(len)                                                              \
	"MESSAGE sip:a@h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n"                    \
	"Content-Length: " len "\r\n\r\n"
#define S UINT64_C(1000000)

static struct sipstream stream;
static struct buf got; /* each message, then '|'; '.' for a pong */
static int closes_after;

static bool goes_on(void)
{
	return closes_after == 0 || --closes_after > 0;
}

static bool on_message(void *ctx, struct slice bytes)
{
	(void)ctx;
	assert_ok(buf_append_slice(&got, bytes));
	assert_ok(buf_append_u8(&got, '|'));
	return goes_on();
}

static bool on_pong(void *ctx)
{
	(void)ctx;
	assert_ok(buf_append_u8(&got, '.'));
	return goes_on();
}

static const struct sipstream_taker taker = { .message = on_message,
					      .pong = on_pong };

static int begin(void **state)
{
	(void)state;
	sipstream_init(&stream, 1 * S);
	got = (struct buf)BUF_INIT(1 << 20);
	closes_after = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	sipstream_clear(&stream);
	buf_clear(&got);
	return 0;
}

static enum err take(const char *text, uint64_t now_us)
{
	return sipstream_take(&stream, slice_str(text), &taker, now_us);
}

static void assert_got(const char *text)
{
	assert_slice_equal(buf_slice(&got), slice_str(text));
	buf_reset(&got);
}

/* However it is cut, the same messages come out. */
static void cuts(void **state)
{
	static const char text[] = "\r\n" HEAD("4") "body\r\n\r\n" HEAD("0")
		HEAD("2") "\r\n";
	static const char want[] =
		HEAD("4") "body|." HEAD("0") "|" HEAD("2") "\r\n|";

	(void)state;
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		assert_ok(sipstream_take(&stream, slice_of(text, at), &taker,
					 1 * S));
		assert_ok(take(text + at, 1 * S));
		assert_got(want);
		assert_null(stream.in.p); /* nothing waits: no memory */
	}
	for (size_t at = 0; at < sizeof(text) - 1; at++)
		assert_ok(sipstream_take(&stream, slice_of(text + at, 1),
					 &taker, 1 * S));
	assert_got(want);
}

static void pings(void **state)
{
	(void)state;
	assert_ok(take("\r\n\r\n", 1 * S));
	assert_got(".");
	assert_ok(take("\r\n\r\n\r\n\r\n", 1 * S));
	assert_got("..");
	assert_ok(take("\r\n", 1 * S)); /* an answer, or half a ping */
	assert_got("");
	assert_ok(take("\r\n", 1 * S));
	assert_got(".");
	assert_ok(take("\n\r\r\n\n", 1 * S));
	assert_got("");
}

/* What cannot be a message, or would be too long: its end is lost. */
static void lost(void **state)
{
	static uint8_t line[SIPSTREAM_CHUNK_MAX];
	enum err r = OK;

	(void)state;
	assert_err(take("MESSAGE sip:a@h SIP/2.0\r\nVia: h\r\n\r\n", 1 * S),
		   ERR_MALFORMED);
	end(NULL);
	begin(NULL);
	assert_err(take(HEAD("65536"), 1 * S), ERR_LIMIT);
	end(NULL);
	begin(NULL);
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 2 && r == OK; i++)
		r = sipstream_take(&stream, slice_of(line, sizeof(line)),
				   &taker, 1 * S);
	assert_err(r, ERR_LIMIT);
	assert_got("");
}

/* A message has a time from its first byte, however often one comes. */
static void slow(void **state)
{
	(void)state;
	assert_ok(take("\r\n", 5 * S));
	assert_false(sipstream_is_slow(&stream, 1000 * S)); /* none began */
	assert_ok(take("MESS", 10 * S));
	assert_ok(take("AGE", 29 * S));
	assert_false(
		sipstream_is_slow(&stream, (10 + SIPSTREAM_MESSAGE_S) * S));
	assert_true(
		sipstream_is_slow(&stream, (10 + SIPSTREAM_MESSAGE_S) * S + 1));
	assert_ok(
		take(" sip:a@h SIP/2.0\r\nContent-Length: 0\r\n\r\n", 30 * S));
	assert_false(sipstream_is_slow(&stream, 1000 * S));
	/* The beginning of the next has its own. */
	assert_ok(take("MESSAGE sip:a@h SIP/2.0\r\nl: 0\r\n\r\nMES", 40 * S));
	assert_false(sipstream_is_slow(&stream, 59 * S));
	assert_true(sipstream_is_slow(&stream, 61 * S));
}

/* Half a message is no use of it. */
static void idle(void **state)
{
	(void)state;
	assert_false(sipstream_is_idle(&stream, (1 + SIPSTREAM_IDLE_S) * S));
	assert_true(sipstream_is_idle(&stream, (2 + SIPSTREAM_IDLE_S) * S));
	assert_ok(take("\r\n\r\n", 50 * S));
	assert_false(sipstream_is_idle(&stream, (50 + SIPSTREAM_IDLE_S) * S));
	assert_ok(take(HEAD("1"), 60 * S));
	assert_true(sipstream_is_idle(&stream, (51 + SIPSTREAM_IDLE_S) * S));
	assert_ok(take("x", 61 * S));
	assert_false(sipstream_is_idle(&stream, (61 + SIPSTREAM_IDLE_S) * S));
}

/* Nothing is called once the connection is closed. */
static void closed(void **state)
{
	(void)state;
	closes_after = 1;
	assert_ok(take(HEAD("0") HEAD("0"), 1 * S));
	assert_got(HEAD("0") "|");
	end(NULL);
	begin(NULL);
	closes_after = 1;
	assert_ok(take("\r\n\r\n\r\n\r\n" HEAD("0"), 1 * S));
	assert_got(".");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(cuts, begin, end),
		cmocka_unit_test_setup_teardown(pings, begin, end),
		cmocka_unit_test_setup_teardown(lost, begin, end),
		cmocka_unit_test_setup_teardown(slow, begin, end),
		cmocka_unit_test_setup_teardown(idle, begin, end),
		cmocka_unit_test_setup_teardown(closed, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
