# SPDX-License-Identifier: ISC
# Tests: unit programs (cmocka), vectors, fuzz corpora, the simulator, bats.
#
# `make check` runs all; `make check TESTS=tests/unit/buf` one of them, with its
# output in tests/unit/buf.log.  tests/harness/driver counts the tests inside each.

# Programs of the tests may use every library; --as-needed drops what they do not.
LDADD = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(XML_LIBS) $(SQLITE_LIBS) \
	$(JANSSON_LIBS) $(CURL_LIBS) $(CARES_LIBS) $(MHD_LIBS) $(LIBBSD_LIBS) \
	$(CMOCKA_LIBS)

TEST_EXTENSIONS = .bats .seeds
LOG_DRIVER = $(top_srcdir)/tests/harness/driver
AM_LOG_DRIVER_FLAGS = --sanitized $(SANITIZED)
BATS_LOG_DRIVER = $(top_srcdir)/tests/harness/driver
AM_BATS_LOG_DRIVER_FLAGS = --sanitized $(SANITIZED)
SEEDS_LOG_DRIVER = $(top_srcdir)/tests/harness/driver
AM_SEEDS_LOG_DRIVER_FLAGS = --sanitized $(SANITIZED)
SEEDS_LOG_COMPILER = tests/sim/sim
BATS_LOG_COMPILER = $(BATS)
AM_BATS_LOG_FLAGS = --tap --print-output-on-failure
# Tests find their data through these two.
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir;

# unit: tests/unit/test_NAME.c, one program a module.  A line here is all it needs.
unit_tests = \
	tests/unit/test_access \
	tests/unit/test_aor \
	tests/unit/test_app_attach \
	tests/unit/test_base_err \
	tests/unit/test_base_heap \
	tests/unit/test_base_id \
	tests/unit/test_base_memory \
	tests/unit/test_base_text \
	tests/unit/test_client \
	tests/unit/test_client_data \
	tests/unit/test_compiled \
	tests/unit/test_conf_accounts \
	tests/unit/test_conf_document \
	tests/unit/test_conf_home \
	tests/unit/test_conf_kind \
	tests/unit/test_conf_trust \
	tests/unit/test_conf_xml \
	tests/unit/test_config_update \
	tests/unit/test_crypto_cert \
	tests/unit/test_crypto_key \
	tests/unit/test_dial \
	tests/unit/test_driver \
	tests/unit/test_driver_node \
	tests/unit/test_dtls \
	tests/unit/test_finger \
	tests/unit/test_frag \
	tests/unit/test_hostile \
	tests/unit/test_join \
	tests/unit/test_link \
	tests/unit/test_node \
	tests/unit/test_node_memory \
	tests/unit/test_overlay \
	tests/unit/test_refused \
	tests/unit/test_replica \
	tests/unit/test_request \
	tests/unit/test_ring \
	tests/unit/test_route \
	tests/unit/test_sip_bindfile \
	tests/unit/test_sip_binding \
	tests/unit/test_sip_digest \
	tests/unit/test_sip_field \
	tests/unit/test_sip_flood \
	tests/unit/test_sip_locate \
	tests/unit/test_sip_msg \
	tests/unit/test_sip_proxy \
	tests/unit/test_sip_registrar \
	tests/unit/test_sip_registrar_users \
	tests/unit/test_sip_torture \
	tests/unit/test_sip_peerroute \
	tests/unit/test_sip_servername \
	tests/unit/test_sip_stream \
	tests/unit/test_sip_transaction \
	tests/unit/test_sr \
	tests/unit/test_sr_rate \
	tests/unit/test_storage \
	tests/unit/test_storage_memory \
	tests/unit/test_storage_recent \
	tests/unit/test_storage_sqlite \
	tests/unit/test_store \
	tests/unit/test_store_audit \
	tests/unit/test_store_fetch \
	tests/unit/test_store_ring \
	tests/unit/test_store_several \
	tests/unit/test_tls \
	tests/unit/test_txn \
	tests/unit/test_turn \
	tests/unit/test_update \
	tests/unit/test_wire_cursor \
	tests/unit/test_wire_kind \
	tests/unit/test_wire_message \
	tests/unit/test_wire_vectors
desk = tests/unit/desk.c tests/unit/desk.h
# Tests of the core share a stage: peers and a rogue.
scene = tests/unit/scene.c tests/unit/scene.h
EXTRA_DIST += tests/unit/pki.h tests/unit/sip_text.h tests/unit/unit.h \
	tests/vectors
