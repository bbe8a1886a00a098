/* SPDX-License-Identifier: ISC */
/* Owns: the numbers of domains.  Does not own: what proves a domain
 * (net/tls_client.c). */
#include "sip/servername.h"

#include <stdlib.h>

#include "core/table.h"
#include "sip/sipfield.h"

struct name {
	UT_hash_handle hh_text; /* the one that was asked longest ago first */
	UT_hash_handle hh;
	uint32_t number;
	size_t len;
	char text[]; /* in lower case */
};

struct servername_table {
	struct name *by_text, *by_number;
	uint32_t last;
};

static void drop(struct servername_table *t, struct name *n)
{
	HASH_DELETE(hh_text, t->by_text, n);
	if (n->hh.tbl != NULL)
		HASH_DEL(t->by_number, n);
	free(n);
}

static struct name *add(struct servername_table *t, struct slice text)
{
	struct name *n = calloc(1, sizeof(*n) + text.len + 1);

	if (n == NULL)
		return NULL;
	if (++t->last == 0)
		++t->last;
	n->number = t->last;
	n->len = text.len;
	memcpy(n->text, text.p, text.len);
	HASH_ADD_KEYPTR(hh_text, t->by_text, n->text, n->len, n);
	if (n->hh_text.tbl == NULL) {
		free(n);
		return NULL;
	}
	HASH_ADD(hh, t->by_number, number, sizeof(n->number), n);
	if (n->hh.tbl != NULL)
		return n;
	drop(t, n);
	return NULL;
}

/* It is the last one to go now. */
static bool renew(struct servername_table *t, struct name *n)
{
	HASH_DELETE(hh_text, t->by_text, n);
	HASH_ADD_KEYPTR(hh_text, t->by_text, n->text, n->len, n);
	if (n->hh_text.tbl != NULL)
		return true;
	HASH_DEL(t->by_number, n);
	free(n);
	return false;
}

uint32_t servername_add(struct servername_table *t, const char *name)
{
	struct buf text = BUF_INIT(256);
	uint32_t number = 0;
	struct name *n;

	if (sipfield_lower(&text, slice_str(name)) != OK)
		goto out;
	HASH_FIND(hh_text, t->by_text, text.p, text.len, n);
	if (n != NULL) {
		number = renew(t, n) ? n->number : 0;
		goto out;
	}
	if (HASH_CNT(hh_text, t->by_text) >= SERVERNAME_MAX)
		drop(t, t->by_text);
	if ((n = add(t, buf_slice(&text))) != NULL)
		number = n->number;
out:
	buf_clear(&text);
	return number;
}

const char *servername_find(const struct servername_table *t, uint32_t number)
{
	const struct name *n;

	HASH_FIND(hh, t->by_number, &number, sizeof(number), n);
	return n == NULL ? NULL : n->text;
}

enum err servername_table_new(struct servername_table **out)
{
	return (*out = calloc(1, sizeof(**out))) == NULL ? ERR_NOMEM : OK;
}

void servername_table_free(struct servername_table *t)
{
	if (t == NULL)
		return;
	while (t->by_text != NULL)
		drop(t, t->by_text);
	free(t);
}
