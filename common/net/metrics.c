/* SPDX-License-Identifier: ISC */
/* Owns: as much HTTP as it takes to be asked for figures: RFC 9110, RFC 9112.
 * Does not own: the figures. */
#include "net/metrics.h"

#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "net/sockaddr.h"

enum { BACKLOG = 16 };

struct client {
	struct metrics *m;
	struct client *prev, *next; /* the newest first */
	uv_tcp_t uv;
	uv_timer_t timer;
	uv_write_t write;
	struct buf in, out;
	int handles; /* not yet closed */
	bool closing;
	char chunk[1024];
};

struct metrics {
	struct metrics_config cfg;
	uv_tcp_t uv;
	struct client *clients;
	size_t n_clients;
	bool closed;
};

static void release(struct metrics *m)
{
	if (m->closed && m->n_clients == 0)
		free(m);
}

static void on_client_closed(uv_handle_t *h)
{
	struct client *c = h->data;
	struct metrics *m = c->m;

	if (--c->handles > 0)
		return;
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		m->clients = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
	m->n_clients--;
	release(m);
}

static void client_close(struct client *c)
{
	if (c->closing)
		return;
	c->closing = true;
	uv_close((uv_handle_t *)&c->uv, on_client_closed);
	uv_close((uv_handle_t *)&c->timer, on_client_closed);
}

static void on_timeout(uv_timer_t *t)
{
	client_close(t->data);
}

static void on_written(uv_write_t *w, int status)
{
	(void)status; /* either way it is over */
	client_close(w->data);
}

static void answer(struct client *c, const char *status, struct slice body)
{
	uv_buf_t b;

	if (buf_printf(&c->out,
		       "HTTP/1.1 %s\r\n"
		       "Content-Type: text/plain; version=0.0.4\r\n"
		       "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		       status, body.len) != OK ||
	    buf_append_slice(&c->out, body) != OK) {
		client_close(c);
		return;
	}
	c->write.data = c;
	b = uv_buf_init((char *)c->out.p, (unsigned)c->out.len);
	(void)uv_read_stop((uv_stream_t *)&c->uv); /* cannot fail */
	if (uv_write(&c->write, (uv_stream_t *)&c->uv, &b, 1, on_written) != 0)
		client_close(c);
}

static bool begins(const struct buf *b, const char *with)
{
	size_t n = strlen(with);

	return b->len >= n && memcmp(b->p, with, n) == 0;
}

static void on_request(struct client *c)
{
	struct metrics *m = c->m;
	struct buf body = BUF_INIT(METRICS_TEXT_MAX);

	if (!begins(&c->in, "GET "))
		answer(c, "405 Method Not Allowed", slice_of(NULL, 0));
	else if (!begins(&c->in, "GET /metrics ") &&
		 !begins(&c->in, "GET /metrics?"))
		answer(c, "404 Not Found", SLICE_LIT("GET /metrics\n"));
	else if (m->cfg.write(m->cfg.ctx, &body) != OK)
		answer(c, "500 Internal Server Error", slice_of(NULL, 0));
	else
		answer(c, "200 OK", buf_slice(&body));
	buf_clear(&body);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct client *c = h->data;

	(void)hint;
	*out = uv_buf_init(c->chunk, sizeof(c->chunk));
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct client *c = h->data;

	if (n == 0 || c->closing)
		return;
	if (n < 0 || buf_append(&c->in, b->base, (size_t)n) != OK)
		client_close(c);
	else if (memmem(c->in.p, c->in.len, "\r\n\r\n", 4) != NULL)
		on_request(c);
}

static void on_connection(uv_stream_t *h, int status)
{
	struct metrics *m = h->data;
	struct client *c, *last;

	if (status != 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	c->m = m;
	c->in.max = METRICS_REQUEST_MAX;
	c->out.max = METRICS_TEXT_MAX + METRICS_REQUEST_MAX;
	c->uv.data = c->timer.data = c;
	if (uv_tcp_init(loop_uv(m->cfg.loop), &c->uv) != 0) {
		free(c);
		return;
	}
	(void)uv_timer_init(loop_uv(m->cfg.loop), &c->timer); /* cannot fail */
	c->handles = 2;
	if ((c->next = m->clients) != NULL)
		c->next->prev = c;
	m->clients = c;
	if (m->n_clients++ >= METRICS_CONNS_MAX) {
		for (last = c; last->next != NULL;)
			last = last->next;
		client_close(last);
	}
	if (uv_accept(h, (uv_stream_t *)&c->uv) != 0 ||
	    uv_timer_start(&c->timer, on_timeout, METRICS_LIFE_MS, 0) != 0 ||
	    uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) != 0)
		client_close(c);
}

static void on_closed(uv_handle_t *h)
{
	struct metrics *m = h->data;

	m->closed = true;
	release(m);
}

enum err metrics_new(struct metrics **out, const struct metrics_config *cfg,
		     struct why *why)
{
	struct metrics *m = calloc(1, sizeof(*m));
	struct sockaddr_storage a;
	char text[ADDRESS_TEXT_MAX];
	socklen_t len;
	enum err r;
	int e;

	if (m == NULL)
		return ERR_NOMEM;
	m->cfg = *cfg;
	m->uv.data = m;
	if ((r = sockaddr_make(&a, &len, cfg->listen)) != OK ||
	    uv_tcp_init(loop_uv(cfg->loop), &m->uv) != 0) {
		free(m);
		return r != OK ? r : ERR_SYS;
	}
	if ((e = uv_tcp_bind(&m->uv, (struct sockaddr *)&a, 0)) == 0 &&
	    (e = uv_listen((uv_stream_t *)&m->uv, BACKLOG, on_connection)) ==
		    0) {
		*out = m;
		return OK;
	}
	metrics_free(m);
	return why_err(why, e == UV_EADDRINUSE ? ERR_BUSY : ERR_SYS,
		       "--metrics %s: %s", address_format(cfg->listen, text),
		       uv_strerror(e));
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (struct client *c = m->clients; c != NULL; c = c->next)
		client_close(c);
	uv_close((uv_handle_t *)&m->uv, on_closed);
}

enum err metrics_figure(struct buf *out, const char *name, const char *type,
			const char *labels, double n)
{
	enum err r = OK;

	if (type != NULL)
		r = buf_printf(out, "# TYPE %s %s\n", name, type);
	if (r == OK)
		r = buf_printf(out, "%s%s%s%s %.15g\n", name,
			       labels == NULL ? "" : "{",
			       labels == NULL ? "" : labels,
			       labels == NULL ? "" : "}", n);
	return r;
}