tests_unit_test_dtls_SOURCES = tests/unit/test_dtls.c \
	tests/unit/rig.c tests/unit/rig.h
tests_unit_test_storage_SOURCES = tests/unit/test_storage.c \
	tests/unit/engines.c tests/unit/engines.h
tests_unit_test_access_LDADD = $(sim_ldadd)
tests_unit_test_client_data_LDADD = $(sim_ldadd)
tests_unit_test_store_audit_SOURCES = tests/unit/test_store_audit.c \
	tests/unit/storer.c tests/unit/storer.h
tests_unit_test_store_audit_LDADD = $(sim_ldadd)
tests_unit_test_store_fetch_SOURCES = tests/unit/test_store_fetch.c \
	tests/unit/storer.c tests/unit/storer.h
tests_unit_test_store_fetch_LDADD = $(sim_ldadd)
tests_unit_test_store_ring_LDADD = $(sim_ldadd)
tests_unit_test_store_several_SOURCES = tests/unit/test_store_several.c \
	tests/unit/storer.c tests/unit/storer.h
tests_unit_test_store_several_LDADD = $(sim_ldadd)
tests_unit_test_store_SOURCES = tests/unit/test_store.c \
	tests/unit/storer.c tests/unit/storer.h
tests_unit_test_store_LDADD = $(sim_ldadd)
tests_unit_test_storage_memory_SOURCES = tests/unit/test_storage_memory.c \
	tests/unit/engines.c tests/unit/engines.h \
	tests/unit/scarce.c tests/unit/scarce.h
tests_unit_test_storage_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=reallocarray
tests_unit_test_storage_recent_SOURCES = tests/unit/test_storage_recent.c \
	tests/unit/engines.c tests/unit/engines.h \
	tests/unit/scarce.c tests/unit/scarce.h
tests_unit_test_storage_recent_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=reallocarray
tests_unit_test_storage_sqlite_SOURCES = tests/unit/test_storage_sqlite.c \
	tests/unit/engines.c tests/unit/engines.h
tests_unit_test_conf_document_SOURCES = tests/unit/test_conf_document.c \
	tests/unit/conf_fixture.c tests/unit/conf_fixture.h
tests_unit_test_conf_kind_SOURCES = tests/unit/test_conf_kind.c \
	tests/unit/conf_fixture.c tests/unit/conf_fixture.h
tests_unit_test_conf_trust_SOURCES = tests/unit/test_conf_trust.c \
	tests/unit/conf_fixture.c tests/unit/conf_fixture.h
tests_unit_test_conf_xml_SOURCES = tests/unit/test_conf_xml.c \
	tests/unit/conf_fixture.c tests/unit/conf_fixture.h
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c \
	tests/unit/rig.c tests/unit/rig.h
tests_unit_test_wire_vectors_SOURCES = tests/unit/test_wire_vectors.c \
	tests/unit/vector.c tests/unit/vector.h
tests_unit_test_hostile_SOURCES = tests/unit/test_hostile.c $(scene)
tests_unit_test_hostile_LDADD = $(sim_ldadd)
tests_unit_test_refused_SOURCES = tests/unit/test_refused.c $(scene)
tests_unit_test_refused_LDADD = $(sim_ldadd)
tests_unit_test_join_SOURCES = tests/unit/test_join.c $(scene)
tests_unit_test_join_LDADD = $(sim_ldadd)
tests_unit_test_update_SOURCES = tests/unit/test_update.c $(scene)
tests_unit_test_update_LDADD = $(sim_ldadd)
tests_unit_test_link_SOURCES = tests/unit/test_link.c $(scene)
tests_unit_test_link_LDADD = $(sim_ldadd)
tests_unit_test_sip_registrar_SOURCES = tests/unit/test_sip_registrar.c $(desk)
tests_unit_test_sip_registrar_users_SOURCES = \
	tests/unit/test_sip_registrar_users.c $(desk)
tests_unit_test_sr_SOURCES = tests/unit/test_sr.c \
	tests/unit/line.c tests/unit/line.h
tests_unit_test_sr_LDADD = $(sim_ldadd)
tests_unit_test_sr_rate_SOURCES = tests/unit/test_sr_rate.c \
	tests/unit/line.c tests/unit/line.h
