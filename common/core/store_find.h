/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_FIND_H
#define CORE_STORE_FIND_H

#include "core/store.h"

/* FindReq, RFC 6940 s7.4.4. */
void store_find_start_take(struct node *n, struct request *req);

#endif
