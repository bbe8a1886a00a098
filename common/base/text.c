/* SPDX-License-Identifier: ISC */
/*
 * Text forms of bytes, numbers and times, both ways, without locale and without
 * a clock.  What the texts are for is the caller's.
 */
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum err text_hex(struct buf *out, struct slice in)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t *to;
	enum err r;

	if (in.len > SIZE_MAX / 2)
		return ERR_LIMIT;
	if ((r = buf_extend(out, 2 * in.len, &to)) != OK)
		return r;
	for (size_t i = 0; i < in.len; i++) {
		*to++ = (uint8_t)hex[in.p[i] >> 4];
		*to++ = (uint8_t)hex[in.p[i] & 15];
	}
	return OK;
}

int text_hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

uint8_t text_unpercent(struct slice in, size_t *at)
{
	int high = -1, low = -1;

	if (in.p[*at] == '%' && *at + 2 < in.len) {
		high = text_hex_digit(in.p[*at + 1]);
		low = text_hex_digit(in.p[*at + 2]);
	}
	if (high < 0 || low < 0)
		return in.p[(*at)++];
	*at += 3;
	return (uint8_t)(high << 4 | low);
}

enum err text_unhex(struct buf *out, const char *text)
{
	size_t len = strlen(text), start = out->len;
	uint8_t *to;
	enum err r;

	if (len % 2 != 0)
		return ERR_DATA;
	if ((r = buf_extend(out, len / 2, &to)) != OK)
		return r;
	for (size_t i = 0; i < len; i += 2) {
		int hi = text_hex_digit((uint8_t)text[i]);
		int lo = text_hex_digit((uint8_t)text[i + 1]);

		if (hi < 0 || lo < 0) {
			out->len = start;
			return ERR_DATA;
		}
		*to++ = (uint8_t)(hi << 4 | lo);
	}
	return OK;
}

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789+/";

enum err text_base64(struct buf *out, struct slice in)
{
	uint8_t *to;
	enum err r;

	if (in.len > SIZE_MAX / 4)
		return ERR_LIMIT;
	if ((r = buf_extend(out, (in.len + 2) / 3 * 4, &to)) != OK)
		return r;
	for (size_t i = 0; i < in.len; i += 3) {
		size_t left = in.len - i;
		uint32_t v = (uint32_t)in.p[i] << 16;

		if (left > 1)
			v |= (uint32_t)in.p[i + 1] << 8;
		if (left > 2)
			v |= in.p[i + 2];
		*to++ = (uint8_t)digits64[v >> 18];
		*to++ = (uint8_t)digits64[v >> 12 & 63];
		*to++ = left > 1 ? (uint8_t)digits64[v >> 6 & 63] : '=';
		*to++ = left > 2 ? (uint8_t)digits64[v & 63] : '=';
	}
	return OK;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum err unbase64(struct buf *out, struct slice in)
{
	unsigned digits = 0, pads = 0;
	uint32_t v = 0;
	const char *at;
	enum err r;

	for (size_t i = 0; i < in.len; i++) {
		if (is_space(in.p[i]))
			continue;
		if (in.p[i] == '=') {
			pads++;
			continue;
		}
		if (pads != 0 || in.p[i] == '\0' ||
		    (at = strchr(digits64, in.p[i])) == NULL)
			return ERR_DATA;
		v = v << 6 | (uint32_t)(at - digits64);
		if (++digits % 4 != 0)
			continue;
		if ((r = buf_append_uint(out, v & 0xffffff, 3)) != OK)
			return r;
	}
	/* What is left is one or two bytes; the bits below them must be 0. */
	switch (digits % 4) {
	case 0:
		return pads == 0 ? OK : ERR_DATA;
	case 2:
		if (pads != 2 || (v & 15) != 0)
			return ERR_DATA;
		return buf_append_uint(out, v >> 4 & 0xff, 1);
	case 3:
		if (pads != 1 || (v & 3) != 0)
			return ERR_DATA;
		return buf_append_uint(out, v >> 2 & 0xffff, 2);
	default:
		return ERR_DATA;
	}
}

enum err text_unbase64(struct buf *out, struct slice in)
{
	size_t start = out->len;
	enum err r;

	if ((r = unbase64(out, in)) != OK)
		out->len = start;
	return r;
}

enum err text_escape(struct buf *out, struct slice in)
{
	size_t start = out->len;
	enum err r = OK;

	for (size_t i = 0; r == OK && i < in.len; i++) {
		if (in.p[i] >= 0x20 && in.p[i] < 0x7f && in.p[i] != '\\')
			r = buf_append_u8(out, in.p[i]);
		else
			r = buf_printf(out, "\\x%02x", in.p[i]);
	}
	if (r != OK)
		out->len = start;
	return r;
}

/* The length of the sequence that `c` begins, 0 when it begins none. */
static size_t utf8_len(uint8_t c)
{
	if (c != 0 && c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		return 2;
	if (c >= 0xe0 && c < 0xf0)
		return 3;
	return c >= 0xf0 && c < 0xf5 ? 4 : 0;
}

void text_tame(char *s)
{
	for (unsigned char *p = (unsigned char *)s; *p != '\0'; p++) {
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
		/* U+0080 to U+009F, which are controls as well. */
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[0] = p[1] = '?';
	}
}

bool text_is_utf8(struct slice in)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

	for (size_t i = 0, n; i < in.len; i += n) {
		uint32_t v;

		n = utf8_len(in.p[i]);
		if (n == 0 || n > in.len - i)
			return false;
		v = in.p[i] & (0xffU >> n);
		for (size_t k = 1; k < n; k++) {
			if ((in.p[i + k] & 0xc0) != 0x80)
				return false;
			v = v << 6 | (in.p[i + k] & 0x3f);
		}
		if (n > 1 && (v < least[n] || v > 0x10ffff ||
			      (v >= 0xd800 && v <= 0xdfff)))
			return false;
	}
	return true;
}

/* Digits of the base up to the first other character, at least one; moves *p.
 */
static enum err number(uint64_t *out, const char **p, unsigned base)
{
	uint64_t v = 0;
	const char *start = *p;

