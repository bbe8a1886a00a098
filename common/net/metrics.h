/* SPDX-License-Identifier: ISC */
#ifndef NET_METRICS_H
#define NET_METRICS_H

#include "net/loop.h"

/*
 * What a daemon counts, for whoever asks by HTTP: GET /metrics, in the text
 * format of Prometheus.  Without TLS and to everybody who can connect.
 */

enum {
	METRICS_CONNS_MAX = 16, /* at a time; then the oldest makes room */
	METRICS_REQUEST_MAX = 8192,
	METRICS_TEXT_MAX = 1 << 18,
	METRICS_LIFE_MS = 5000 /* of a connection */
};

struct metrics;

struct metrics_config {
	struct loop *loop;
	const struct ip_address_port *listen;
	/* Appends the text.  Other errors than OK: 500. */
	enum err (*write)(void *ctx, struct buf *out);
	void *ctx;
};

/* ERR_BUSY when the address is taken, ERR_SYS, with words. */
enum err metrics_new(struct metrics **out, const struct metrics_config *cfg,
		     struct why *why) MUST_CHECK;
/* Its memory goes when the loop has run.  NULL is fine. */
void metrics_free(struct metrics *m);

/* One figure: "# TYPE NAME TYPE" where `type` is given, and "NAME{LABELS} N";
 * `labels` may be NULL. */
enum err metrics_figure(struct buf *out, const char *name, const char *type,
			const char *labels, double n) MUST_CHECK;

#endif
