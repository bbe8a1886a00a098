/* SPDX-License-Identifier: ISC */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>

#include "base/buf.h"

/* 0 to 15, either case; -1: no hex digit. */
int text_hex_digit(uint8_t c);
/* The byte at `*at`, which is below in.len, with %HH decoded (RFC 3986 s2.1);
 * moves past it. */
uint8_t text_unpercent(struct slice in, size_t *at);
/* Lower-case hex, appended. */
enum err text_hex(struct buf *out, struct slice in) MUST_CHECK;
/* Either case, an even number of digits and nothing else; ERR_DATA. */
enum err text_unhex(struct buf *out, const char *text) MUST_CHECK;
/* RFC 4648 s4, padded, no line breaks. */
enum err text_base64(struct buf *out, struct slice in) MUST_CHECK;
/* White space is skipped, padding needed, no other alphabet; ERR_DATA. */
enum err text_unbase64(struct buf *out, struct slice in) MUST_CHECK;
/* Printable ASCII as it is, the rest and the backslash as \xHH. */
enum err text_escape(struct buf *out, struct slice in) MUST_CHECK;
/* Control characters become "?": words of others reach terminals and logs, and
 * end no line there. */
void text_tame(char *s);
/* Well-formed UTF-8 without NUL (RFC 3629)? */
bool text_is_utf8(struct slice in);

/* Decimal or 0x-hex in [min, max]; nothing before or after; ERR_DATA. */
enum err text_u64(uint64_t *out, const char *text, uint64_t min,
		  uint64_t max) MUST_CHECK;
/* Seconds from "30", "45s", "15m", "12h", "7d", "2w"; ERR_DATA. */
enum err text_duration_s(uint32_t *out, const char *text) MUST_CHECK;
/* Microseconds from seconds above 0, fraction allowed; ERR_DATA. */
enum err text_seconds_us(uint64_t *out, const char *text) MUST_CHECK;
/* RFC 3339 in UTC ("Z"), fraction allowed, to ms since 1970; ERR_DATA. */
enum err text_time_ms(uint64_t *out, const char *text) MUST_CHECK;
/* The other way, whole seconds; the last second of 9999 for
 * anything later. */
const char *text_format_time(uint64_t unix_ms, char out[static 32]);

#endif
