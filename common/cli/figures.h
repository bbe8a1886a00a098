/* SPDX-License-Identifier: ISC */
#ifndef CLI_FIGURES_H
#define CLI_FIGURES_H

#include "cli/phones.h"
#include "core/storage.h"
#include "net/driver.h"

/* What a daemon peer counts, as text: p2psip-peer(8), METRICS. */

struct figures {
	struct driver *driver;
	const struct storage *storage;
	const struct phones *phones;
};

/* Appends them.  ERR_NOMEM, ERR_LIMIT; those of the storage. */
enum err figures_write(const struct figures *f, struct buf *out) MUST_CHECK;

#endif
