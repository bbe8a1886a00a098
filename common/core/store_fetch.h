/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_FETCH_H
#define CORE_STORE_FETCH_H

#include "core/store.h"

/* FetchReq and StatReq, RFC 6940 s7.4.2 and s7.4.3. */
void store_fetch_start_take(struct node *n, struct request *req, bool stat);

#endif
