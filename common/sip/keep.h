/* SPDX-License-Identifier: ISC */
#ifndef SIP_KEEP_H
#define SIP_KEEP_H

#include "sip/registrar.h"
#include "sip/sipnet.h"

/* Keeps what is bound in a file, so that a peer that starts again reaches the
 * phones that it reached before. */

enum { KEEP_EVERY_S = 5 }; /* what was bound later may be lost */

struct keep;

struct keep_config {
	struct loop *loop;
	const char *path; /* of the file */
	struct registrar *registrar;
	const struct sipnet *net;
	const struct log_sink *log;
};

/* All that is pointed to is borrowed until keep_free(). */
enum err keep_new(struct keep **out, const struct keep_config *cfg) MUST_CHECK;
/* Binds what the life before had bound, in the overlay as well; the first time
 * only.  A file that cannot be read is one line in the log. */
void keep_restore(struct keep *k);
/* Writes the file once more, and not again. */
void keep_end(struct keep *k);
/* NULL is fine. */
void keep_free(struct keep *k);

#endif
