/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_AUDIT_H
#define CORE_STORE_AUDIT_H

#include "core/store.h"

/* Looks through all that is stored for what the document in use does not allow
 * (any more) and drops it; once more when it is under way already. */
void store_audit_start(struct node *n);
/* For a TIMER_STORE that is not the purge's. */
void store_audit_timer(struct node *n);
void store_audit_clear(struct node *n);

#endif
