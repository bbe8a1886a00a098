/* SPDX-License-Identifier: ISC */
/* The list of all codecs, for tests, fuzzing and printing by name. */
#include "wire/attach.h"
#include "wire/data.h"
#include "wire/frame.h"
#include "wire/message.h"
#include "wire/sip.h"

const struct wire_type *const wire_types[] = {
#define WIRE_TYPE(type) &wire_type_##type,
#include "wire/tbl/types.def"
#undef WIRE_TYPE
	NULL
};

const struct wire_type *wire_type_find(const char *name)
{
	for (size_t i = 0; wire_types[i] != NULL; i++)
		if (strcmp(wire_types[i]->name, name) == 0)
			return wire_types[i];
	return NULL;
}
