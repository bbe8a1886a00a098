/* SPDX-License-Identifier: ISC */
/*
 * A DNS server for tests: dns-server ADDR RECORD...  A RECORD is one argument,
 * "NAME SRV PRIORITY WEIGHT PORT TARGET", "NAME NAPTR ORDER PREFERENCE FLAGS
 * SERVICE REPLACEMENT" or "NAME A ADDRESS".  Takes any free UDP port of ADDR,
 * says "listening on ADDR:PORT" on stderr, and answers until it is killed.  RFC
 * 1035, RFC 2782, RFC 3403: as much as a question of one record type needs.
 */
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { MESSAGE_MAX = 512 };

struct out {
	uint8_t p[MESSAGE_MAX];
	size_t len;
};

static void put(struct out *o, const void *p, size_t n)
{
	if (n > sizeof(o->p) - o->len)
		exit(1);
	memcpy(o->p + o->len, p, n);
	o->len += n;
}

static void put16(struct out *o, unsigned v)
{
	const uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(o, b, 2);
}

static void put_name(struct out *o, const char *name)
{
	while (*name != '\0') {
		size_t n = strcspn(name, ".");
		uint8_t len = (uint8_t)n;

		put(o, &len, 1);
		put(o, name, n);
		name += n + (name[n] == '.');
	}
	put(o, "", 1);
}

/* The question's name as text; the offset behind it, or 0. */
static size_t read_name(const uint8_t *m, size_t len, char name[256])
{
	size_t at = 12, n = 0;

	while (at < len && m[at] != 0) {
		size_t label = m[at++];

		if (label > 63 || at + label >= len || n + label + 2 > 255)
			return 0;
		if (n > 0)
			name[n++] = '.';
		memcpy(name + n, m + at, label);
		n += label;
		at += label;
	}
	name[n] = '\0';
	return at + 5 <= len ? at + 1 : 0;
}

static void put_string(struct out *o, const char *text)
{
	uint8_t len = (uint8_t)strlen(text);

	put(o, &len, 1);
	put(o, text, len);
}

/* Appends the record's data; false when it is of another type. */
static int put_record(struct out *o, const char *record, unsigned type)
{
	unsigned priority, weight, port;
	struct in_addr address;
	char text[256], flags[16], service[64];
	struct out data = { .len = 0 };

	if (type == ns_t_srv && sscanf(record, "%*s SRV %u %u %u %255s",
				       &priority, &weight, &port, text) == 4) {
		put16(&data, priority);
		put16(&data, weight);
		put16(&data, port);
		put_name(&data, text);
	} else if (type == ns_t_naptr &&
		   sscanf(record, "%*s NAPTR %u %u %15s %63s %255s", &priority,
			  &weight, flags, service, text) == 5) {
		put16(&data, priority);
		put16(&data, weight);
		put_string(&data, flags);
		put_string(&data, service);
		put_string(&data, ""); /* no regular expression */
		put_name(&data, text);
	} else if (type == ns_t_a && sscanf(record, "%*s A %255s", text) == 1 &&
		   inet_pton(AF_INET, text, &address) == 1) {
		put(&data, &address, 4);
	} else {
		return 0;
	}
	put16(o, 0xc00c); /* the question's name */
	put16(o, type);
	put16(o, ns_c_in);
	put(o, "\0\0\0\x1", 4); /* s to live */
	put16(o, (unsigned)data.len);
	put(o, data.p, data.len);
	return 1;
}

static void answer(int fd, const uint8_t *m, size_t len,
		   const struct sockaddr_in *to, char *records[])
{
	unsigned type, n = 0, known = 0;
	struct out o = { .len = 0 };
	char name[256];
	size_t end = len < 12 ? 0 : read_name(m, len, name);

	if (end == 0)
		return;
	type = (unsigned)m[end] << 8 | m[end + 1];
	put(&o, m, 2);
	put(&o, "\x85\x80\0\1\0\0\0\0\0\0", 10); /* authoritative answer */
	put(&o, m + 12, end + 4 - 12);
	for (; *records != NULL; records++) {
		size_t own = strcspn(*records, " ");

		if (strlen(name) != own ||
		    strncasecmp(name, *records, own) != 0)
			continue;
		known = 1;
		n += (unsigned)put_record(&o, *records, type);
	}
	o.p[7] = (uint8_t)n;
	if (!known)
		o.p[3] |= ns_r_nxdomain;
	if (sendto(fd, o.p, o.len, 0, (const struct sockaddr *)to,
		   sizeof(*to)) < 0)
		perror("sendto");
}

int main(int argc, char *argv[])
{
	struct sockaddr_in own = { .sin_family = AF_INET }, from;
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc < 2 || inet_pton(AF_INET, argv[1], &own.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&own, len) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0) {
		perror("dns-server");
		return 1;
	}
	fprintf(stderr, "listening on %s:%u\n", argv[1], ntohs(own.sin_port));
	for (;;) {
		uint8_t m[MESSAGE_MAX];
		ssize_t n;

		len = sizeof(from);
		n = recvfrom(fd, m, sizeof(m), 0, (struct sockaddr *)&from,
			     &len);
		if (n > 0)
			answer(fd, m, (size_t)n, &from, argv + 2);
	}
}
