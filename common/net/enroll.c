/* SPDX-License-Identifier: ISC */
/*
 * Fetching a document and asking for a certificate over HTTPS, RFC 6940 s11.2,
 * s11.3.  Which name the server's certificate must bear decides the URL's host;
 * where to connect is told apart from it.  What comes is judged elsewhere.
 */
#include "net/enroll.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "net/enroll_server.h"
#include "net/resolve.h"

enum {
	HTTP_OK = 200,
	HTTP_FORBIDDEN = 403,
	ENROLL_CERT_MAX = 1 << 16, /* bytes */
	HTTPS_PORT = 443,
	URL_MAX = 2048
};

/* One request and what came back. */
struct exchange {
	CURL *curl;
	struct curl_slist *connect_to, *headers;
	curl_mime *form;
	struct buf *body;
	bool own_roots; /* --cacert, not the machine's */
	long status;
	char error[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct exchange *x = ctx;

	return buf_append(x->body, data, size * n) == OK ? size * n : 0;
}

static void close_exchange(struct exchange *x)
{
	curl_mime_free(x->form);
	curl_slist_free_all(x->connect_to);
	curl_slist_free_all(x->headers);
	curl_easy_cleanup(x->curl);
}

static enum err open_exchange(struct exchange *x, const char *url,
			      const struct enroll_access *access,
			      struct buf *body)
{
	long ms = (long)(access->timeout_us / 1000) + 1;
	CURL *c;

	*x = (struct exchange){ .body = body,
				.own_roots = access->cacert != NULL };
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
	    (c = x->curl = curl_easy_init()) == NULL)
		return ERR_NOMEM;
	if (curl_easy_setopt(c, CURLOPT_URL, url) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, ms) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, x->error) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK ||
	    curl_easy_setopt(c, CURLOPT_WRITEDATA, x) != CURLE_OK ||
	    (access->cacert != NULL &&
	     curl_easy_setopt(c, CURLOPT_CAINFO, access->cacert) != CURLE_OK))
		return ERR_NOMEM;
	return OK;
}

static enum err failure(const struct exchange *x, CURLcode rc, struct why *why)
{
	const char *text = x->error[0] ? x->error : curl_easy_strerror(rc);
	enum err r = ERR_HTTP;
	/* A machine may have no public roots at all. */
	bool distrust = rc == CURLE_PEER_FAILED_VERIFICATION ||
			(rc == CURLE_SSL_CACERT_BADFILE && !x->own_roots);

	if (rc == CURLE_OUT_OF_MEMORY)
		return ERR_NOMEM;
	if (rc == CURLE_UNSUPPORTED_PROTOCOL || rc == CURLE_URL_MALFORMAT)
		return why_err(why, ERR_USAGE, "not an https: URL");
	if (rc == CURLE_WRITE_ERROR)
		return why_err(why, ERR_LIMIT,
			       "the server sent more than %zu "
			       "bytes",
			       x->body->max);
	if (distrust || rc == CURLE_SSL_CONNECT_ERROR)
		r = ERR_TLS;
	else if (rc == CURLE_SSL_CACERT_BADFILE)
		r = ERR_NOINPUT;
	else if (rc == CURLE_OPERATION_TIMEDOUT)
		r = ERR_TIMEOUT;
	else if (rc == CURLE_COULDNT_RESOLVE_HOST)
		r = ERR_DNS;
	return why_err(why, r, "%.180s%s", text,
		       distrust ? "; a root of your own is given with --cacert"
				: "");
}

static enum err perform(struct exchange *x, struct why *why)
{
	CURLcode rc = CURLE_OK;

	if (x->connect_to != NULL)
		rc = curl_easy_setopt(x->curl, CURLOPT_CONNECT_TO,
				      x->connect_to);
	if (rc == CURLE_OK && x->headers != NULL)
		rc = curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	if (rc == CURLE_OK && x->form != NULL)
		rc = curl_easy_setopt(x->curl, CURLOPT_MIMEPOST, x->form);
	if (rc == CURLE_OK)
		rc = curl_easy_perform(x->curl);
	if (rc == CURLE_OK)
		rc = curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE,
				       &x->status);
	return rc == CURLE_OK ? OK : failure(x, rc, why);
}

