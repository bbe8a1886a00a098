/* SPDX-License-Identifier: ISC */
/*
 * Who gets a certificate, and what the server says when not (RFC 6940 s11.3).
 * HTTP is httpd.c's, accounts are conf/accounts.c's, certificates
 * crypto/issue.c's.  A password takes 50 ms to check: that is a worker's.
 */
#include "net/enroll_server.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "crypto/csr.h"

enum {
	OK_200 = 200,
	FORBIDDEN_403 = 403,
	NOT_FOUND_404 = 404,
	SERVER_ERROR_500 = 500,
	CERT_MAX = 1 << 16 /* bytes */
};

struct enroll_server {
	struct enroll_server_config cfg;
	struct httpd *httpd;
	size_t checks; /* of passwords, under way */
	bool freed;
};

/* One enrollment, from its form to its certificate. */
struct attempt {
	uv_work_t work;
	struct enroll_server *server;
	struct httpd_request *request;
	char user[CERT_USER_MAX + 1];
	struct slice password;
	char stored[PASSWORD_TEXT_MAX];
	enum err verdict;
};

static void release(struct enroll_server *s)
{
	if (s->freed && s->checks == 0)
		free(s);
}

static void answer(struct httpd_request *q, unsigned status, const char *text)
{
	httpd_answer_take(q, status, "text/plain", slice_str(text));
}

static void refuse(struct attempt *a, const char *token, const char *why)
{
	log_line(a->server->cfg.log, LOG_WARN, "%s: %s%s%s", a->user, token,
		 *why == '\0' ? "" : ": ", why);
	answer(a->request, FORBIDDEN_403, token);
}

/* How many Node-IDs; 0 when the form says nonsense. */
static size_t wanted(const struct httpd_request *q)
{
	char text[16];
	struct slice s;
	uint64_t n;

	if (!httpd_field(q, "nodeids", &s, NULL))
		return 1;
	if (s.len == 0 || s.len >= sizeof(text))
		return 0;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return text_u64(&n, text, 1, UINT32_MAX) == OK ? (size_t)n : 0;
}

static enum err draw(struct node_id *out)
{
	return issue_node_id(NODE_ID_MIN, out);
}

static void issue(struct attempt *a, const struct key *key, size_t n)
{
	const struct enroll_server_config *cfg = &a->server->cfg;
	uint64_t now_ms = loop_now().unix_ms;
	struct node_id ids[ACCOUNTS_PER_CERT_MAX];
	uint8_t hash[HASH_LEN_MAX];
	struct accounts_claim claim = {
		.user = a->user,
		.key_hash = hash,
		.n = n,
		.now_ms = now_ms,
		.not_after_ms = now_ms + cfg->lifetime_ms,
		.draw = draw,
	};
	struct issue_node node = {
		.overlay = cfg->name,
		.node_id_length = cfg->node_id_length,
		.node_ids = ids,
		.n_node_ids = n,
		.user = a->user,
		.now_ms = now_ms,
		.not_after_ms = claim.not_after_ms,
	};
	struct buf der = BUF_INIT(CERT_MAX);
	struct why why = { "" };
	enum err r;

	if ((r = key_hash(key, hash)) == OK &&
	    (r = accounts_claim(cfg->accounts, &claim, ids, &why)) == OK)
		r = issue_node(&cfg->ca, key, &node, &der);
	if (r == ERR_FULL) {
		refuse(a, ENROLL_BAD_NODE_IDS, why.text);
	} else if (r != OK) {
		log_line(cfg->log, LOG_ERROR, "%s: %s: %s", a->user,
			 err_text(r), why.text);
		answer(a->request, SERVER_ERROR_500, "internal error\n");
	} else {
		log_line(cfg->log, LOG_INFO, "%s: certificate issued", a->user);
		httpd_answer_take(a->request, OK_200, ENROLL_CERT_TYPE,
				  buf_slice(&der));
	}
	buf_clear(&der);
}

