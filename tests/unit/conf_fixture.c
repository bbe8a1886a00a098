/* SPDX-License-Identifier: ISC */
/* Owns the document, the keys and the signers that the tests of conf share. */
#include "conf_fixture.h"

#include <stdio.h>

#include "base/text.h"
#include "conf/blob.h"
#include "conf/xml_span.h"
#include "conf/overlay_write.h"
#include "crypto/issue.h"
#include "crypto/openssl.h"
#include "net/anchor.h"
#include "unit.h"

static struct buf empty(void)
{
	return (struct buf)BUF_INIT(1 << 20);
}

/* A signer with these Node-IDs. */
static struct signer *make_signer(struct fixture *f, enum key_type type,
				  const struct node_id *ids, size_t n)
{
	struct issue_ca ca = { buf_slice(&f->ca_cert), f->ca_key };
	struct issue_node node = { .overlay = FIXTURE_NAME,
				   .node_id_length = NODE_ID_MIN,
				   .node_ids = ids,
				   .n_node_ids = n,
				   .user = "",
				   .now_ms = FIXTURE_NOW,
				   .not_after_ms = FIXTURE_NOW +
						   400 * FIXTURE_DAY };
	struct buf der = empty(), pem = empty();
	struct signer_args args;
	struct signer *s;
	struct key *k;

	assert_ok(key_generate(type, &k));
	assert_ok(issue_node(&ca, k, &node, &der));
	assert_ok(key_save(k, &pem));
	args = (struct signer_args){ .key = buf_slice(&pem),
				     .cert = buf_slice(&der) };
	assert_ok(signer_open(&s, f->crypto, &args, NULL));
	buf_clear(&der);
	buf_clear(&pem);
	key_free(k);
	return s;
}

struct signer *fixture_signer_of(struct fixture *f, enum key_type type,
				 struct node_id *ids, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_ok(issue_node_id(NODE_ID_MIN, &ids[i]));
	return make_signer(f, type, ids, n);
}

struct signer *fixture_signer(struct fixture *f, struct node_id *id)
{
	return fixture_signer_of(f, KEY_P256, id, 1);
}

static const struct ip_address_port bootstrap[] = {
	{ .type = ADDRESS_IPV4, .addr = { 127, 0, 0, 2 }, .port = 6084 },
	{ .type = ADDRESS_IPV6, .addr = { [15] = 1 }, .port = 7000 },
};

void fixture_init_as(struct fixture *f, const struct node_id *signer_id)
{
	struct overlay_write_draft d = {
		.name = FIXTURE_NAME,
		.enrollment_server = "https://" FIXTURE_NAME ":8443/enroll",
		.bootstrap = bootstrap,
		.n_bootstrap = N_OF(bootstrap),
		.signer = signer_id,
	};
	struct openssl_trust trust = { .overlay = FIXTURE_NAME,
				       .node_id_length = NODE_ID_MIN };

	*f = (struct fixture){ .ca_cert = empty(),
			       .document = empty(),
			       .signer_id = *signer_id };
	assert_ok(key_generate(KEY_P256, &f->ca_key));
	assert_ok(issue_root(f->ca_key, "CA", FIXTURE_NOW,
			     FIXTURE_NOW + 4000 * FIXTURE_DAY, &f->ca_cert));
	d.root_cert = buf_slice(&f->ca_cert);
	trust.root_certs = &d.root_cert;
	trust.n_root_certs = 1;
	assert_ok(openssl_new(&f->crypto, &trust, NULL));
	f->signer = make_signer(f, KEY_P256, signer_id, 1);
	assert_ok(overlay_write_draft(&f->document, &d));
	fixture_sign(f, 7, NULL);
}

void fixture_init(struct fixture *f)
{
	struct node_id id;

	assert_ok(issue_node_id(NODE_ID_MIN, &id));
	fixture_init_as(f, &id);
}

void fixture_clear(struct fixture *f)
{
	signer_close(f->signer, f->crypto);
	openssl_free(f->crypto);
	key_free(f->ca_key);
	buf_clear(&f->ca_cert);
	buf_clear(&f->document);
}

void fixture_replace(struct fixture *f, const char *from, const char *to)
{
	const uint8_t *at = memmem(f->document.p, f->document.len, from,
				   strlen(from));
	struct buf text = empty();
	size_t before;

	assert_non_null(at);
	before = (size_t)(at - f->document.p);
	assert_ok(buf_append(&text, f->document.p, before));
	assert_ok(buf_append(&text, to, strlen(to)));
	assert_ok(buf_append(&text, at + strlen(from),
			     f->document.len - before - strlen(from)));
	buf_clear(&f->document);
	f->document = text;
}