tests_unit_test_sr_rate_LDADD = $(sim_ldadd)
tests_unit_test_route_SOURCES = tests/unit/test_route.c $(scene)
tests_unit_test_replica_LDADD = $(sim_ldadd)
tests_unit_test_ring_LDADD = $(sim_ldadd)
tests_unit_test_route_LDADD = $(sim_ldadd)
tests_unit_test_finger_SOURCES = tests/unit/test_finger.c $(scene)
tests_unit_test_finger_LDADD = $(sim_ldadd)
tests_unit_test_frag_SOURCES = tests/unit/test_frag.c $(scene)
tests_unit_test_frag_LDADD = $(sim_ldadd)
tests_unit_test_txn_SOURCES = tests/unit/test_txn.c $(scene)
tests_unit_test_txn_LDADD = $(sim_ldadd)
tests_unit_test_request_SOURCES = tests/unit/test_request.c $(scene)
tests_unit_test_request_LDADD = $(sim_ldadd)
tests_unit_test_app_attach_SOURCES = tests/unit/test_app_attach.c $(scene)
tests_unit_test_app_attach_LDADD = $(sim_ldadd)
tests_unit_test_dial_SOURCES = tests/unit/test_dial.c $(scene)
tests_unit_test_dial_LDADD = $(sim_ldadd)
tests_unit_test_config_update_SOURCES = tests/unit/test_config_update.c $(scene)
tests_unit_test_config_update_LDADD = $(sim_ldadd)
tests_unit_test_client_SOURCES = tests/unit/test_client.c $(scene)
tests_unit_test_client_LDADD = $(sim_ldadd)
tests_unit_test_node_SOURCES = tests/unit/test_node.c $(scene)
tests_unit_test_node_LDADD = $(sim_ldadd)
tests_unit_test_node_memory_SOURCES = tests/unit/test_node_memory.c $(scene)
tests_unit_test_node_memory_LDADD = $(sim_ldadd)
tests_unit_test_node_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc \
	-Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=reallocarray
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
else
TESTS += tests/harness/no-cmocka
endif

# oracle: tests/check-vectors DIR..., over vectors of other implementations
noinst_PROGRAMS += tests/check-vectors
tests_check_vectors_SOURCES = \
	tests/oracle/json.c \
	tests/oracle/json.h \
	tests/oracle/leaf.c \
	tests/oracle/leaf.h \
	tests/oracle/main.c \
	tests/oracle/sign.c \
	tests/oracle/sign.h

# fuzz: tests/fuzz/NAME.c defines LLVMFuzzerTestOneInput.  In an ordinary build
# replay.c runs it over the files of corpus/NAME; with --enable-fuzzing it is a
# libFuzzer program (make check-fuzz).  Each needs its two lines below.
fuzz_targets = \
	tests/fuzz/conf \
	tests/fuzz/node \
	tests/fuzz/proxy \
	tests/fuzz/sip \
	tests/fuzz/wire
if FUZZING
fuzz_main =
else
fuzz_main = tests/fuzz/replay.c
TESTS += $(fuzz_targets)
endif
check_PROGRAMS += $(fuzz_targets)
tests_fuzz_conf_SOURCES = tests/fuzz/conf.c $(fuzz_main)
tests_fuzz_conf_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_node_SOURCES = tests/fuzz/node.c $(fuzz_main)
tests_fuzz_node_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_node_LDADD = $(sim_ldadd)
tests_fuzz_proxy_SOURCES = tests/fuzz/proxy.c $(fuzz_main)
tests_fuzz_proxy_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_sip_SOURCES = tests/fuzz/sip.c $(fuzz_main)
tests_fuzz_sip_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
tests_fuzz_wire_SOURCES = tests/fuzz/wire.c tests/unit/vector.c \
	tests/unit/vector.h $(fuzz_main)
tests_fuzz_wire_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)

# sim: many nodes, virtual time.  A unit test that needs a world or a rogue includes
# "../sim/rogue.h" and has tests_unit_NAME_LDADD = $(sim_ldadd).
sim_ldadd = tests/sim/libsim.a $(LDADD)
check_LIBRARIES = tests/sim/libsim.a
tests_sim_libsim_a_SOURCES = \
	tests/sim/audit.c \
	tests/sim/audit.h \
	tests/sim/brief.c \
	tests/sim/brief.h \
	tests/sim/check.c \
	tests/sim/check.h \
	tests/sim/check_body.c \
	tests/sim/check_maps.h \
	tests/sim/diary.c \
	tests/sim/diary.h \
	tests/sim/draft.c \
	tests/sim/gather.c \
	tests/sim/gather.h \
	tests/sim/host.c \
	tests/sim/inside.c \
	tests/sim/lay.c \
	tests/sim/lay.h \
	tests/sim/net.c \
	tests/sim/net.h \
	tests/sim/outcome.c \
	tests/sim/reads.c \
	tests/sim/reads.h \
	tests/sim/rogue.c \
	tests/sim/rogue.h \
	tests/sim/stage.c \
	tests/sim/stage.h \
	tests/sim/stream.c \
	tests/sim/stream.h \
	tests/sim/toy.c \
	tests/sim/toy.h \
	tests/sim/truth.c \
	tests/sim/truth.h \
	tests/sim/world.c \
	tests/sim/world.h

