# SPDX-License-Identifier: ISC
# Tests: unit programs (cmocka), vectors, fuzz corpora, the simulator, bats.

# Tests find their data through these two.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir;

# unit: one program a module.  To add one: a line in unit_tests, and the three
# lines of its sources and libraries below.
if HAVE_CMOCKA
unit_tests = \
	tests/unit/test_base_id
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif

unit_ldadd = libp2psip.a $(CMOCKA_LIBS)

tests_unit_test_base_id_SOURCES = tests/unit/test_base_id.c tests/unit/unit.h
tests_unit_test_base_id_LDADD = $(unit_ldadd)