void fixture_insert(struct fixture *f, const char *text)
{
	struct buf both = empty();

	assert_ok(buf_printf(&both, "%s<no-ice>", text));
	assert_ok(buf_append_u8(&both, '\0'));
	fixture_replace(f, "<no-ice>", (const char *)both.p);
	buf_clear(&both);
}

static void sign(struct fixture *f, uint16_t sequence, uint64_t expiration_ms,
		 struct signer *s)
{
	struct overlay_write_edit e = {
		.name = FIXTURE_NAME,
		.sequence = sequence,
		.expiration_ms = expiration_ms,
		.crypto = f->crypto,
		.signer = s != NULL ? s : f->signer,
	};
	struct buf text = empty();
	struct why why = { "" };
	enum err r = overlay_write_sign(&text, buf_slice(&f->document), &e,
					&why);

	assert_string_equal(why.text, "");
	assert_ok(r);
	buf_clear(&f->document);
	f->document = text;
}

void fixture_sign(struct fixture *f, uint16_t sequence, struct signer *s)
{
	sign(f, sequence, FIXTURE_NOW + 365 * FIXTURE_DAY, s);
}

void fixture_sign_as_is(struct fixture *f, uint16_t sequence)
{
	sign(f, sequence, 0, NULL);
}

/* The span of the first element of this name. */
static struct xml_span span_of(const struct fixture *f, const char *name)
{
	struct arena a = ARENA_INIT(1 << 20);
	struct xml_spans all;
	struct xml_span found = { 0 };

	assert_ok(xml_span_scan(&all, buf_slice(&f->document), &a, NULL));
	for (size_t i = 0; i < all.n && found.end == 0; i++)
		if (slice_eq(all.v[i].name, slice_str(name)))
			found = all.v[i];
	arena_free(&a);
	assert_int_not_equal(found.end, 0);
	return found;
}

void fixture_sign_document(struct fixture *f)
{
	struct xml_span conf = span_of(f, "configuration");
	struct xml_span old = span_of(f, "signature");
	struct buf text = empty();
	struct slice raw = buf_slice(&f->document);

	assert_ok(buf_append(&text, raw.p, old.tag_end));
	assert_ok(blob_sign(&text,
			    slice_sub(raw, conf.start, conf.end - conf.start),
			    f->crypto, f->signer, NODE_ID_MIN));
	assert_ok(buf_append(&text, raw.p + old.content_end,
			     raw.len - old.content_end));
	buf_clear(&f->document);
	f->document = text;
}

void fixture_add_root(struct fixture *f, struct slice der)
{
	struct buf text = empty();

	assert_ok(buf_printf(&text, "<root-cert>"));
	assert_ok(text_base64(&text, der));
	assert_ok(buf_printf(&text, "</root-cert><root-cert>"));
	assert_ok(buf_append_u8(&text, '\0'));
	fixture_replace(f, "<root-cert>", (const char *)text.p);
	buf_clear(&text);
}

void fixture_unlist(struct fixture *f, const char *element,
		    const struct node_id *id)
{
	char line[128], hex[ID_TEXT_MAX];

	snprintf(line, sizeof(line), "<%s>%s</%s>", element,
		 id_format(id, NODE_ID_MIN, hex), element);
	fixture_replace(f, line, "");
}

struct overlay_xml_judge fixture_judge(const struct overlay *previous)
{
	return (struct overlay_xml_judge){ .name = FIXTURE_NAME,
					   .previous = previous,
					   .now_ms = FIXTURE_NOW,
					   .crypto_open = anchor_open,
					   .crypto_close = openssl_free };
}

enum err fixture_load(struct fixture *f, const struct overlay *previous,
		      struct overlay **out, struct why *why)
{
	struct overlay_xml_judge j = fixture_judge(previous);

	return overlay_xml_load(out, buf_slice(&f->document), &j, why);
}

struct overlay *fixture_accepted(struct fixture *f,
				 const struct overlay *previous)
{
	struct overlay *o = NULL;
	struct why why = { "" };
	enum err r = fixture_load(f, previous, &o, &why);

	if (r != OK)
		print_message("%s\n", why.text);
	assert_ok(r);
	return o;
}

void fixture_refused(struct fixture *f, const struct overlay *previous,
		     enum err expected, const char *words)
{
	struct overlay *o = NULL;
	struct why why = { "" };
	enum err r = fixture_load(f, previous, &o, &why);

	if (r == OK)
		overlay_free(o);
	if (r != expected || strstr(why.text, words) == NULL)
		print_message("%s: %s\n", err_name(r), why.text);
	assert_err(r, expected);
	assert_non_null(strstr(why.text, words));
	/* Without a place for the words the answer is the same. */
	assert_err(fixture_load(f, previous, &o, NULL), expected);
}
