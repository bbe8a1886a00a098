/* SPDX-License-Identifier: ISC */
#ifndef CONF_COMPILED_H
#define CONF_COMPILED_H

#include "core/overlay.h"

/*
 * The compiled form of a checked document: a struct overlay as bytes of our
 * own, so that tools start without XML.  It is trusted, because the home that
 * holds it is ours alone; still, bytes that are cut or of another version are
 * refused.
 */

/* Appends. ERR_NOMEM, ERR_LIMIT. */
enum err compiled_encode(struct buf *out, const struct overlay *o) MUST_CHECK;
/* Nothing in `*out` points into `in`.  ERR_CONFIG for anything that this
 * version has not written. */
enum err compiled_decode(struct overlay **out, struct slice in) MUST_CHECK;
/* A deep copy. */
enum err compiled_copy(struct overlay **out,
		       const struct overlay *o) MUST_CHECK;

#endif
