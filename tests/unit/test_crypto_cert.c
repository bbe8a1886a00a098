/* SPDX-License-Identifier: ISC */
/* Which certificates are believed, and what they are read as. */
#include "pki.h"

#include <openssl/x509v3.h>

#include "crypto/handle.h"

/* One GeneralName of a certificate to be made. */
struct name {
	int type;
	const char *bytes;
	size_t len;
};
#define NAME(type, text)                                                       \
	{                                                                      \
		type, text, sizeof(text) - 1                                   \
	}
#define URI "reload://011001010101010101010101010101010101@" PKI_OVERLAY "/"

struct pair {
	struct key *key;
	struct buf der;
};

static void pair_clear(struct pair *p)
{
	key_free(p->key);
	buf_clear(&p->der);
}

enum {
	CA_TRUE = 1,
	CA_NO_CONSTRAINT = 2,
	CA_NO_SIGN = 4,
	CRITICAL = 8,
	SHA_1 = 16,
	EXPIRED = 32
};

static void add_extension(X509 *x, X509V3_CTX *ctx, int nid, const char *text)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, ctx, nid, text);

	X509_add_ext(x, e, -1);
	X509_EXTENSION_free(e);
}

/* A certificate with just what is asked for, which issue.c would never make. */
static void odd_cert(struct pair *out, const struct pair *issuer,
		     const char *subject, const struct name *names, size_t n,
		     int flags, uint64_t now_ms)
{
	X509 *x = X509_new(), *by = NULL;
	const unsigned char *p;
	unsigned char *der = NULL;
	int len;
	GENERAL_NAMES *san = GENERAL_NAMES_new();
	X509V3_CTX ctx;
	time_t now = (time_t)(now_ms / 1000);

	*out = (struct pair){ .der = BUF_INIT(1 << 16) };
	assert_ok(key_generate(KEY_P256, &out->key));
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), rand() & 0xffff);
	ASN1_TIME_set(X509_getm_notBefore(x), now - 7200);
	ASN1_TIME_set(X509_getm_notAfter(x),
		      flags & EXPIRED ? now - 3600 : now + 3600);
	X509_set_pubkey(x, out->key->pkey);
	if (subject[0] != '\0')
		X509_NAME_add_entry_by_txt(
			X509_get_subject_name(x), "CN", MBSTRING_ASC,
			(const unsigned char *)subject, -1, -1, 0);
	p = issuer == NULL ? NULL : issuer->der.p;
	if (issuer != NULL)
		by = d2i_X509(NULL, &p, (long)issuer->der.len);
	X509_set_issuer_name(x, X509_get_subject_name(by ? by : x));
	for (size_t i = 0; i < n; i++) {
		GENERAL_NAME *g = GENERAL_NAME_new();

		if (names[i].type == GEN_IPADD) {
			GENERAL_NAME_set0_value(g, GEN_IPADD,
						a2i_IPADDRESS("127.0.0.1"));
		} else {
			ASN1_IA5STRING *s = ASN1_IA5STRING_new();

			ASN1_STRING_set(s, names[i].bytes, (int)names[i].len);
			GENERAL_NAME_set0_value(g, names[i].type, s);
		}
		sk_GENERAL_NAME_push(san, g);
	}
	if (n > 0)
		X509_add1_ext_i2d(x, NID_subject_alt_name, san, 1, 0);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	if ((flags & CA_NO_CONSTRAINT) == 0)
		add_extension(x, &ctx, NID_basic_constraints,
			      flags & CA_TRUE ? "critical,CA:TRUE"
					      : "critical,CA:FALSE");
	add_extension(x, &ctx, NID_key_usage,
		      flags & CA_TRUE && !(flags & CA_NO_SIGN)
			      ? "critical,keyCertSign"
			      : "critical,digitalSignature");
	if (flags & CRITICAL) {
		X509_EXTENSION *e = X509V3_EXT_conf(NULL, &ctx, "1.2.3.4.5.6",
						    "critical,DER:0500");

		X509_add_ext(x, e, -1);
		X509_EXTENSION_free(e);
	}
	X509_sign(x, issuer == NULL ? out->key->pkey : issuer->key->pkey,
		  flags & SHA_1 ? EVP_sha1() : EVP_sha256());
	len = i2d_X509(x, &der);
	assert_true(len > 0);
	assert_ok(buf_append(&out->der, der, (size_t)len));
	OPENSSL_free(der);
	GENERAL_NAMES_free(san);
	X509_free(by);
	X509_free(x);
}

