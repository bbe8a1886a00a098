/* SPDX-License-Identifier: ISC */
/* Owns: how many allocations are left.  Does not own: what a test makes of it.
 */
#include "scarce.h"

#include <stdbool.h>
#include <stddef.h>

long allocations_left = -1;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static bool may(void)
{
	return allocations_left < 0 || allocations_left-- > 0;
}

void *__wrap_malloc(size_t size)
{
	return may() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
	return may() ? __real_calloc(n, size) : NULL;
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return may() ? __real_reallocarray(p, n, size) : NULL;
}
