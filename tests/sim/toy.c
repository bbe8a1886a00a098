/* SPDX-License-Identifier: ISC */
/*
 * Owns: toy certificates and signatures for the simulator.  A certificate is
 *
 *	"TOYCERT" issuer key not_before not_after n n*Node-ID user_len user tag
 *
 * where the tag is a hash over what stands before it, keyed by the issuer.  The
 * public key is the private key: whoever reads a certificate could sign with
 *it. Does not own: who may use what; that is the core's to judge.
 */
#include "toy.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "uthash.h"

enum { KEY_LEN = 8, TAG_LEN = 16, CERT_BYTES_MAX = 1024 };

#define MAGIC SLICE_LIT("TOYCERT")

/* Looks like DER, as all that comes in rows must. */
const struct slice toy_middle = { (const uint8_t *)"\x30\x09TOYMIDDLE", 11 };

/* A certificate with the memory it points to. */
struct toy_cert {
	struct cert cert;
	UT_hash_handle hh; /* toy.shared */
	bool checked;
	uint8_t key[KEY_LEN];
	uint8_t der[];
};

static void put_u64(uint8_t out[8], uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
}

static enum err digest(const EVP_MD *md, const struct slice *in, size_t n,
		       uint8_t *out, size_t *len)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned written = 0;
	int good = c != NULL && EVP_DigestInit_ex2(c, md, NULL) == 1;

	for (size_t i = 0; i < n; i++)
		good = good && EVP_DigestUpdate(c, in[i].p, in[i].len) == 1;
	good = good && EVP_DigestFinal_ex(c, out, &written) == 1;
	EVP_MD_CTX_free(c);
	*len = written;
	return good ? OK : ERR_NOMEM;
}

static enum err toy_hash(void *ctx, uint8_t alg, const struct slice *in,
			 size_t n, uint8_t out[HASH_LEN_MAX], size_t *len)
{
	const struct toy *t = ctx;

	switch (alg) {
	case HASH_SHA1:
		return digest(t->sha1, in, n, out, len);
	case HASH_SHA256:
		return digest(t->sha256, in, n, out, len);
	default:
		return ERR_ALGORITHM;
	}
}

/* A hash over `input` that depends on the key. */
static enum err keyed(const struct toy *t, struct slice key, struct slice input,
		      uint8_t tag[static TAG_LEN])
{
	struct slice in[] = { key, input };
	uint8_t full[HASH_LEN_MAX];
	size_t len;
	enum err r;

	r = digest(t->sha256, in, 2, full, &len);
	if (r == OK)
		memcpy(tag, full, TAG_LEN);
	return r;
}

static enum err cert_tag(const struct toy *t, enum toy_issuer issuer,
			 struct slice key, struct slice body,
			 uint8_t tag[static TAG_LEN])
{
	switch (issuer) {
	case TOY_CA:
		return keyed(t, SLICE_LIT("the overlay's CA"), body, tag);
	case TOY_FOREIGN:
		return keyed(t, SLICE_LIT("another CA"), body, tag);
	case TOY_MIDDLE:
		return keyed(t, toy_middle, body, tag);
	default:
		return keyed(t, key, body, tag);
	}
}

enum err toy_self_node_id(struct toy *t, uint64_t key, struct node_id *out)
{
	uint8_t full[HASH_LEN_MAX], bytes[KEY_LEN];
	struct slice in = { bytes, KEY_LEN };
	size_t len;
	enum err r;

	put_u64(bytes, key);
	if ((r = digest(t->sha256, &in, 1, full, &len)) != OK)
		return r;
	return id_from_slice(out, slice_of(full, RING_ID_LEN));
}

/* What the intermediate issued comes in a row with it: as DER does, it says how
 * long it is. */
static enum err append_head(struct buf *b, const struct toy_spec *spec,
			    size_t n_ids, struct slice user)
{
	size_t len = MAGIC.len + 1 + KEY_LEN + 8 + 8 + 1 + n_ids * RING_ID_LEN +
		     1 + user.len + TAG_LEN;
	enum err r;

	if (spec->issuer != TOY_MIDDLE)
		return OK;
	if ((r = buf_append_uint(b, 0x3082, 2)) != OK)
		return r;
	return buf_append_uint(b, len, 2);
}