/* The password was right. */
static void proceed(struct attempt *a)
{
	char user[CERT_USER_MAX + 1];
	size_t n = wanted(a->request);
	struct why why = { "" };
	struct key *key = NULL;
	const char *type;
	struct slice csr;

	if (!httpd_field(a->request, "csr", &csr, &type) ||
	    strncasecmp(type, ENROLL_CSR_TYPE, strlen(ENROLL_CSR_TYPE)) != 0)
		refuse(a, ENROLL_BAD_CSR, "no csr of type " ENROLL_CSR_TYPE);
	else if (csr_open(csr, &key, user, &why) != OK)
		refuse(a, ENROLL_BAD_CSR, why.text);
	else if (user[0] != '\0' && strcmp(user, a->user) != 0)
		refuse(a, ENROLL_BAD_NAME, "the CSR asks for another name");
	else if (n == 0)
		refuse(a, ENROLL_BAD_NODE_IDS, "nodeids is not a number");
	else
		issue(a, key, n);
	key_free(key);
}

static void check(uv_work_t *w)
{
	struct attempt *a = w->data;
	const char *stored = a->stored[0] == '\0' ? NULL : a->stored;

	a->verdict = password_check(a->password, stored);
}

static void checked(uv_work_t *w, int status)
{
	struct attempt *a = w->data;
	struct enroll_server *s = a->server;

	s->checks--;
	if (s->freed || status != 0)
		answer(a->request, SERVER_ERROR_500, "shutting down\n");
	else if (a->verdict == OK)
		proceed(a);
	else
		refuse(a, ENROLL_BAD_AUTH, "");
	explicit_bzero(a, sizeof(*a));
	free(a);
	release(s);
}

/* What the form says; false when it cannot be anybody's. */
static bool read_form(struct attempt *a)
{
	struct slice user;

	if (!httpd_field(a->request, "username", &user, NULL) ||
	    !httpd_field(a->request, "password", &a->password, NULL) ||
	    user.len == 0 || user.len > CERT_USER_MAX || !text_is_utf8(user))
		return false;
	memcpy(a->user, user.p, user.len);
	a->user[user.len] = '\0';
	return issue_user_ok(a->user);
}

static void enroll(struct enroll_server *s, struct httpd_request *q)
{
	struct attempt *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		answer(q, SERVER_ERROR_500, "out of memory\n");
		return;
	}
	a->server = s;
	a->request = q;
	a->work.data = a;
	if (!read_form(a)) {
		a->user[0] = '\0';
		refuse(a, ENROLL_BAD_AUTH, "no user name or password");
	} else if (accounts_password(s->cfg.accounts, a->user, a->stored) !=
			   OK ||
		   uv_queue_work(loop_uv(s->cfg.loop), &a->work, check,
				 checked) != 0) {
		answer(q, SERVER_ERROR_500, "internal error\n");
	} else {
		s->checks++;
		return;
	}
	free(a);
}

static void serve_document(struct enroll_server *s, struct httpd_request *q)
{
	struct slice document;

	if (s->cfg.document(s->cfg.ctx, &document) == OK)
		httpd_answer_take(q, OK_200, ENROLL_CONFIG_TYPE, document);
	else
		answer(q, SERVER_ERROR_500, "no document\n");
}

static void on_request(void *ctx, struct httpd_request *q)
{
	struct enroll_server *s = ctx;
	bool get = strcmp(httpd_method(q), "GET") == 0;
	const char *path = httpd_path(q);

	if (get && strcmp(path, ENROLL_CONFIG_PATH) == 0)
		serve_document(s, q);
	else if (!get && s->cfg.enrolls &&
		 (strcmp(path, "/enroll") == 0 || strcmp(path, "/") == 0))
		enroll(s, q);
	else
		answer(q, NOT_FOUND_404, "not found\n");
}

enum err enroll_server_new(struct enroll_server **out,
			   const struct enroll_server_config *cfg,
			   struct why *why)
{
	struct enroll_server *s = calloc(1, sizeof(*s));
	struct httpd_config httpd = { .loop = cfg->loop,
				      .listen = cfg->listen,
				      .cert = cfg->cert,
				      .key = cfg->key,
				      .handler = on_request,
				      .ctx = s };
	enum err r;

	if (s == NULL)
		return ERR_NOMEM;
	s->cfg = *cfg;
	if ((r = httpd_new(&s->httpd, &httpd, why)) == OK)
		*out = s;
	else
		free(s);
	return r;
}

const struct ip_address_port *enroll_server_listening(
	const struct enroll_server *s)
{
	return httpd_listening(s->httpd);
}

void enroll_server_free(struct enroll_server *s)
{
	if (s == NULL)
		return;
	httpd_free(s->httpd);
	s->freed = true;
	release(s);
}