/* Connects to this address where the URL says `name` and `port`. */
static enum err connect_to(struct exchange *x, const char *name, unsigned port,
			   const struct ip_address_port *to)
{
	char address[ADDRESS_TEXT_MAX], line[URL_MAX];

	(void)snprintf(line, sizeof(line), "%s:%u:%s", name, port,
		       address_format(to, address)); /* fits: a DNS name */
	x->connect_to = curl_slist_append(NULL, line);
	return x->connect_to == NULL ? ERR_NOMEM : OK;
}

/* ---- the document ---- */

static enum err get(struct buf *out, const char *url, const char *name,
		    const struct ip_address_port *to,
		    const struct enroll_access *access, struct why *why)
{
	size_t before = out->len;
	struct exchange x;
	enum err r;

	if ((r = open_exchange(&x, url, access, out)) == OK && to != NULL)
		r = connect_to(&x, name, HTTPS_PORT, to);
	if (r == OK)
		r = perform(&x, why);
	if (r == OK && x.status != HTTP_OK)
		r = why_err(why, ERR_HTTP, "%.160s: status %ld", url, x.status);
	close_exchange(&x);
	if (r != OK)
		out->len = before;
	return r;
}

/* One server that SRV gives: each of its addresses. */
static enum err get_at(struct buf *out, const char *url, const char *name,
		       const struct dns_srv *t,
		       const struct enroll_access *access, struct why *why)
{
	struct dns_answer a;
	enum err r = resolve_host(t->host, t->port, access->timeout_us, &a,
				  why);

	for (size_t i = 0; i < a.n; i++)
		if ((r = get(out, url, name, &a.addresses[i], access, why)) ==
		    OK)
			break;
	return r;
}

/* A URL of a server alone stands for where its document is, RFC 6940 s11.2;
 * false: it is whole. */
static bool complete(char out[URL_MAX], const char *url)
{
	const char *host = strstr(url, "://");
	size_t len = strlen(url), path;
	int n;

	if (host == NULL)
		return false;
	path = (size_t)(host - url) + 3;
	path += strcspn(url + path, "/?#");
	if (path < len && strcmp(url + path, "/") != 0)
		return false;
	n = snprintf(out, URL_MAX, "%.*s%s", (int)path, url,
		     ENROLL_CONFIG_PATH);
	return n > 0 && n < URL_MAX;
}

enum err enroll_document(struct buf *out, const char *url, const char *name,
			 const struct enroll_access *access, struct why *why)
{
	char service[URL_MAX], known[URL_MAX];
	struct dns_answer a;
	enum err r;

	if (url != NULL)
		return get(out, complete(known, url) ? known : url, name, NULL,
			   access, why);
	(void)snprintf(service, sizeof(service), "_reload-config._tcp.%s",
		       name); /* fits: a DNS name */
	(void)snprintf(known, sizeof(known), "https://%s" ENROLL_CONFIG_PATH,
		       name); /* fits */
	r = resolve_srv(service, access->timeout_us, &a, why);
	for (size_t i = 0; i < a.n; i++)
		if ((r = get_at(out, known, name, &a.srv[i], access, why)) ==
		    OK)
			break;
	return r;
}

/* ---- the certificate ---- */

/* What the server's refusal means. */
static enum err refusal(const struct exchange *x, struct why *why)
{
	static const struct {
		const char *token;
		enum err err;
		const char *words;
	} known[] = {
		{ "failed_authentication", ERR_AUTH,
		  "the enrollment server does not know this user and "
		  "password" },
		{ "username_not_available", ERR_AUTH,
		  "the enrollment server does not give this user name to this "
		  "account" },
		{ "Node-IDs_not_available", ERR_FORBIDDEN,
		  "the enrollment server does not give this account so many "
		  "Node-IDs" },
		{ "bad_CSR", ERR_ENROLL,
		  "it did not accept the request's key "
		  "or form" },
	};
	struct slice body = buf_slice(x->body);

	while (body.len > 0 && strchr(" \t\r\n", body.p[body.len - 1]) != NULL)
		body.len--;
	if (x->status != HTTP_FORBIDDEN)
		return why_err(why, ERR_ENROLL, "status %ld", x->status);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (slice_eq(body, slice_str(known[i].token)))
			return why_err(why, known[i].err, "%s (%s)",
				       known[i].words, known[i].token);
	return why_err(why, ERR_ENROLL, "it refused, for an unknown reason");
}