sim_programs = \
	tests/sim/scale \
	tests/sim/test_oracles \
	tests/sim/test_world \
	tests/sim/trace_change \
	tests/sim/trace_full \
	tests/sim/trace_loss \
	tests/sim/trace_split
if HAVE_CMOCKA
check_PROGRAMS += $(sim_programs)
TESTS += $(sim_programs)
endif
# 237 seeds, in parts that run side by side.
sim_seeds = \
	tests/sim/seeds/a.seeds \
	tests/sim/seeds/b.seeds \
	tests/sim/seeds/c.seeds \
	tests/sim/seeds/d.seeds \
	tests/sim/seeds/e.seeds \
	tests/sim/seeds/f.seeds \
	tests/sim/seeds/g.seeds \
	tests/sim/seeds/h.seeds \
	tests/sim/seeds/i.seeds \
	tests/sim/seeds/j.seeds
check_PROGRAMS += tests/sim/sim
TESTS += $(sim_seeds)
EXTRA_DIST += $(sim_seeds)
sim_storm = \
	tests/sim/acts.h \
	tests/sim/chaos.c \
	tests/sim/chaos.h \
	tests/sim/crowd.c \
	tests/sim/trouble.c \
	tests/sim/villain.c \
	tests/sim/work.c
tests_sim_sim_SOURCES = tests/sim/main.c $(sim_storm)
tests_sim_test_oracles_SOURCES = tests/sim/test_oracles.c $(sim_storm)
tests_sim_scale_LDADD = $(sim_ldadd)
tests_sim_sim_LDADD = $(sim_ldadd)
tests_sim_test_oracles_LDADD = $(sim_ldadd)
tests_sim_test_world_LDADD = $(sim_ldadd)
tests_sim_trace_change_LDADD = $(sim_ldadd)
tests_sim_trace_full_LDADD = $(sim_ldadd)
tests_sim_trace_loss_LDADD = $(sim_ldadd)
tests_sim_trace_split_LDADD = $(sim_ldadd)

# bench: what `make bench` runs; nothing here is a test.
bench_programs = \
	tests/bench/bare \
	tests/bench/codec \
	tests/bench/fill \
	tests/bench/pairs \
	tests/bench/resident
check_PROGRAMS += $(bench_programs)
tests_bench_bare_LDADD = $(SSL_LIBS)
# Preloaded: not linked with anything of ours.
EXTRA_DIST += tests/bench/count.c
CLEANFILES += tests/bench/count.so
tests/bench/count.so: tests/bench/count.c
	$(AM_V_CC)$(CC) $(SSL_CFLAGS) $(CFLAGS) -shared -fPIC -o $@ \
		$(top_srcdir)/tests/bench/count.c -ldl
if HAVE_CMOCKA
bench_programs += tests/bench/links
endif

# cli: whole tools, run by bats
bats_tests = \
	tests/cli/chain.bats \
	tests/cli/churn.bats \
	tests/cli/config.bats \
	tests/cli/damage.bats \
	tests/cli/disk.bats \
	tests/cli/docs.bats \
	tests/cli/durable.bats \
	tests/cli/enroll.bats \
	tests/cli/helpers.bats \
	tests/cli/hostile.bats \
	tests/cli/install.bats \
	tests/cli/join.bats \
	tests/cli/join_ring.bats \
	tests/cli/kill.bats \
	tests/cli/link.bats \
	tests/cli/overlay.bats \
	tests/cli/outside.bats \
	tests/cli/peer.bats \
	tests/cli/phones.bats \
	tests/cli/renew.bats \
	tests/cli/selfsigned.bats \
	tests/cli/sip.bats \
	tests/cli/sipring.bats \
	tests/cli/status.bats \
	tests/cli/tools.bats \
	tests/cli/weather.bats \
	tests/cli/wireshark.bats
TESTS += $(bats_tests) tests/cli/over-dtls
check_PROGRAMS += tests/cli/bad-network tests/cli/dns-server tests/cli/peersay \
	tests/cli/pump