enum err toy_issue(struct toy *t, const struct toy_spec *spec, struct buf *out)
{
	struct buf b = BUF_INIT(CERT_BYTES_MAX);
	struct slice user = slice_str(spec->user == NULL ? "" : spec->user);
	const struct node_id *ids = spec->node_ids;
	size_t n_ids = spec->n_node_ids;
	uint8_t key[KEY_LEN], tag[TAG_LEN];
	struct node_id self;
	enum err r = OK;

	put_u64(key, spec->key);
	if (spec->issuer == TOY_SELF) {
		r = toy_self_node_id(t, spec->key, &self);
		ids = &self;
		n_ids = 1;
	}
	if (r != OK || (r = append_head(&b, spec, n_ids, user)) != OK ||
	    (r = buf_append_slice(&b, MAGIC)) != OK ||
	    (r = buf_append_u8(&b, (uint8_t)spec->issuer)) != OK ||
	    (r = buf_append(&b, key, KEY_LEN)) != OK ||
	    (r = buf_append_uint(&b, spec->not_before_ms, 8)) != OK ||
	    (r = buf_append_uint(&b, spec->not_after_ms, 8)) != OK ||
	    (r = buf_append_u8(&b, (uint8_t)n_ids)) != OK)
		goto out;
	for (size_t i = 0; i < n_ids; i++)
		if ((r = buf_append(&b, ids[i].b, RING_ID_LEN)) != OK)
			goto out;
	if ((r = buf_append_u8(&b, (uint8_t)user.len)) != OK ||
	    (r = buf_append_slice(&b, user)) != OK ||
	    (r = cert_tag(t, spec->issuer, slice_of(key, KEY_LEN),
			  buf_slice(&b), tag)) != OK ||
	    (r = buf_append(&b, tag, TAG_LEN)) != OK)
		goto out;
	r = buf_append_slice(out, buf_slice(&b));
out:
	buf_clear(&b);
	return r;
}

/* Takes `n` bytes off the front, or ERR_CERT. */
static enum err take(struct slice *in, size_t n, struct slice *out)
{
	if (in->len < n)
		return ERR_CERT;
	*out = slice_sub(*in, 0, n);
	*in = slice_sub(*in, n, in->len - n);
	return OK;
}

static enum err take_uint(struct slice *in, size_t width, uint64_t *out)
{
	struct slice s;
	enum err r;

	if ((r = take(in, width, &s)) != OK)
		return r;
	*out = 0;
	for (size_t i = 0; i < width; i++)
		*out = *out << 8 | s.p[i];
	return OK;
}

/* Fills `c` from c->der; `issuer` and `tag` say who vouches for it. */
static enum err parse(struct toy_cert *tc, enum toy_issuer *issuer,
		      struct slice *tag)
{
	struct cert *c = &tc->cert;
	struct slice in = c->der, s;
	uint64_t v;
	enum err r;

	if (in.len > 0 && in.p[0] == 0x30 && (r = take(&in, 4, &s)) != OK)
		return r;
	if ((r = take(&in, MAGIC.len, &s)) != OK || !slice_eq(s, MAGIC) ||
	    (r = take_uint(&in, 1, &v)) != OK || v > TOY_MIDDLE)
		return ERR_CERT;
	*issuer = (enum toy_issuer)v;
	if ((r = take(&in, KEY_LEN, &s)) != OK)
		return r;
	memcpy(tc->key, s.p, KEY_LEN);
	if ((r = take_uint(&in, 8, &c->not_before_ms)) != OK ||
	    (r = take_uint(&in, 8, &c->not_after_ms)) != OK ||
	    (r = take_uint(&in, 1, &v)) != OK)
		return r;
	if (v < 1 || v > CERT_NODE_IDS_MAX)
		return ERR_CERT;
	c->n_node_ids = (uint8_t)v;
	for (size_t i = 0; i < c->n_node_ids; i++)
		if ((r = take(&in, RING_ID_LEN, &s)) != OK ||
		    (r = id_from_slice(&c->node_ids[i], s)) != OK)
			return r;
	if ((r = take_uint(&in, 1, &v)) != OK || v > CERT_USER_MAX ||
	    (r = take(&in, (size_t)v, &s)) != OK)
		return ERR_CERT;
	if (s.len != 0)
		memcpy(c->user, s.p, s.len);
	c->self_signed = *issuer == TOY_SELF;
	r = take(&in, TAG_LEN, tag);
	return r == OK && in.len != 0 ? ERR_CERT : r;
}

