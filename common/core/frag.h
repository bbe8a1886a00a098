/* SPDX-License-Identifier: ISC */
#ifndef CORE_FRAG_H
#define CORE_FRAG_H

#include "base/buf.h"
#include "base/heap.h"
#include "wire/header.h"

struct node;

/* Fragmentation and reassembly, RFC 6940 s6.7. */

struct reassemblies; /* frag.c */

#endif