	for (;; ++*p) {
		int d = text_hex_digit((uint8_t) * *p);

		if (d < 0 || d >= (int)base)
			break;
		if (v > (UINT64_MAX - (unsigned)d) / base)
			return ERR_DATA;
		v = v * base + (unsigned)d;
	}
	*out = v;
	return *p == start ? ERR_DATA : OK;
}

enum err text_u64(uint64_t *out, const char *text, uint64_t min, uint64_t max)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *p = hex ? text + 2 : text;
	uint64_t v;

	if (number(&v, &p, hex ? 16 : 10) != OK || *p != '\0' || v < min ||
	    v > max)
		return ERR_DATA;
	*out = v;
	return OK;
}

enum err text_duration_s(uint32_t *out, const char *text)
{
	static const struct {
		char unit;
		uint32_t s;
	} units[] = { { '\0', 1 },   { 's', 1 },     { 'm', 60 },
		      { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	uint64_t v;

	if (number(&v, &text, 10) != OK || v > UINT32_MAX)
		return ERR_DATA;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*text != units[i].unit)
			continue;
		if ((*text != '\0' && text[1] != '\0') ||
		    v * units[i].s > UINT32_MAX)
			return ERR_DATA;
		*out = (uint32_t)(v * units[i].s);
		return OK;
	}
	return ERR_DATA;
}

/* The digits after a point, as `places` decimal places, the rest cut off. */
static enum err fraction(uint64_t *out, const char **p, unsigned places)
{
	const char *start = *p;
	uint64_t v = 0;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		if (places == 0)
			continue;
		v = v * 10 + (unsigned)(**p - '0');
		places--;
	}
	while (places-- > 0)
		v *= 10;
	*out = v;
	return *p == start ? ERR_DATA : OK;
}

enum err text_seconds_us(uint64_t *out, const char *text)
{
	uint64_t s, us = 0;

	if (number(&s, &text, 10) != OK || s > UINT32_MAX)
		return ERR_DATA;
	if (*text == '.') {
		text++;
		if (fraction(&us, &text, 6) != OK)
			return ERR_DATA;
	}
	if (*text != '\0' || s * 1000000 + us == 0)
		return ERR_DATA;
	*out = s * 1000000 + us;
	return OK;
}

/* Exactly `n` digits, then the character `then` (unless '\0'); moves *p. */
static enum err field(unsigned *out, const char **p, unsigned n, char then,
		      unsigned min, unsigned max)
{
	unsigned v = 0;

	for (; n > 0; n--, ++*p) {
		if (**p < '0' || **p > '9')
			return ERR_DATA;
		v = v * 10 + (unsigned)(**p - '0');
	}
	if (then != '\0' && *(*p)++ != then)
		return ERR_DATA;
	*out = v;
	return v < min || v > max ? ERR_DATA : OK;
}

/* Days from 1970-01-01 to the first day of the month, Gregorian. */
static int64_t days_before(unsigned year, unsigned month)
{
	static const uint16_t days[] = { 0,   31,  59,  90,  120, 151,
					 181, 212, 243, 273, 304, 334 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	int64_t y = (int64_t)year - 1;

	return y * 365 + y / 4 - y / 100 + y / 400 - 719162 + days[month - 1] +
	       (leap && month > 2);
}

static int64_t days_after(unsigned year, unsigned month)
{
	return month == 12 ? days_before(year + 1, 1)
			   : days_before(year, month + 1);
}

enum err text_time_ms(uint64_t *out, const char *text)
{
	unsigned year, month, day, hour, min, sec;
	uint64_t ms = 0;
	int64_t days;

	if (field(&year, &text, 4, '-', 1970, 9999) != OK ||
	    field(&month, &text, 2, '-', 1, 12) != OK ||
	    field(&day, &text, 2, 'T', 1, 31) != OK ||
	    field(&hour, &text, 2, ':', 0, 23) != OK ||
	    field(&min, &text, 2, ':', 0, 59) != OK ||
	    field(&sec, &text, 2, '\0', 0, 60) != OK)
		return ERR_DATA;
	if (*text == '.') {
		text++;
		if (fraction(&ms, &text, 3) != OK)
			return ERR_DATA;
	}
	days = days_before(year, month) + day - 1;
	if (strcmp(text, "Z") != 0 || days >= days_after(year, month))
		return ERR_DATA;
	*out = ((uint64_t)days * 86400 + hour * 3600 + min * 60 + sec) * 1000 +
	       ms;
	return OK;
}

const char *text_format_time(uint64_t unix_ms, char out[static 32])
{
	uint64_t s = unix_ms / 1000, days = s / 86400;
	unsigned year = 1970, month = 1;

	if (days >= (uint64_t)days_before(10000, 1)) {
		(void)snprintf(out, 32, "9999-12-31T23:59:59Z"); /* or later */
		return out;
	}
	year += (unsigned)(days / 366);
	while ((uint64_t)days_before(year + 1, 1) <= days)
		year++;
	while ((uint64_t)days_after(year, month) <= days)
		month++;
	(void)snprintf(out, 32, "%04u-%02u-%02uT%02u:%02u:%02uZ", year, month,
		       (unsigned)(days - (uint64_t)days_before(year, month)) +
			       1,
		       (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60),
		       (unsigned)(s % 60)); /* always fits */
	return out;
}
