/* SPDX-License-Identifier: ISC */
/*
 * Whole messages: header, contents and security block together, the bytes under
 * a message's signature, and which body a code has.  RFC 6940 s6.3.
 */
#include "wire/message.h"

#include "wire/attach.h"
#include "wire/data.h"

enum { LENGTH_AT = 16 }; /* offset of the length in the header */

const char *message_name(uint16_t code)
{
	return code_name(CODE_MESSAGE, code);
}

const struct wire_type *message_body_type(uint16_t code)
{
	switch (code) {
#define MESSAGE(name, code_, text, body)                                       \
	case code_:                                                            \
		return &wire_type_##body;
#include "wire/tbl/message.def"
#undef MESSAGE
	default:
		return NULL;
	}
}

/* A header that must announce `all` bytes, when decoding. */
static void header(struct wire *w, struct forwarding_header *v)
{
	size_t all = wire_left(w);

	wire_enter(w, "header");
	wire_forwarding_header(w, v);
	if (w->op == WIRE_DECODE && v->length != all)
		wire_fail(w, v->length > all ? ERR_SHORT : ERR_TRAILING,
			  "length");
	wire_leave(w);
}

/* Encoding: the length of all that was written since `start`. */
static void fill_in(struct wire *w, size_t start)
{
	size_t n = wire_offset(w) - start;

	if (n > UINT32_MAX)
		wire_fail(w, ERR_RANGE, "length");
	wire_patch32(w, start + LENGTH_AT, (uint32_t)n);
}

void wire_packet(struct wire *w, struct packet *v)
{
	size_t start = wire_offset(w);

	header(w, &v->header);
	wire_rest(w, "payload", &v->payload);
	fill_in(w, start);
}
WIRE_CODEC_DEFINE(packet);

/* All that follows the header. */
static void rest(struct wire *w, struct message *v)
{
	const uint8_t *mark = wire_mark(w);

	wire_enter(w, "contents");
	wire_message_contents(w, &v->contents);
	wire_leave(w);
	if (w->op == WIRE_DECODE)
		v->contents_bytes = wire_since(w, mark);
	wire_enter(w, "security");
	wire_security_block(w, &v->security);
	wire_leave(w);
	if (w->op == WIRE_DECODE)
		v->payload = wire_since(w, mark);
}

void wire_message(struct wire *w, struct message *v)
{
	size_t start = wire_offset(w);

	header(w, &v->header);
	if ((v->header.fragment & (FRAGMENT_WHOLE | FRAGMENT_OFFSET)) !=
	    FRAGMENT_WHOLE)
		wire_fail(w, ERR_RANGE, "header.fragment");
	rest(w, v);
	fill_in(w, start);
}
WIRE_CODEC_DEFINE(message);

static void payload(struct wire *w, void *p)
{
	rest(w, p);
}

enum err message_payload_decode(struct message *m, struct arena *a,
				const struct wire_env *env)
{
	static const struct wire_type type = { "payload",
					       sizeof(struct message),
					       payload };
	struct message v;
	enum err r;

	if ((r = wire_decode(&type, &v, m->payload, a, env)) != OK)
		return r;
	v.header = m->header;
	*m = v;
	return OK;
}

/* What message_assemble() puts together. */
struct assembly {
	struct forwarding_header header;
	struct slice contents;
	struct security_block security;
};

static void assembly(struct wire *w, void *p)
{
	size_t start = wire_offset(w);
	struct assembly *v = p;

	header(w, &v->header);
	wire_rest(w, "contents", &v->contents);
	wire_enter(w, "security");
	wire_security_block(w, &v->security);
	wire_leave(w);
	fill_in(w, start);
}

enum err message_assemble(const struct forwarding_header *h,
			  struct slice contents,
			  const struct security_block *security,
			  struct buf *out, const struct wire_env *env)
{
	static const struct wire_type type = { "message",
					       sizeof(struct assembly),
					       assembly };
	const struct assembly v = { *h, contents, *security };

	return wire_encode(&type, &v, out, env);
}

/* What a message's signature is over.  RFC 6940 s6.3.4. */
struct signed_message {
	uint32_t overlay;
	uint64_t transaction_id;
	struct slice contents;
	struct signer_identity who;
};

/* CHOICE: the SignerIdentity whole, with type and length. */
static void signed_message(struct wire *w, void *p)
{
	struct signed_message *v = p;

	wire_u32(w, "overlay", &v->overlay);
	wire_u64(w, "transaction_id", &v->transaction_id);
	wire_rest(w, "contents", &v->contents);
	wire_signer_identity(w, &v->who);
}

enum err message_tbs(struct buf *out, uint32_t overlay, uint64_t transaction_id,
		     struct slice contents, const struct signer_identity *who)
{
	static const struct wire_type type = { "signed_message",
					       sizeof(struct signed_message),
					       signed_message };
	const struct wire_env env = { 0 };
	const struct signed_message v = { overlay, transaction_id, contents,
					  *who };

	return wire_encode(&type, &v, out, &env);
}

/* A message with the body that its code names. */
struct deep {
	struct message m;
	const struct wire_type *type; /* NULL: the body does not decode */
	void *body;
};

static void deep(struct wire *w, void *p)
{
	struct message_extension *it;
	struct deep *v = p;

	header(w, &v->m.header);
	wire_enter(w, "contents");
	wire_code16(w, "message_code", CODE_MESSAGE,
		    &v->m.contents.message_code);
	if (v->type != NULL) {
		wire_enter(w, "message_body");
		v->type->codec(w, v->body);
		wire_leave(w);
	} else {
		wire_rest(w, "message_body", &v->m.contents.message_body);
	}
	WIRE_LIST (w, "extensions", 4, v->m.contents.extensions, it)
		wire_message_extension(w, it);
	wire_leave(w);
	wire_enter(w, "security");
	wire_security_block(w, &v->m.security);
	wire_leave(w);
}

enum err message_print_deep(const struct message *m, struct buf *out,
			    struct arena *a, const struct wire_env *env)
{
	static const struct wire_type type = { "message", sizeof(struct deep),
					       deep };
	struct deep v = { .m = *m };
	struct wire_env quiet = *env;

	quiet.where = NULL;
	v.type = message_body_type(m->contents.message_code);
	if (v.type != NULL) {
		if ((v.body = arena_zalloc(a, 1, v.type->size)) == NULL)
			return ERR_NOMEM;
		if (wire_decode(v.type, v.body, m->contents.message_body, a,
				&quiet) != OK)
			v.type = NULL;
	}
	return wire_print(&type, &v, out, env);
}
