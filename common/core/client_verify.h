/* SPDX-License-Identifier: ISC */
#ifndef CORE_CLIENT_VERIFY_H
#define CORE_CLIENT_VERIFY_H

#include "core/node.h"

/*
 * Decodes a FetchAns into n->arena and discards every value that does not
 * verify, whose signer may not write there, or that was not asked for (no
 * specifiers: that does not matter); fills in res->signers and, where something
 * was discarded, res->partial.  Errors as from a decoder.
 */
enum err client_verify_fetch(struct node *n, const struct node_id *resource,
			     const struct stored_data_specifier *asked,
			     size_t n_asked, struct slice body,
			     struct fetch_ans *ans,
			     struct result *res) MUST_CHECK;

#endif
