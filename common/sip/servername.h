/* SPDX-License-Identifier: ISC */
#ifndef SIP_SERVERNAME_H
#define SIP_SERVERNAME_H

#include "base/err.h"

/* The domains for whom servers are asked by TLS, by number: the name that a
 * server has to prove goes with the flow that leads there, RFC 5922 s7.3. */

enum {
	SERVERNAME_MAX = 4096
}; /* then the one that was asked longest ago goes */

struct servername_table;

enum err servername_table_new(struct servername_table **out) MUST_CHECK;
/* Its number, the same for the same name as long as it is there; 0 without
 * memory. */
uint32_t servername_add(struct servername_table *t, const char *name);
/* NULL when there is none any more; borrowed until the next servername_add().
 */
const char *servername_find(const struct servername_table *t, uint32_t number);
void servername_table_free(struct servername_table *t); /* NULL is fine */

#endif