TESTS += tests/conformance/selftest tests/harness/selftest tests/oracle/others \
	tests/oracle/selftest

EXTRA_DIST += tests/bench/first-call tests/bench/kamailio.cfg \
	tests/bench/register.xml tests/bench/run tests/bench/sip \
	tests/bench/sip.md tests/bench/stores.md tests/demo.sh \
	tests/requirements.txt tests/ring.bash \
	tests/sim/plot-scale tests/sim/scale.md tests/sim/scale.svg \
	tests/sim/scale.tsv \
	$(bats_tests) tests/cli/capture tests/cli/capture-sip tests/cli/helpers.bash tests/cli/over-dtls \
	tests/cli/answer.xml tests/cli/call.xml tests/cli/cancel.xml \
	tests/cli/register-only.xml tests/cli/register.xml tests/cli/ring.xml \
	tests/cli/unavailable.xml \
	tests/cli/ring_helpers.bash tests/cli/sip-ask tests/cli/sip-calls \
	tests/cli/sip-flood tests/cli/sip-hostile tests/cli/sip-legal tests/cli/sip-outside \
	tests/cli/sip-ring tests/cli/sip-strangers tests/cli/sip_helpers.bash tests/cli/sip_phone.py \
	tests/cli/sip-slow tests/cli/sip-torture tests/cli/trial tests/conformance tests/harness \
	tests/lint tests/fuzz/corpus tests/oracle/others \
	tests/oracle/examples tests/oracle/selftest

# Makes sure that a tree built for a plain `make` also builds what the tests need.
# One after the other: `all` is a make of its own, and both make the libraries.
build-tests: all
	$(MAKE) $(check_PROGRAMS)

# make check under ASan and UBSan, in a build folder of its own.
check-sanitize:
	$(MKDIR_P) sanitize
	test sanitize/config.status -nt config.status || (cd sanitize && \
		$(abs_top_srcdir)/configure -q --enable-werror --enable-sanitizers \
			CC='$(CC)' CFLAGS='-g -O1')
	$(MAKE) -C sanitize check

# make check-long: what `check` does for a while, for longer.
check-long:
	$(MAKE) check TESTS=tests/cli/kill.bats KILLS=100 TEST_TIMEOUT=3600

# All that runs a ring, once more in an overlay whose links are DTLS.
check-dtls: build-tests
	RING_LINK=dtls $(MAKE) check TESTS="$$(cd $(top_srcdir) && \
		grep -lE 'load ring_helpers|/capture' tests/cli/*.bats | tr '\n' ' ')"

# make check-fuzz TARGET=wire TIME=60: libFuzzer over one target.  What it finds
# that is new stays in fuzz/corpus; a crash is written to fuzz/.
TARGET = wire
TIME = 60
check-fuzz:
	$(MKDIR_P) fuzz/corpus/$(TARGET)
	test fuzz/config.status -nt config.status || (cd fuzz && \
		$(abs_top_srcdir)/configure -q --enable-sanitizers --enable-fuzzing \
			CC=clang CFLAGS='-g -O1')
	$(MAKE) -C fuzz tests/fuzz/$(TARGET)
	cd fuzz && tests/fuzz/$(TARGET) -max_total_time=$(TIME) \
		-artifact_prefix=$(TARGET)- corpus/$(TARGET) \
		$(abs_top_srcdir)/tests/fuzz/corpus/$(TARGET)

# make check-sim SEED=1 NODES=50: one simulation, repeatable.  From 1000 nodes on a
# large ring without faults is measured; its memory in large pages saves time.
SEED = 1
NODES = 50
check-sim: build-tests
	if [ $(NODES) -lt 1000 ]; then \
		tests/sim/sim --seed $(SEED) --nodes $(NODES); \
	else \
		GLIBC_TUNABLES=glibc.malloc.hugetlb=1 \
			tests/sim/scale --seed $(SEED) --nodes $(NODES); \
	fi

lint: build-tests
	BATS='$(BATS)' $(top_srcdir)/tests/lint/run '$(abs_top_builddir)'

# Prints JSON; a measurement, not a test.
bench: build-tests tests/bench/count.so
	$(top_srcdir)/tests/bench/run '$(abs_top_builddir)'

conformance:
	$(top_srcdir)/tests/conformance/run

clean-local:
	rm -rf sanitize fuzz

.PHONY: build-tests check-sanitize check-dtls check-long check-fuzz check-sim lint bench conformance