/* Does the one who is said to vouch for it vouch for it? */
static enum err check_issuer(struct toy *t, const struct toy_cert *tc,
			     enum toy_issuer issuer, struct slice tag,
			     struct why *why)
{
	struct slice body = slice_sub(tc->cert.der, 0,
				      tc->cert.der.len - TAG_LEN);
	uint8_t want[TAG_LEN];
	struct node_id id;
	uint64_t key = 0;
	enum err r;

	for (size_t i = 0; i < KEY_LEN; i++)
		key = key << 8 | tc->key[i];
	if ((r = cert_tag(t, issuer, slice_of(tc->key, KEY_LEN), body, want)) !=
		    OK ||
	    (r = toy_self_node_id(t, key, &id)) != OK)
		return r;
	if (!slice_eq(tag, slice_of(want, TAG_LEN)))
		return why_err(why, ERR_CERT, "the certificate is damaged");
	if (issuer == TOY_FOREIGN)
		return why_err(why, ERR_CERT, "another overlay's certificate");
	if (issuer == TOY_SELF && !t->self_signed_permitted)
		return why_err(why, ERR_CERT, "self-signed certificate");
	if (issuer == TOY_SELF &&
	    (tc->cert.n_node_ids != 1 || !id_eq(&tc->cert.node_ids[0], &id)))
		return why_err(why, ERR_CERT, "Node-ID is not the key's");
	return OK;
}

/* The same certificate, where they are shared; NULL. */
static struct cert *find_shared(struct toy *t, struct slice der, bool check)
{
	uint8_t hash[HASH_LEN_MAX];
	struct toy_cert *tc;
	size_t len;

	if (!t->share || digest(t->sha256, &der, 1, hash, &len) != OK)
		return NULL;
	HASH_FIND(hh, t->shared, hash, CERT_HASH_LEN, tc);
	return tc != NULL && (tc->checked || !check) ? cert_ref(&tc->cert)
						     : NULL;
}

static void share(struct toy *t, struct toy_cert *tc, bool checked)
{
	struct toy_cert *old;

	if (!t->share)
		return;
	tc->checked = checked;
	HASH_FIND(hh, t->shared, tc->cert.hash, CERT_HASH_LEN, old);
	if (old != NULL)
		HASH_DEL(t->shared, old);
	HASH_ADD(hh, t->shared, cert.hash, CERT_HASH_LEN, tc);
}

static enum err cert_make(struct toy *t, struct slice der, bool check,
			  struct cert **out, struct why *why)
{
	if ((*out = find_shared(t, der, check)) != NULL)
		return OK;
	struct toy_cert *tc = calloc(1, sizeof(*tc) + der.len);
	uint8_t hash[HASH_LEN_MAX];
	enum toy_issuer issuer;
	struct slice tag;
	size_t len;
	enum err r;

	if (tc == NULL)
		return ERR_NOMEM;
	if (der.len != 0)
		memcpy(tc->der, der.p, der.len);
	tc->cert.der = slice_of(tc->der, der.len);
	tc->cert.refs = 1;
	tc->cert.key = tc->key;
	if ((r = digest(t->sha256, &tc->cert.der, 1, hash, &len)) != OK)
		goto out;
	memcpy(tc->cert.hash, hash, CERT_HASH_LEN);
	if ((r = parse(tc, &issuer, &tag)) != OK) {
		r = why_err(why, r, "not a toy certificate");
		goto out;
	}
	if (issuer == TOY_MIDDLE) {
		tc->cert.chain = &toy_middle;
		tc->cert.n_chain = 1;
	}
	if (check && (r = check_issuer(t, tc, issuer, tag, why)) != OK)
		goto out;
	share(t, tc, check);
	*out = &tc->cert;
	tc = NULL;
out:
	free(tc);
	return r;
}

