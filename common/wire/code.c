/* SPDX-License-Identifier: ISC */
/* The names of codes, for printing.  RFC 6940 s14. */
#include "wire/code.h"

#include <stddef.h>

const char *code_name(enum code_set set, uint32_t value)
{
	static const struct {
		enum code_set set;
		uint32_t value;
		const char *text;
	} table[] = {
#define CODE(set_, name_, value_, text_) { CODE_##set_, value_, text_ },
#include "wire/tbl/code.def"
#undef CODE
#define MESSAGE(name_, code_, text_, body_) { CODE_MESSAGE, code_, text_ },
#include "wire/tbl/message.def"
#undef MESSAGE
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].set == set && table[i].value == value)
			return table[i].text;
	return NULL;
}
