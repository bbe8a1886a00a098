/* SPDX-License-Identifier: ISC */
/*
 * HTTP by libmicrohttpd, without its threads and its TLS: accepted sockets go
 * through tls_pipe.c, and what comes out goes through a socket pair into
 * MHD_add_connection().  What is served is the handler's.
 */
#include "net/httpd.h"

#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/address.h"
#include "net/sockaddr.h"
#include "net/tls_pipe.h"

enum { BACKLOG = 64, ACCEPTS_A_TURN = 32, POST_BUFFER = 4096 };

struct field {
	char *name, *type;
	struct buf value;
};

struct httpd_request {
	struct httpd *server;
	struct httpd_request *next;  /* of those that are pending */
	struct MHD_Connection *conn; /* NULL once it is gone */
	struct MHD_PostProcessor *post;
	char *method, *path;
	struct field fields[HTTPD_FIELDS_MAX];
	size_t n_fields, form_len;
	bool too_large, handled, suspended;
	struct MHD_Response *answer;
	unsigned status;
	int refs; /* the connection's, the handler's */
};

struct httpd {
	struct httpd_config cfg;
	struct ip_address_port listening;
	struct MHD_Daemon *mhd;
	struct tls_pipe_server *tls;
	uv_poll_t accept, epoll;
	uv_timer_t timer;
	int fd;       /* that listens */
	int handles;  /* not yet closed */
	int requests; /* alive */
	struct httpd_request *pending;
	bool freed;
};

static void run(struct httpd *h);

/* ---- a request ---- */

static void release(struct httpd *h)
{
	if (h->freed && h->handles == 0 && h->requests == 0)
		free(h);
}

static void unref(struct httpd_request *q)
{
	struct httpd *h = q->server;

	if (--q->refs > 0)
		return;
	for (size_t i = 0; i < q->n_fields; i++) {
		free(q->fields[i].name);
		free(q->fields[i].type);
		buf_wipe(&q->fields[i].value); /* one is a password */
	}
	if (q->answer != NULL)
		MHD_destroy_response(q->answer);
	free(q->method);
	free(q->path);
	free(q);
	h->requests--;
	release(h);
}

static struct httpd_request *request_new(struct httpd *h,
					 struct MHD_Connection *conn,
					 const char *method, const char *path)
{
	struct httpd_request *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	q->server = h;
	q->conn = conn;
	q->refs = 1;
	q->method = strdup(method);
	q->path = strdup(path);
	h->requests++;
	if (q->method != NULL && q->path != NULL)
		return q;
	unref(q);
	return NULL;
}

static struct field *find_field(struct httpd_request *q, const char *name)
{
	for (size_t i = 0; i < q->n_fields; i++)
		if (strcmp(q->fields[i].name, name) == 0)
			return &q->fields[i];
	return NULL;
}

static struct field *add_field(struct httpd_request *q, const char *name,
			       const char *type)
{
	struct field *f;

	if (q->n_fields == HTTPD_FIELDS_MAX)
		return NULL;
	f = &q->fields[q->n_fields];
	f->value = (struct buf)BUF_INIT(HTTPD_FORM_MAX);
	f->name = strdup(name);
	f->type = strdup(type == NULL ? "" : type);
	if (f->name == NULL || f->type == NULL) {
		free(f->name);
		free(f->type);
		return NULL;
	}
	q->n_fields++;
	return f;
}

/* A piece of a field's value. */
static enum MHD_Result on_field(void *ctx, enum MHD_ValueKind kind,
				const char *name, const char *file_name,
				const char *type, const char *encoding,
				const char *data, uint64_t at, size_t len)
{
	struct httpd_request *q = ctx;
	struct field *f = find_field(q, name);

	(void)kind, (void)file_name, (void)encoding; /* of no use here */
	if (f == NULL)
		f = add_field(q, name, type);
	else if (at == 0)
		f = NULL; /* the same name twice */
	q->form_len += len;
	if (f != NULL && q->form_len <= HTTPD_FORM_MAX &&
	    buf_append(&f->value, data, len) == OK)
		return MHD_YES;
	q->too_large = true;
	return MHD_NO;
}

const char *httpd_method(const struct httpd_request *q)
{
	return q->method;
}

const char *httpd_path(const struct httpd_request *q)
{
	return q->path;
}

bool httpd_field(const struct httpd_request *q, const char *name,
		 struct slice *value, const char **type)
{
	for (size_t i = 0; i < q->n_fields; i++) {
		if (strcmp(q->fields[i].name, name) != 0)
			continue;
		*value = buf_slice(&q->fields[i].value);
		if (type != NULL)
			*type = q->fields[i].type;
		return true;
	}
	return false;
}

static void set_answer(struct httpd_request *q, unsigned status,
		       const char *type, struct slice body)
{
	uint8_t *copy = malloc(body.len + 1);

	q->status = status;
	if (copy == NULL)
		return;
	if (body.len > 0)
		memcpy(copy, body.p, body.len);
	q->answer = MHD_create_response_from_buffer(body.len, copy,
						    MHD_RESPMEM_MUST_FREE);
	if (q->answer == NULL)
		free(copy);
	else if (type != NULL)
		/* fails for lack of memory: then it has no type */
		(void)MHD_add_response_header(
			q->answer, MHD_HTTP_HEADER_CONTENT_TYPE, type);
}