static bool add_field(curl_mime *form, const char *name, struct slice value,
		      const char *type)
{
	curl_mimepart *part = curl_mime_addpart(form);

	return part != NULL && curl_mime_name(part, name) == CURLE_OK &&
	       curl_mime_data(part, (const char *)value.p, value.len) ==
		       CURLE_OK &&
	       (type == NULL || curl_mime_type(part, type) == CURLE_OK);
}

static enum err fill_form(struct exchange *x, const struct enroll_request *q)
{
	char n[16];

	(void)snprintf(n, sizeof(n), "%u", q->n_node_ids); /* fits */
	x->form = curl_mime_init(x->curl);
	x->headers = curl_slist_append(NULL, "Accept: application/pkix-cert");
	if (x->form == NULL || x->headers == NULL ||
	    !add_field(x->form, "username", slice_str(q->user), NULL) ||
	    !add_field(x->form, "password", q->password, NULL) ||
	    (q->n_node_ids > 1 &&
	     !add_field(x->form, "nodeids", slice_str(n), NULL)) ||
	    !add_field(x->form, "csr", q->csr, "application/pkcs10"))
		return ERR_NOMEM;
	return OK;
}

/* Splits an enrollment-server's URL: where to connect, and the same URL with
 * the overlay's name as host, which is what its certificate must bear. */
static enum err rename_host(const char *url, const char *overlay, char *host,
			    size_t host_max, uint16_t *port, char **renamed)
{
	CURLU *u = curl_url();
	char *text = NULL, *digits = NULL;
	enum err r = ERR_DATA;
	size_t n;

	if (u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_HOST, &text, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_PORT, &digits, CURLU_DEFAULT_PORT) ==
		    CURLUE_OK &&
	    (n = strlen(text)) < host_max &&
	    curl_url_set(u, CURLUPART_HOST, overlay, 0) == CURLUE_OK &&
	    curl_url_get(u, CURLUPART_URL, renamed, 0) == CURLUE_OK) {
		bool v6 = text[0] == '['; /* the brackets are left out */

		memcpy(host, text + v6, n);
		host[v6 ? n - 2 : n] = '\0';
		*port = (uint16_t)strtoul(digits, NULL, 10);
		r = OK;
	}
	curl_free(text);
	curl_free(digits);
	curl_url_cleanup(u);
	return r;
}

static enum err post(struct buf *der, const char *url,
		     const struct ip_address_port *to,
		     const struct enroll_request *q,
		     const struct enroll_access *access, struct why *why)
{
	struct exchange x;
	enum err r;

	if ((r = open_exchange(&x, url, access, der)) == OK &&
	    (r = connect_to(&x, q->overlay, to->port, to)) == OK &&
	    (r = fill_form(&x, q)) == OK && (r = perform(&x, why)) == OK &&
	    x.status != HTTP_OK)
		r = refusal(&x, why);
	close_exchange(&x);
	if (r != OK)
		buf_reset(der);
	return r;
}

static enum err post_at(struct buf *der, const char *url,
			const struct enroll_request *q,
			const struct enroll_access *access, struct why *why)
{
	char host[DNS_NAME_MAX], *renamed = NULL;
	struct dns_answer a;
	uint16_t port = 0;
	enum err r;

	r = rename_host(url, q->overlay, host, sizeof(host), &port, &renamed);
	if (r != OK)
		return why_err(why, ERR_ENROLL, "%.200s is no URL", url);
	r = resolve_host(host, port, access->timeout_us, &a, why);
	for (size_t i = 0; i < a.n && r == OK; i++) {
		r = post(der, renamed, &a.addresses[i], q, access, why);
		if (r != ERR_HTTP || i + 1 == a.n)
			break;
		r = OK; /* the next address */
	}
	curl_free(renamed);
	return r;
}

enum err enroll_certificate(struct buf *der, char *const *urls, size_t n_urls,
			    const struct enroll_request *q,
			    const struct enroll_access *access, struct why *why)
{
	struct buf body = BUF_INIT(ENROLL_CERT_MAX);
	enum err r = why_err(why, ERR_ENROLL,
			     "the document names no enrollment-server");

	for (size_t i = 0; i < n_urls; i++) {
		r = post_at(&body, urls[i], q, access, why);
		if (r != ERR_HTTP && r != ERR_DNS && r != ERR_TIMEOUT)
			break; /* it has spoken */
	}
	if (r == OK)
		r = buf_append_slice(der, buf_slice(&body));
	buf_clear(&body);
	return r;
}