static struct pair root_of(struct pki *p)
{
	return (struct pair){ p->key, p->root };
}

/* Opens; on failure the words must contain `words`. */
static enum err try_open(const struct pki *p, const struct buf *der,
			 const struct slice *others, size_t n,
			 struct cert **out, const char *words)
{
	struct why why = { "" };
	enum err r = p->crypto->cert_open(p->crypto->ctx, buf_slice(der),
					  others, n, out, &why);

	if (r != OK && strstr(why.text, words) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", why.text, words);
	return r;
}

/* What issue.c makes, cert_open() takes: one Node-ID and several, with and
 * without a user name, under roots of every type.  6940-4.1-D2, 6940-11.3-R7 */
static void issued(void **state)
{
	static const enum key_type types[] = { KEY_P256, KEY_RSA2048,
					       KEY_ED25519 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct pki p;
		struct node_id ids[3] = { pki_id(1), pki_id(2), pki_id(3) };
		size_t n = i % 2 == 0 ? 1 : 3;
		struct issue_node node;
		struct signer *s;
		struct cert *c;
		struct buf der;
		X509_NAME *subject;

		pki_init(&p, types[i / 2]);
		node = pki_node(&p, ids, n);
		node.user = i % 2 == 0 ? "alice@example.org" : "";
		s = pki_signer_of(&p, &p, &node, types[i / 2]);
		der = (struct buf){ .p = (uint8_t *)(uintptr_t)s->cert->der.p,
				    .len = s->cert->der.len };
		assert_ok(try_open(&p, &der, NULL, 0, &c, ""));
		assert_int_equal(c->n_node_ids, n);
		for (size_t j = 0; j < n; j++)
			assert_true(id_eq(&c->node_ids[j], &ids[j]));
		assert_string_equal(c->user, node.user);
		assert_false(c->self_signed);
		/* To the second, and an hour back. */
		assert_int_equal(c->not_before_ms, p.now_ms - 3600000);
		assert_int_equal(c->not_after_ms, p.now_ms + PKI_DAY_MS);
		assert_memory_equal(c->hash, s->cert->hash, CERT_HASH_LEN);
		/* 6940-11.3-R10: the subject is empty, the names critical. */
		subject = X509_get_subject_name(cert_x509(c));
		assert_int_equal(X509_NAME_entry_count(subject), 0);
		p.crypto->cert_unref(p.crypto->ctx, c);
		signer_close(s, p.crypto);
		pki_clear(&p);
	}
}

/* Every form of name that is not RFC 6940 s11.3's.  6940-11.3-R9, 6940-11.3-R10
 */
static void names(void **state)
{
	static const struct {
		struct name names[3];
		const char *words; /* NULL: accepted */
		const char *user;
	} cases[] = {
		{ { NAME(GEN_URI, URI) }, NULL, "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_EMAIL, "a@b") }, NULL, "a@b" },
		{ { NAME(GEN_EMAIL, "a@b"), NAME(GEN_URI, URI) }, NULL, "a@b" },
		/* CHOICE 9: what is accepted besides. */
		{ { NAME(GEN_URI,
			 "reload://011001010101010101010101010101010101"
			 "@" PKI_OVERLAY) },
		  NULL,
		  "" },
		{ { NAME(GEN_URI,
			 "reload://"
			 "01010101010101010101010101010101@" PKI_OVERLAY) },
		  NULL,
		  "" },
		{ { NAME(GEN_URI,
			 "RELOAD://0110010101010101010101010101010101AB"
			 "@Overlay.Example.ORG/") },
		  NULL,
		  "" },
		/* Others' overlays. */
		{ { NAME(GEN_URI,
			 "reload://011001010101010101010101010101010101"
			 "@other.example.org/") },
		  "for overlay other.example.org",
		  "" },
		{ { NAME(GEN_URI, URI),
		    NAME(GEN_URI,
			 "reload://011002020202020202020202020202020202"
			 "@other.example.org/") },
		  "for overlay",
		  "" },
		{ { NAME(GEN_URI,
			 "reload://011001010101010101010101010101010101"
			 "@" PKI_OVERLAY ".evil/") },
		  "for overlay",
		  "" },
		/* No Node-ID, or not just one in a URI. */
		{ { NAME(GEN_EMAIL, "a@b") }, "no Node-ID", "" },
		{ { NAME(GEN_URI, "reload://0110010101@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		{ { NAME(GEN_URI,
			 "reload://021001010101010101010101010101010101"
			 "@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		/* 6940-14.15-D1, of peers: an odd number of digits. */
		{ { NAME(GEN_URI, "reload://01100101010101010101010101010101010"
				  "@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		{ { NAME(GEN_URI,
			 "reload://0110010101010101010101010101010101zz"
			 "@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		{ { NAME(GEN_URI,
			 "reload://011000000000000000000000000000000000"
			 "@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		{ { NAME(GEN_URI,
			 "reload://0110ffffffffffffffffffffffffffffffff"
			 "@" PKI_OVERLAY "/") },
		  "no Node-ID",
		  "" },
		{ { NAME(GEN_URI, "reload://" PKI_OVERLAY "/") },
		  "no reload",
		  "" },
		{ { NAME(GEN_URI, "https://example.org/") }, "no reload", "" },
		{ { NAME(GEN_URI, "reload://@") }, "for overlay", "" },
		{ { NAME(GEN_URI, "") }, "no reload", "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_URI, URI) }, "twice", "" },
		/* User names. */
		{ { NAME(GEN_URI, URI), NAME(GEN_EMAIL, "a@b"),
		    NAME(GEN_EMAIL, "c@d") },
		  "two user names",
		  "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_EMAIL, "a@b\0.evil") },
		  "no user name may",
		  "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_EMAIL, "a\n@b") },
		  "no user name may",
		  "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_EMAIL, "") },
		  "no user name may",
		  "" },
		/* A NUL in the URI. */
		{ { NAME(GEN_URI,
			 "reload://011001010101010101010101010101010101"
			 "@" PKI_OVERLAY "\0.evil/") },
		  "for overlay",
		  "" },
		/* Other identities. */
		{ { NAME(GEN_URI, URI), NAME(GEN_DNS, "example.org") },
		  "names other",
		  "" },
		{ { NAME(GEN_URI, URI), NAME(GEN_IPADD, "") },
		  "names other",
		  "" },
	};
	struct pki p;
	struct pair root;

	(void)state;
	pki_init(&p, KEY_P256);
	root = root_of(&p);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct pair leaf;
		struct cert *c;
		size_t n = 0;
		enum err r;

		while (n < 3 && cases[i].names[n].bytes != NULL)
			n++;
		odd_cert(&leaf, &root, "", cases[i].names, n, 0, p.now_ms);
		r = try_open(&p, &leaf.der, NULL, 0, &c,
			     cases[i].words ? cases[i].words : "");
		if (cases[i].words == NULL) {
			assert_ok(r);
			assert_string_equal(c->user, cases[i].user);
			assert_int_equal(c->node_ids[0].b[0], 1);
			p.crypto->cert_unref(p.crypto->ctx, c);
		} else {
			assert_err(r, ERR_CERT);
		}
		pair_clear(&leaf);
	}
	pki_clear(&p);
}

/* More Node-IDs than there is room for. */
static void many_ids(void **state)
{
	struct name v[CERT_NODE_IDS_MAX + 1];
	char text[CERT_NODE_IDS_MAX + 1][120];
	struct pki p;
	struct pair root, leaf;
	struct cert *c;

	(void)state;
	pki_init(&p, KEY_P256);
	root = root_of(&p);
	for (size_t i = 0; i < N_OF(v); i++) {
		int n = snprintf(text[i], sizeof(text[i]),
				 "reload://0110%032zx@" PKI_OVERLAY "/", i + 1);

		v[i] = (struct name){ GEN_URI, text[i], (size_t)n };
	}
	odd_cert(&leaf, &root, "", v, CERT_NODE_IDS_MAX, 0, p.now_ms);
	assert_ok(try_open(&p, &leaf.der, NULL, 0, &c, ""));
	assert_int_equal(c->n_node_ids, CERT_NODE_IDS_MAX);
	p.crypto->cert_unref(p.crypto->ctx, c);
	pair_clear(&leaf);
	odd_cert(&leaf, &root, "", v, CERT_NODE_IDS_MAX + 1, 0, p.now_ms);
	assert_err(try_open(&p, &leaf.der, NULL, 0, &c, "more than"), ERR_CERT);
	pair_clear(&leaf);
	pki_clear(&p);
}

/* Who may issue.  6940-11.3-R12, 6940-13.3-R1 */
static void chains(void **state)
{
	static const struct name ok[] = { NAME(GEN_URI, URI) };
	static const struct {
		int intermediate, leaf; /* flags */
		bool sent;              /* with the intermediate */
		const char *words;      /* NULL: accepted */
	} cases[] = {
		{ CA_TRUE, 0, true, NULL },
		{ CA_TRUE, 0, false, "not issued by a root" },
		{ 0, 0, true, "not issued by a root" },
		{ CA_TRUE | CA_NO_CONSTRAINT, 0, true, "not issued by a root" },
		{ CA_TRUE | CA_NO_SIGN, 0, true, "not issued by a root" },
		{ CA_TRUE, CRITICAL, true, "not issued by a root" },
		{ CA_TRUE, SHA_1, true, "not issued by a root" },
		{ CA_TRUE | SHA_1, 0, true, "not issued by a root" },
		/* Time is the core's to judge. */
		{ CA_TRUE, EXPIRED, true, NULL },
		{ CA_TRUE | EXPIRED, 0, true, NULL },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct pki p;
		struct pair root, mid, leaf;
		struct slice others[2];
		struct cert *c;
		enum err r;

		pki_init(&p, KEY_P256);
		root = root_of(&p);
		odd_cert(&mid, &root, "Middle", NULL, 0, cases[i].intermediate,
			 p.now_ms);
		odd_cert(&leaf, &mid, "", ok, 1, cases[i].leaf, p.now_ms);
		others[0] = SLICE_LIT("no certificate");
		others[1] = buf_slice(&mid.der);
		r = try_open(&p, &leaf.der, others, cases[i].sent ? 2 : 0, &c,
			     cases[i].words ? cases[i].words : "");
		if (cases[i].words != NULL) {
			assert_err(r, ERR_CERT);
		} else {
			bool expired =
				((cases[i].leaf | cases[i].intermediate) &
				 EXPIRED) != 0;

			assert_ok(r);
			/* The narrower dates are the certificate's. */
			assert_true((c->not_after_ms < p.now_ms) == expired);
			/* What verified it is there for others. */
			assert_int_equal(c->n_chain, 1);
			assert_slice_equal(c->chain[0], others[1]);
			p.crypto->cert_unref(p.crypto->ctx, c);
			/* A checked intermediate need not be sent again. */
			assert_ok(try_open(&p, &leaf.der, NULL, 0, &c, ""));
			assert_int_equal(c->n_chain, 1);
			p.crypto->cert_unref(p.crypto->ctx, c);
		}
		pair_clear(&mid);
		pair_clear(&leaf);
		pki_clear(&p);
	}
}

/* 6940-6.3.4-R2: an issuer that a bucket holds behind those of many signers. */
static void issuer_last(void **state)
{
	static const struct name ok[] = { NAME(GEN_URI, URI) };
	struct pair root, mid, leaf;
	struct slice others[64];
	struct cert *c;
	struct pki p;

	(void)state;
	pki_init(&p, KEY_P256);
	root = root_of(&p);
	odd_cert(&mid, &root, "Middle", NULL, 0, CA_TRUE, p.now_ms);
	odd_cert(&leaf, &mid, "", ok, 1, 0, p.now_ms);
	for (size_t i = 0; i < N_OF(others); i++)
		others[i] = buf_slice(i == N_OF(others) - 1 ? &mid.der
							    : &leaf.der);
	assert_ok(try_open(&p, &leaf.der, others, N_OF(others), &c, ""));
	p.crypto->cert_unref(p.crypto->ctx, c);
	pair_clear(&mid);
	pair_clear(&leaf);
	pki_clear(&p);
}

/* Another CA of the same name, and a root that this document does not list; two
 * roots, both good.  6940-11.1-R5 */
static void roots(void **state)
{
	struct pki ours, theirs;
	struct node_id id = pki_id(1);
	struct issue_node node;
	struct signer *s;
	struct cert *c;
	struct slice both[2];
	struct openssl_trust t;
	struct buf der;

	(void)state;
	pki_init(&ours, KEY_P256);
	pki_init(&theirs, KEY_P256);
	node = pki_node(&ours, &id, 1);
	s = pki_signer_of(&ours, &theirs, &node, KEY_P256);
	der = (struct buf){ .p = (uint8_t *)(uintptr_t)s->cert->der.p,
			    .len = s->cert->der.len };
	assert_err(try_open(&ours, &der, NULL, 0, &c, "not issued by a root"),
		   ERR_CERT);
	assert_ok(try_open(&theirs, &der, NULL, 0, &c, ""));
	theirs.crypto->cert_unref(theirs.crypto->ctx, c);
	both[0] = ours.roots[0];
	both[1] = theirs.roots[0];
	t = pki_trust(&ours);
	t.root_certs = both;
	t.n_root_certs = 2;
	assert_ok(openssl_set_trust(ours.crypto, &t, NULL));
	assert_ok(try_open(&ours, &der, NULL, 0, &c, ""));
	ours.crypto->cert_unref(ours.crypto->ctx, c);
	/* A document without roots trusts nobody. */
	t.n_root_certs = 0;
	assert_ok(openssl_set_trust(ours.crypto, &t, NULL));
	assert_err(try_open(&ours, &der, NULL, 0, &c, "not issued"), ERR_CERT);
	/* A root that does not parse leaves things as they are. */
	both[1] = SLICE_LIT("garbage");
	t.n_root_certs = 2;
	assert_err(openssl_set_trust(ours.crypto, &t, NULL), ERR_CERT);
	signer_close(s, ours.crypto);
	pki_clear(&ours);
	pki_clear(&theirs);
}

/* 6940-11.3.1-R1, 6940-11.3.1-R2, 6940-11.3.1-R3 */
static void self_signed(void **state)
{
	static const uint8_t digests[] = { HASH_SHA1, HASH_SHA256 };

	(void)state;
	for (size_t i = 0; i < 8; i++) {
		struct pki p;
		struct openssl_trust t;
		struct node_id none[1] = { pki_id(1) };
		uint8_t digest = digests[i % 2], id_len = i / 4 ? 20 : 16;
		size_t n = (i / 2) % 2 ? 3 : 1;
		struct issue_node node;
		struct key *k;
		struct buf der = BUF_INIT(1 << 16);
		struct cert *c;
		unsigned char *spki = NULL, in[512] = { 0, 0, 0, 1 }, md[64];
		int len;

		pki_init(&p, KEY_P256);
		t = pki_trust(&p);
		t.node_id_length = id_len;
		t.self_signed_permitted = true;
		t.self_signed_digest = digest;
		t.n_root_certs = 0;
		assert_ok(openssl_set_trust(p.crypto, &t, NULL));
		node = pki_node(&p, none, n);
		node.node_id_length = id_len;
		assert_ok(key_generate(KEY_P256, &k));
		assert_ok(issue_self_signed(k, digest, &node, &der));
		assert_ok(try_open(&p, &der, NULL, 0, &c, ""));
		assert_true(c->self_signed);
		assert_int_equal(c->n_node_ids, n);
		/* By hand: the digest over index (if several) and key. */
		len = i2d_PUBKEY(k->pkey, &spki);
		memcpy(in + 4, spki, (size_t)len);
		in[3] = (unsigned char)n;
		EVP_Digest(n == 1 ? in + 4 : in,
			   n == 1 ? (size_t)len : (size_t)len + 4, md, NULL,
			   digest == HASH_SHA1 ? EVP_sha1() : EVP_sha256(),
			   NULL);
		assert_memory_equal(c->node_ids[n - 1].b, md, id_len);
		p.crypto->cert_unref(p.crypto->ctx, c);
		OPENSSL_free(spki);
		/* The other digest's Node-ID is none of this overlay's. */
		t.self_signed_digest = digests[1 - i % 2];
		assert_ok(openssl_set_trust(p.crypto, &t, NULL));
		assert_err(try_open(&p, &der, NULL, 0, &c, "not its key's"),
			   ERR_CERT);
		/* Not permitted: an unknown issuer like any other. */
		t.self_signed_permitted = false;
		assert_ok(openssl_set_trust(p.crypto, &t, NULL));
		assert_err(try_open(&p, &der, NULL, 0, &c, "not issued"),
			   ERR_CERT);
		key_free(k);
		buf_clear(&der);
		pki_clear(&p);
	}
}

/* A rogue picks the Node-ID, or breaks the signature.  6940-11.3.1-R3 */
static void self_signed_rogue(void **state)
{
	static const struct name ok[] = { NAME(GEN_URI, URI) };
	struct pki p;
	struct openssl_trust t;
	struct pair rogue;
	struct cert *c;

	(void)state;
	pki_init(&p, KEY_P256);
	t = pki_trust(&p);
	t.self_signed_permitted = true;
	assert_ok(openssl_set_trust(p.crypto, &t, NULL));
	odd_cert(&rogue, NULL, "", ok, 1, CA_NO_CONSTRAINT, p.now_ms);
	assert_err(try_open(&p, &rogue.der, NULL, 0, &c, "not its key's"),
		   ERR_CERT);
	rogue.der.p[rogue.der.len - 1] ^= 1;
	assert_err(try_open(&p, &rogue.der, NULL, 0, &c, ""), ERR_CERT);
	pair_clear(&rogue);
	odd_cert(&rogue, NULL, "", ok, 1, CA_NO_CONSTRAINT | SHA_1, p.now_ms);
	assert_err(try_open(&p, &rogue.der, NULL, 0, &c, "broken digest"),
		   ERR_CERT);
	pair_clear(&rogue);
	odd_cert(&rogue, NULL, "", ok, 1, CA_NO_CONSTRAINT | CRITICAL,
		 p.now_ms);
	assert_err(try_open(&p, &rogue.der, NULL, 0, &c, "critical"), ERR_CERT);
	pair_clear(&rogue);
	pki_clear(&p);
}

/* Cut anywhere, with bytes behind it, or with any one byte changed: never more
 * than refused. */
static void garbage(void **state)
{
	struct pki p;
	struct signer *s;
	struct buf der = BUF_INIT(1 << 16);
	struct cert *c;

	(void)state;
	pki_init(&p, KEY_P256);
	s = pki_signer(&p, 1, KEY_P256);
	assert_ok(buf_append_slice(&der, s->cert->der));
	for (size_t n = 0; n < der.len; n++) {
		struct buf cut = { .p = der.p, .len = n };

		assert_err(try_open(&p, &cut, NULL, 0, &c, ""), ERR_CERT);
	}
	for (size_t i = 0; i < der.len; i++) {
		der.p[i] ^= 0x55;
		assert_err(try_open(&p, &der, NULL, 0, &c, ""), ERR_CERT);
		der.p[i] ^= 0x55;
	}
	assert_ok(buf_append_u8(&der, 0));
	assert_err(try_open(&p, &der, NULL, 0, &c, "not DER"), ERR_CERT);
	buf_clear(&der);
	signer_close(s, p.crypto);
	pki_clear(&p);
}

/* Opening an identity: PEM with a chain, a Node-ID by choice, a key that is not
 * the certificate's, dates. */
static void identities(void **state)
{
	struct pki p;
	struct node_id ids[2] = { pki_id(1), pki_id(2) }, other = pki_id(3);
	struct issue_node node;
	struct issue_ca ca;
	struct key *k, *wrong;
	struct buf der = BUF_INIT(1 << 16), cert = BUF_INIT(1 << 16),
		   key = BUF_INIT(1 << 16), wrong_key = BUF_INIT(1 << 16);
	struct signer_args args = { 0 };
	struct signer *s;
	struct why why;

	(void)state;
	pki_init(&p, KEY_P256);
	node = pki_node(&p, ids, 2);
	ca = pki_ca(&p);
	assert_ok(key_generate(KEY_P256, &k));
	assert_ok(key_generate(KEY_P256, &wrong));
	assert_ok(issue_node(&ca, k, &node, &der));
	assert_ok(pem_append(&cert, PEM_CERTIFICATE, buf_slice(&der)));
	assert_ok(pem_append(&cert, PEM_CERTIFICATE, p.roots[0]));
	assert_ok(key_save(k, &key));
	assert_ok(key_save(wrong, &wrong_key));
	args.key = buf_slice(&key);
	args.cert = buf_slice(&cert);
	assert_ok(signer_open(&s, p.crypto, &args, &why));
	assert_int_equal(s->n_chain, 1);
	assert_slice_equal(s->chain[0], p.roots[0]);
	assert_true(id_eq(&s->node_id, &ids[0]));
	assert_ok(signer_check_time(s, p.now_ms, &why));
	assert_err(signer_check_time(s, p.now_ms + 2 * PKI_DAY_MS, &why),
		   ERR_CERT_EXPIRED);
	assert_non_null(strstr(why.text, "expired at"));
	assert_err(signer_check_time(s, p.now_ms - 2 * PKI_DAY_MS, &why),
		   ERR_CERT_EXPIRED);
	assert_non_null(strstr(why.text, "clock"));
	signer_close(s, p.crypto);
	args.node_id = &ids[1];
	assert_ok(signer_open(&s, p.crypto, &args, &why));
	assert_true(id_eq(&s->node_id, &ids[1]));
	signer_close(s, p.crypto);
	args.node_id = &other;
	assert_err(signer_open(&s, p.crypto, &args, &why), ERR_CERT);
	args.node_id = NULL;
	args.key = buf_slice(&wrong_key);
	assert_err(signer_open(&s, p.crypto, &args, &why), ERR_CERT);
	assert_non_null(strstr(why.text, "not the certificate's"));
	args.cert = buf_slice(&key);
	assert_err(signer_open(&s, p.crypto, &args, &why), ERR_DATA);
	args.cert = (struct slice){ NULL, 0 };
	assert_err(signer_open(&s, p.crypto, &args, &why), ERR_DATA);
	buf_clear(&der);
	buf_clear(&cert);
	buf_clear(&key);
	buf_clear(&wrong_key);
	key_free(k);
	key_free(wrong);
	pki_clear(&p);
}

/* Names that nobody may be given, and a web server's certificate. */
static void issuing(void **state)
{
	static const char *const hosts[] = { PKI_OVERLAY, "127.0.0.2", "::1" };
	struct pki p;
	struct node_id id = pki_id(1), a, b;
	struct issue_node node;
	struct issue_ca ca;
	struct buf der = BUF_INIT(1 << 16);
	const unsigned char *q;
	X509 *x;

	(void)state;
	pki_init(&p, KEY_P256);
	ca = pki_ca(&p);
	node = pki_node(&p, &id, 1);
	node.user = "a\nb";
	assert_err(issue_node(&ca, p.key, &node, &der), ERR_DATA);
	assert_false(issue_user_ok(""));
	assert_false(issue_user_ok("caf\xc3\xa9@example.org"));
	assert_true(issue_user_ok("alice@example.org"));
	node = pki_node(&p, &id, 0);
	assert_err(issue_node(&ca, p.key, &node, &der), ERR_RANGE);
	assert_ok(issue_node_id(16, &a));
	assert_ok(issue_node_id(16, &b));
	assert_false(id_eq(&a, &b));
	assert_ok(issue_server(&ca, p.key, hosts, N_OF(hosts), p.now_ms,
			       p.now_ms + PKI_DAY_MS, &der));
	q = der.p;
	x = d2i_X509(NULL, &q, (long)der.len);
	assert_non_null(x);
	assert_int_equal(X509_check_host(x, PKI_OVERLAY, 0, 0, NULL), 1);
	assert_int_equal(X509_check_host(x, "example.org", 0, 0, NULL), 0);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.2", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(x, "127.0.0.3", 0), 0);
	X509_free(x);
	buf_clear(&der);
	pki_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(issued),
		cmocka_unit_test(names),
		cmocka_unit_test(many_ids),
		cmocka_unit_test(chains),
		cmocka_unit_test(issuer_last),
		cmocka_unit_test(roots),
		cmocka_unit_test(self_signed),
		cmocka_unit_test(self_signed_rogue),
		cmocka_unit_test(garbage),
		cmocka_unit_test(identities),
		cmocka_unit_test(issuing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