static void no_longer_pending(struct httpd_request *q)
{
	struct httpd_request **at = &q->server->pending;

	while (*at != NULL && *at != q)
		at = &(*at)->next;
	if (*at == q)
		*at = q->next;
}

void httpd_answer_take(struct httpd_request *q, unsigned status,
		       const char *type, struct slice body)
{
	struct httpd *h = q->server;

	no_longer_pending(q);
	if (q->conn != NULL && q->answer == NULL)
		set_answer(q, status, type, body);
	if (q->suspended && q->conn != NULL) {
		q->suspended = false;
		MHD_resume_connection(q->conn);
		unref(q);
		run(h);
	} else {
		unref(q);
	}
}

/* ---- libmicrohttpd's calls ---- */

static enum MHD_Result refuse(struct httpd_request *q, unsigned status)
{
	static const char text[] = "refused\n";

	set_answer(q, status, "text/plain", slice_of(text, sizeof(text) - 1));
	return q->answer == NULL
		       ? MHD_NO
		       : MHD_queue_response(q->conn, status, q->answer);
}

static enum MHD_Result first_call(struct httpd *h, struct MHD_Connection *conn,
				  const char *method, const char *path,
				  void **con_cls)
{
	struct httpd_request *q = request_new(h, conn, method, path);

	if (q == NULL)
		return MHD_NO;
	*con_cls = q;
	if (strcmp(method, MHD_HTTP_METHOD_POST) != 0)
		return MHD_YES;
	q->post = MHD_create_post_processor(conn, POST_BUFFER, on_field, q);
	return MHD_YES;
}

static enum MHD_Result complete(struct httpd_request *q)
{
	bool get = strcmp(q->method, MHD_HTTP_METHOD_GET) == 0;
	bool post = strcmp(q->method, MHD_HTTP_METHOD_POST) == 0;

	bool form = q->post != NULL;

	if (form) /* what is missing shows in the fields */
		(void)MHD_destroy_post_processor(q->post);
	q->post = NULL;
	q->handled = true;
	if (!get && !post)
		return refuse(q, MHD_HTTP_METHOD_NOT_ALLOWED);
	if (q->too_large)
		return refuse(q, MHD_HTTP_CONTENT_TOO_LARGE);
	if (post && !form)
		return refuse(q, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE);
	q->refs++;
	q->next = q->server->pending;
	q->server->pending = q;
	q->server->cfg.handler(q->server->cfg.ctx, q);
	if (q->answer != NULL)
		return MHD_queue_response(q->conn, q->status, q->answer);
	if (q->status != 0)
		return MHD_NO; /* no memory for the answer */
	q->suspended = true;
	MHD_suspend_connection(q->conn);
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *conn,
				  const char *path, const char *method,
				  const char *version, const char *data,
				  size_t *len, void **con_cls)
{
	struct httpd_request *q = *con_cls;

	(void)version; /* 1.0 and 1.1 are the same to us */
	if (q == NULL)
		return first_call(ctx, conn, method, path, con_cls);
	if (*len > 0) {
		q->form_len += q->post == NULL ? *len : 0;
		if (q->form_len > HTTPD_FORM_MAX)
			q->too_large = true;
		if (q->post != NULL && !q->too_large)
			(void)MHD_post_process(q->post, data, *len);
		*len = 0;
		return MHD_YES;
	}
	if (!q->handled)
		return complete(q);
	return q->answer == NULL
		       ? MHD_NO
		       : MHD_queue_response(conn, q->status, q->answer);
}

static void on_completed(void *ctx, struct MHD_Connection *conn, void **con_cls,
			 enum MHD_RequestTerminationCode why)
{
	struct httpd_request *q = *con_cls;

	(void)ctx, (void)conn, (void)why; /* the end is the end */
	if (q == NULL)
		return;
	*con_cls = NULL;
	q->conn = NULL;
	if (q->post != NULL)
		(void)MHD_destroy_post_processor(q->post);
	q->post = NULL;
	unref(q);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *t)
{
	run(t->data);
}

static void on_epoll(uv_poll_t *p, int status, int events)
{
	(void)status, (void)events; /* it looks for itself */
	run(p->data);
}

/* Lets libmicrohttpd do what it can, and asks when to come back. */
static void run(struct httpd *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->freed)
		return;
	(void)MHD_run(h->mhd); /* fails only for a daemon with threads */
	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		(void)uv_timer_start(&h->timer, on_timer, ms, 0);
	else
		(void)uv_timer_stop(&h->timer);
}

static void on_moved(void *ctx)
{
	run(ctx);
}