static void toy_cert_unref(void *ctx, struct cert *c)
{
	struct toy_cert *tc = (struct toy_cert *)c; /* its first member */
	struct toy_cert *same = NULL;
	struct toy *t = ctx;

	if (c == NULL || --c->refs > 0)
		return;
	HASH_FIND(hh, t->shared, c->hash, CERT_HASH_LEN, same);
	if (same == tc)
		HASH_DEL(t->shared, tc);
	free(tc);
}

/* Is the intermediate there for those who need it? */
static bool chain_there(const struct cert *c, const struct slice *others,
			size_t n_others)
{
	for (size_t i = 0; i < n_others; i++)
		if (slice_eq(others[i], toy_middle))
			return true;
	return c->n_chain == 0;
}

static enum err toy_cert_open(void *ctx, struct slice der,
			      const struct slice *others, size_t n_others,
			      struct cert **out, struct why *why)
{
	struct cert *c;
	enum err r = cert_make(ctx, der, true, &c, why);

	if (r != OK)
		return r;
	if (!chain_there(c, others, n_others)) {
		toy_cert_unref(ctx, c);
		return why_err(why, ERR_CERT, "the intermediate is not there");
	}
	*out = c;
	return OK;
}

static enum err toy_verify(void *ctx, const struct cert *c, uint8_t hash,
			   uint8_t sig, struct slice input, struct slice value)
{
	struct toy *t = ctx;
	uint8_t tag[TAG_LEN];
	enum err r;

	t->n_verified++;
	if (hash != HASH_SHA256 || sig != SIGNATURE_ECDSA)
		return ERR_ALGORITHM;
	if ((r = keyed(t, slice_of(c->key, KEY_LEN), input, tag)) != OK)
		return r;
	return slice_eq(value, slice_of(tag, TAG_LEN)) ? OK : ERR_SIGNATURE;
}

static enum err toy_sign(void *ctx, const struct signer *s, struct slice input,
			 struct buf *value)
{
	struct toy *t = ctx;
	uint8_t tag[TAG_LEN];
	enum err r;

	t->n_signed++;
	if ((r = keyed(t, slice_of(s->key, KEY_LEN), input, tag)) != OK)
		return r;
	return buf_append(value, tag, TAG_LEN);
}

enum err toy_init(struct toy *t)
{
	*t = (struct toy){ 0 };
	t->crypto = (struct crypto){ .ctx = t,
				     .hash = toy_hash,
				     .cert_open = toy_cert_open,
				     .cert_unref = toy_cert_unref,
				     .verify = toy_verify,
				     .sign = toy_sign };
	t->sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
	t->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (t->sha1 == NULL || t->sha256 == NULL) {
		toy_clear(t);
		return ERR_NOMEM;
	}
	return OK;
}

void toy_clear(struct toy *t)
{
	EVP_MD_free(t->sha1);
	EVP_MD_free(t->sha256);
	t->sha1 = t->sha256 = NULL;
}

enum err toy_signer_init(struct toy *t, const struct toy_spec *spec,
			 struct signer *out)
{
	struct buf der = BUF_INIT(CERT_BYTES_MAX);
	struct cert *c = NULL;
	enum err r;

	if ((r = toy_issue(t, spec, &der)) != OK ||
	    (r = cert_make(t, buf_slice(&der), false, &c, NULL)) != OK)
		goto out;
	*out = (struct signer){ .cert = c,
				.node_id = c->node_ids[0],
				.chain = c->chain,
				.n_chain = c->n_chain,
				.hash = HASH_SHA256,
				.sig = SIGNATURE_ECDSA,
				.key = c->key };
out:
	buf_clear(&der);
	return r;
}

void toy_signer_clear(struct toy *t, struct signer *s)
{
	t->crypto.cert_unref(t, s->cert);
	*s = (struct signer){ 0 };
}
