/* SPDX-License-Identifier: ISC */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "base/heap.h"
#include "core/node.h"

struct node;

/* Commands that ask the overlay: Store, Fetch, Stat, Find (client_data.c), Ping,
 * Probe, RouteQuery, the table, any request (client.c). */

struct clients; /* client.c */

/* Starts any command but START and LEAVE; its end is FX_DONE. */
enum err client_command(struct node *n, const struct command *c) MUST_CHECK;
/* client_data.c */
enum err client_data_command(struct node *n, const struct command *c) MUST_CHECK;

#endif
