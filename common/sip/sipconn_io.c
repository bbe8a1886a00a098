/* SPDX-License-Identifier: ISC */
/*
 * Owns: what is read from a connection and written to it, by TLS or not, and
 * what ends it: RFC 3261 s18.3, RFC 5922 s7.3.  Does not own: how it begins,
 * and how many there may be (sipconn.c), where messages end (sipstream.c).
 */
#include "sip/sipconn_private.h"

#include <stdlib.h>

#include "conf/address.h"
#include "sip/servername.h"

struct write {
	uv_write_t uv;
	uint8_t bytes[];
};

/* ---- out ---- */

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->handle->data;

	free(w->data);
	if (status != 0 && status != UV_ECANCELED)
		sipconn_close(c);
}

static void write_bytes(struct conn *c, struct slice bytes)
{
	size_t waits = uv_stream_get_write_queue_size((uv_stream_t *)&c->uv);
	struct write *w = NULL;
	uv_buf_t b;

	if (bytes.len == 0)
		return;
	if (waits + bytes.len <= SIPCONN_UNSENT_MAX)
		w = malloc(sizeof(*w) + bytes.len);
	if (w == NULL) {
		sipconn_close(c); /* it cannot have what it waits for */
		return;
	}
	memcpy(w->bytes, bytes.p, bytes.len);
	w->uv.data = w;
	b = uv_buf_init((char *)w->bytes, (unsigned)bytes.len);
	if (uv_write(&w->uv, (uv_stream_t *)&c->uv, &b, 1, on_written) != 0) {
		free(w);
		sipconn_close(c);
	}
}

/* What TLS has to say. */
static void flush(struct conn *c)
{
	struct buf b = BUF_INIT(2 * SIPCONN_UNSENT_MAX);

	if (tls_wrap_output(c->tls, &b) == OK)
		write_bytes(c, buf_slice(&b));
	else
		sipconn_close(c);
	buf_clear(&b);
}

void sipconn_io_send(struct conn *c, struct slice bytes)
{
	enum err r = OK;

	if (c->ending)
		return;
	if (c->tls == NULL)
		write_bytes(c, bytes);
	else if (c->up)
		r = tls_wrap_give(c->tls, bytes);
	else
		r = buf_append_slice(&c->waits, bytes);
	if (r != OK)
		sipconn_close(c);
	else if (c->tls != NULL && c->up)
		flush(c);
}

/* Says so to the other side, if there is room for it. */
void sipconn_io_goodbye(struct conn *c)
{
	struct buf b = BUF_INIT(SIPCONN_UNSENT_MAX);
	uv_buf_t v;

	tls_wrap_end(c->tls);
	if (tls_wrap_output(c->tls, &b) == OK && b.len > 0) {
		v = uv_buf_init((char *)b.p, (unsigned)b.len);
		(void)uv_try_write((uv_stream_t *)&c->uv, &v, 1);
	}
	buf_clear(&b);
}

/* ---- in ---- */

static bool on_message(void *ctx, struct slice bytes)
{
	struct conn *c = ctx;

	c->spoken = true;
	c->t->cfg.message(c->t->cfg.ctx, &c->flow, bytes);
	return !c->closing;
}

static bool on_pong(void *ctx)
{
	struct conn *c = ctx;

	sipconn_io_send(c, SLICE_LIT("\r\n"));
	return !c->closing;
}

/* Where the next message would begin is lost, RFC 3261 s18.3. */
static void refuse(struct conn *c, enum err r)
{
	struct sipconn_table *t = c->t;

	t->counts.malformed++;
	if (r != ERR_NOMEM)
		t->cfg.refused(t->cfg.ctx, &c->flow, buf_slice(&c->stream.in),
			       r);
	sipconn_end(c);
}

static void take(struct conn *c, struct slice bytes)
{
	const struct sipstream_taker to = { .message = on_message,
					    .pong = on_pong,
					    .ctx = c };
	struct sipconn_table *t = c->t;

	while (bytes.len > 0 && !c->closing && !c->ending) {
		size_t n = bytes.len < SIPSTREAM_CHUNK_MAX
				   ? bytes.len
				   : SIPSTREAM_CHUNK_MAX;
		enum err r;

		r = sipstream_take(&c->stream, slice_sub(bytes, 0, n), &to,
				   loop_now().mono_us);
		sipconn_count(c, c->closing ? 0 : c->stream.in.len);
		if (r != OK) {
			refuse(c, r);
		} else if (t->partial > SIPCONN_PARTIAL_MAX) {
			t->counts.limit++;
			sipconn_close(c);
		}
		bytes = slice_sub(bytes, n, bytes.len - n);
	}
}

/* The handshake is done: what has waited for it can go. */
static void begin_tls(struct conn *c)
{
	c->up = true;
	c->stream.used_us = loop_now().mono_us;
	if (c->waits.len > 0)
		sipconn_io_send(c, buf_slice(&c->waits));
	buf_clear(&c->waits);
}

/* Nothing is sent to who does not prove the name, RFC 5922 s7.3. */
static void tell_refused(const struct conn *c)
{
	const struct sipconn_config *cfg = &c->t->cfg;
	const char *name = servername_find(cfg->names, c->flow.name);
	char text[ADDRESS_TEXT_MAX];

	log_line(cfg->log, LOG_WARN,
		 "sip: tls:%s for %s: %s; nothing was sent (whom to trust: "
		 "--sip-ca)",
		 address_format(&c->flow.peer, text), name != NULL ? name : "?",
		 tls_wrap_reason(c->tls));
}

static void take_tls(struct conn *c, struct slice bytes)
{
	struct buf plain = BUF_INIT(4 * SIPSTREAM_CHUNK_MAX);
	enum err r = tls_wrap_take(c->tls, bytes, &plain);

	if (!c->up && tls_wrap_is_up(c->tls))
		begin_tls(c);
	flush(c);
	if (r != OK && !c->up && c->flow.is_server)
		tell_refused(c);
	take(c, buf_slice(&plain));
	if (r != OK)
		sipconn_close(c);
	buf_clear(&plain);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct conn *c = h->data;

	(void)hint;
	*out = uv_buf_init((char *)c->t->chunk, sizeof(c->t->chunk));
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b);

void sipconn_io_resume(struct conn *c)
{
	bool may = sipflood_admits(c->t->cfg.flood, &c->flow.peer,
				   loop_now().mono_us);

	if (c->closing || may != c->paused)
		return;
	c->paused = !may;
	if (c->paused) {
		(void)uv_read_stop((uv_stream_t *)&c->uv); /* cannot fail */
		loop_deadline_set(c->t->sweep,
				  loop_now().mono_us + SIPCONN_PAUSE_US);
	} else if (uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) !=
		   0) {
		sipconn_close(c);
	}
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = h->data;

	if (n == 0 || c->closing)
		return;
	if (n < 0)
		sipconn_close(c);
	else if (c->ending)
		return;
	else if (c->tls != NULL)
		take_tls(c, slice_of(b->base, (size_t)n));
	else
		take(c, slice_of(b->base, (size_t)n));
	sipconn_io_resume(c);
}

bool sipconn_io_begin(struct conn *c)
{
	if (uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) != 0)
		return false;
	if (c->flow.is_server && c->tls != NULL)
		take_tls(c, slice_of(NULL, 0)); /* we speak first */
	return true;
}
