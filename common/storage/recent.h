/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_RECENT_H
#define STORAGE_RECENT_H

#include "core/storage.h"

/*
 * In front of an engine: the slots that were looked at last, without their
 * values' data.  A Store looks at its whole slot before it writes there; where
 * one follows another, what the first has written need not be read back.
 * Durability is the engine's alone: every batch goes there.
 */

enum {
	RECENT_SLOTS_MAX = 128,
	RECENT_SLOT_BYTES_MAX = 8192 /* a larger slot is read each time */
};

/* `*s` is an engine, open, and is then one that remembers; its close() closes
 * both.  ERR_NOMEM: it is as it was. */
enum err recent_add(struct storage *s) MUST_CHECK;

#endif