static void serve_socket(struct httpd *h, int fd,
			 const struct sockaddr_storage *from, socklen_t len)
{
	struct ip_address_port remote;
	int pair[2], one = 1;

	/* without it an answer may wait for an ACK; no harm otherwise */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (sockaddr_read(&remote, from) != OK ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
		       pair) != 0) {
		close(fd);
		return;
	}
	if (MHD_add_connection(h->mhd, pair[1], (const struct sockaddr *)from,
			       len) != MHD_YES) {
		close(fd); /* it has closed its end */
		close(pair[0]);
		return;
	}
	/* A failure closes both ends, which is all there is to tell. */
	if (tls_pipe_start_take(h->tls, fd, pair[0], &remote) != OK)
		run(h);
}

static void on_acceptable(uv_poll_t *p, int status, int events)
{
	struct httpd *h = p->data;

	(void)events; /* only readable was asked for */
	for (int i = 0; status == 0 && i < ACCEPTS_A_TURN; i++) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		int fd = accept4(h->fd, (struct sockaddr *)&from, &len,
				 SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			break;
		serve_socket(h, fd, &from, len);
	}
	run(h);
}

/* ---- the server ---- */

static enum err listen_on(struct httpd *h, const struct ip_address_port *a,
			  struct why *why)
{
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t len = 0;
	int one = 1;
	enum err r;

	if ((r = sockaddr_make(&sa, &len, a)) != OK)
		return r;
	h->fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		       0);
	if (h->fd >= 0 &&
	    setsockopt(h->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ==
		    0 &&
	    bind(h->fd, (struct sockaddr *)&sa, len) == 0 &&
	    listen(h->fd, BACKLOG) == 0 &&
	    getsockname(h->fd, (struct sockaddr *)&sa, &len) == 0)
		return sockaddr_read(&h->listening, &sa);
	return why_err(why, errno == EADDRINUSE ? ERR_BUSY : ERR_SYS, "%s: %s",
		       address_format(a, text), strerror(errno));
}

static enum err start_mhd(struct httpd *h)
{
	h->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET |
			MHD_ALLOW_SUSPEND_RESUME,
		0, NULL, NULL, on_request, h, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, h, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)HTTPD_IDLE_S, MHD_OPTION_CONNECTION_LIMIT,
		2u * TLS_PIPES_MAX, /* it sees later what has been closed */
		MHD_OPTION_END);
	return h->mhd == NULL ? ERR_SYS : OK;
}

static enum err watch(struct httpd *h)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	uv_loop_t *loop = loop_uv(h->cfg.loop);

	(void)uv_timer_init(loop, &h->timer); /* cannot fail */
	h->handles++;
	if (uv_poll_init(loop, &h->accept, h->fd) != 0)
		return ERR_SYS;
	h->handles++;
	if (info == NULL || uv_poll_init(loop, &h->epoll, info->epoll_fd) != 0)
		return ERR_SYS;
	h->handles++;
	h->timer.data = h->accept.data = h->epoll.data = h;
	if (uv_poll_start(&h->accept, UV_READABLE, on_acceptable) != 0 ||
	    uv_poll_start(&h->epoll, UV_READABLE, on_epoll) != 0)
		return ERR_SYS;
	return OK;
}

enum err httpd_new(struct httpd **out, const struct httpd_config *cfg,
		   struct why *why)
{
	struct httpd *h = calloc(1, sizeof(*h));
	enum err r;

	if (h == NULL)
		return ERR_NOMEM;
	h->cfg = *cfg;
	h->fd = -1;
	if ((r = listen_on(h, cfg->listen, why)) == OK &&
	    (r = tls_pipe_new(&h->tls, loop_uv(cfg->loop), cfg->cert, cfg->key,
			      on_moved, h, why)) == OK &&
	    (r = start_mhd(h)) == OK)
		r = watch(h);
	if (r == OK)
		*out = h;
	else
		httpd_free(h);
	return r;
}

const struct ip_address_port *httpd_listening(const struct httpd *h)
{
	return &h->listening;
}

static void on_closed(uv_handle_t *u)
{
	struct httpd *h = u->data;

	h->handles--;
	release(h);
}

void httpd_free(struct httpd *h)
{
	uv_handle_t *handles[3];
	int n;

	if (h == NULL)
		return;
	handles[0] = (uv_handle_t *)&h->timer;
	handles[1] = (uv_handle_t *)&h->accept;
	handles[2] = (uv_handle_t *)&h->epoll;
	n = h->handles;
	/* libmicrohttpd may not stop while connections are suspended.  The
	 * handler keeps its own reference until it answers. */
	for (struct httpd_request *q = h->pending; q != NULL; q = q->next)
		if (q->suspended && q->conn != NULL) {
			set_answer(q, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
				   slice_of(NULL, 0));
			q->suspended = false;
			MHD_resume_connection(q->conn);
		}
	for (int i = 0; i < n; i++) {
		handles[i]->data = h;
		uv_close(handles[i], on_closed);
	}
	if (h->mhd != NULL) {
		(void)MHD_run(h->mhd);
		MHD_stop_daemon(h->mhd);
	}
	h->freed = true;
	tls_pipe_free(h->tls);
	if (h->fd >= 0)
		close(h->fd);
	release(h);
}
