/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include "core/storage.h"

/* The engine behind `memory:`: all is gone when it is closed.  May be read in
 * one thread while another commits. */

/* ERR_NOMEM.  Filled in on success; close() frees. */
enum err memory_open(struct storage *out) MUST_CHECK;

#endif
