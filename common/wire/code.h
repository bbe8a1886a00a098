/* SPDX-License-Identifier: ISC */
#ifndef WIRE_CODE_H
#define WIRE_CODE_H

#include <stdint.h>

/* The registries of tbl/code.def. */
enum code_set {
	CODE_DESTINATION,
	CODE_ADDRESS,
	CODE_OVERLAY_LINK,
	CODE_CAND,
	CODE_CERTIFICATE,
	CODE_HASH,
	CODE_SIGNATURE,
	CODE_SIGNER,
	CODE_PROBE,
	CODE_CONFIG_UPDATE,
	CODE_CHORD_UPDATE,
	CODE_CHORD_LEAVE,
	CODE_FRAME,
	CODE_SIP_REGISTRATION,
	CODE_APPLICATION,
	CODE_ERROR,
	CODE_MESSAGE, /* tbl/message.def */
	CODE_FORWARDING_OPTION,
	CODE_MESSAGE_EXTENSION
};

/* DESTINATION_NODE = 1, HASH_SHA256 = 4, and so on. */
enum {
#define CODE(set, name, value, text) set##_##name = value,
#include "wire/tbl/code.def"
#undef CODE
};

/* The text of a code, or NULL when it is not in the table. */
const char *code_name(enum code_set set, uint32_t value);

#endif
