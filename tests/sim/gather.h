/* SPDX-License-Identifier: ISC */
#ifndef SIM_GATHER_H
#define SIM_GATHER_H

#include "base/arena.h"
#include "wire/message.h"

/* Fragments that leave one end of a connection, for those who look on. */

struct gather;

/*
 * Takes in what may be a fragment.  True when it completes a message, once for
 * each: `m` is the whole, in the arena.
 */
bool gather_add(struct gather **list, const struct packet *p, struct arena *a,
		const struct wire_env *env, struct message *m);
void gather_clear(struct gather **list);

#endif
