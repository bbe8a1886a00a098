# SPDX-License-Identifier: ISC
# The library: one static archive for each set of libraries that a tool may link.

noinst_LIBRARIES += libp2psip.a
libp2psip_a_SOURCES =

# base: no protocol, no system call but malloc's
libp2psip_a_SOURCES += \
	common/base/arena.c \
	common/base/arena.h \
	common/base/buf.c \
	common/base/buf.h \
	common/base/err.c \
	common/base/err.def \
	common/base/err.h \
	common/base/heap.c \
	common/base/heap.h \
	common/base/id.c \
	common/base/id.h \
	common/base/log.c \
	common/base/log.h \
	common/base/rng.c \
	common/base/rng.h \
	common/base/slice.h \
	common/base/text.c \
	common/base/text.h

# wire: bytes <-> structs
libp2psip_a_SOURCES += \
	common/wire/attach.c \
	common/wire/attach.h \
	common/wire/code.c \
	common/wire/code.h \
	common/wire/contents.c \
	common/wire/contents.h \
	common/wire/data.c \
	common/wire/data.h \
	common/wire/frame.c \
	common/wire/frame.h \
	common/wire/header.c \
	common/wire/header.h \
	common/wire/kind.c \
	common/wire/kind.h \
	common/wire/message.c \
	common/wire/message.h \
	common/wire/security.c \
	common/wire/security.h \
	common/wire/sip.c \
	common/wire/sip.h \
	common/wire/tbl/code.def \
	common/wire/tbl/kind.def \
	common/wire/tbl/message.def \
	common/wire/tbl/types.def \
	common/wire/topology.c \
	common/wire/topology.h \
	common/wire/types.c \
	common/wire/wire.c \
	common/wire/wire.h

# crypto: the only part that knows OpenSSL's libcrypto
libp2psip_a_SOURCES += \
	common/crypto/cert.c \
	common/crypto/cert.h \
	common/crypto/chain.c \
	common/crypto/chain.h \
	common/crypto/crypto.h \
	common/crypto/csr.c \
	common/crypto/csr.h \
	common/crypto/handle.h \
	common/crypto/hexhash.c \
	common/crypto/hexhash.h \
	common/crypto/issue.c \
	common/crypto/issue.h \
	common/crypto/key.c \
	common/crypto/key.h \
	common/crypto/openssl.c \
	common/crypto/openssl.h \
	common/crypto/password.c \
	common/crypto/password.h \
	common/crypto/pem.c \
	common/crypto/pem.h \
	common/crypto/signer.c \
	common/crypto/signer.h

# core: the protocol, pure
libp2psip_a_SOURCES += \
	common/core/access.c \
	common/core/access.h \
	common/core/admit.c \
	common/core/admit.h \
	common/core/aor.c \
	common/core/aor.h \
	common/core/app_attach.c \
	common/core/app_attach.h \
	common/core/bundle.c \
	common/core/bundle.h \
	common/core/candidate.c \
	common/core/candidate.h \
	common/core/certs.c \
	common/core/certs.h \
	common/core/client.c \
	common/core/client.h \
	common/core/client_data.c \
	common/core/client_verify.c \
	common/core/client_verify.h \
	common/core/config_update.c \
	common/core/config_update.h \
	common/core/copy.c \
	common/core/copy.h \
	common/core/dial.c \
	common/core/dial.h \
	common/core/finger.c \
	common/core/finger.h \
	common/core/frag.c \
	common/core/frag.h \
	common/core/join.c \
	common/core/join.h \
	common/core/leave.c \
	common/core/leave.h \
	common/core/limits.h \
	common/core/link.c \
	common/core/link.h \
	common/core/link_bytes.c \
	common/core/meet.c \
	common/core/meet.h \
	common/core/neighbor.c \
	common/core/neighbor.h \
	common/core/node.c \
	common/core/node.h \
	common/core/opaque.c \
	common/core/overlay.c \
	common/core/overlay.h \
	common/core/partition.c \
	common/core/partition.h \
	common/core/paths.c \
	common/core/paths.h \
	common/core/probe.c \
	common/core/probe.h \
	common/core/read.c \
	common/core/read.h \
	common/core/recall.c \
	common/core/recall.h \
	common/core/repair.c \
	common/core/repair.h \
	common/core/replica.c \
	common/core/replica.h \
	common/core/reply.c \
	common/core/reply.h \
	common/core/request.c \
	common/core/request.h \
	common/core/resync.c \
	common/core/resync.h \
	common/core/ring.c \
	common/core/ring.h \
	common/core/room.c \
	common/core/room.h \
	common/core/route.c \
	common/core/route.h \
	common/core/seal.c \
	common/core/seal.h \
	common/core/seen.c \
	common/core/seen.h \
	common/core/stabilize.h \
	common/core/sr.c \
	common/core/sr.h \
	common/core/state.h \
	common/core/storage.c \
	common/core/storage.h \
	common/core/store.c \
	common/core/store.h \
	common/core/store_audit.c \
	common/core/store_audit.h \
	common/core/store_batch.c \
	common/core/store_batch.h \
	common/core/store_fetch.c \
	common/core/store_fetch.h \
	common/core/store_find.c \
	common/core/store_find.h \
	common/core/store_judge.c \
	common/core/store_judge.h \
	common/core/store_put.c \
	common/core/store_put.h \
	common/core/suspect.c \
	common/core/suspect.h \
	common/core/sweep.c \
	common/core/sweep.h \
	common/core/table.h \
	common/core/tally.c \
	common/core/tally.h \
	common/core/txn.c \
	common/core/txn.h \
	common/core/update.c \
	common/core/update.h \
	common/core/way.c \
	common/core/way.h

# storage: implementations of core/storage.h
libp2psip_a_SOURCES += \
	common/storage/memory.c \
	common/storage/memory.h \
	common/storage/recent.c \
	common/storage/recent.h \
	common/storage/shelf.c \
	common/storage/shelf.h \
	common/storage/sqlite.c \
	common/storage/sqlite.h \
	common/storage/sqlite_db.c \
	common/storage/sqlite_db.h \
	common/storage/sqlite_file.c \
	common/storage/sqlite_file.h \
	common/storage/sqlite_reader.c \
	common/storage/sqlite_reader.h \
	common/storage/sqlite_writer.c \
	common/storage/sqlite_writer.h

# conf: documents, the home, accounts
libp2psip_a_SOURCES += \
	common/conf/accounts.c \
	common/conf/accounts.h \
	common/conf/address.c \
	common/conf/address.h \
	common/conf/blob.c \
	common/conf/blob.h \
	common/conf/compiled.c \
	common/conf/compiled.h \
	common/conf/file.c \
	common/conf/file.h \
	common/conf/home.c \
	common/conf/home.h \
	common/conf/overlay_write.c \
	common/conf/overlay_write.h \
	common/conf/overlay_xml.c \
	common/conf/overlay_xml.h \
	common/conf/xml_doc.c \
	common/conf/xml_doc.h \
	common/conf/xml_kind.c \
	common/conf/xml_kind.h \
	common/conf/xml_read.c \
	common/conf/xml_read.h \
	common/conf/xml_span.c \
	common/conf/xml_span.h

# The grammar of configuration documents, as an array of C.
EXTRA_DIST += common/conf/overlay.rng
CLEANFILES += common/conf/overlay_rng.inc
common/conf/xml_doc.$(OBJEXT): common/conf/overlay_rng.inc
common/conf/overlay_rng.inc: common/conf/overlay.rng
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	od -An -v -tx1 $(srcdir)/common/conf/overlay.rng | \
	sed 's/ \([0-9a-f][0-9a-f]\)/ 0x\1,/g' >$@.t && mv $@.t $@

# net: the event loop and what it drives
libp2psip_a_SOURCES += \
	common/net/anchor.c \
	common/net/anchor.h \
	common/net/commit.c \
	common/net/commit.h \
	common/net/dns.c \
	common/net/dns.h \
	common/net/dnsrecord.h \
	common/net/driver.c \
	common/net/driver.h \
	common/net/dtls.c \
	common/net/dtls.h \
	common/net/dtls_link.c \
	common/net/dtls_link.h \
	common/net/dtls_private.h \
	common/net/dtls_socket.c \
	common/net/enroll.c \
	common/net/enroll.h \
	common/net/enroll_server.c \
	common/net/enroll_server.h \
	common/net/httpd.c \
	common/net/httpd.h \
	common/net/icmp.c \
	common/net/icmp.h \
	common/net/inbox.c \
	common/net/inbox.h \
	common/net/loop.c \
	common/net/loop.h \
	common/net/metrics.c \
	common/net/metrics.h \
	common/net/notify.c \
	common/net/notify.h \
	common/net/publish.c \
	common/net/publish.h \
	common/net/resolve.c \
	common/net/resolve.h \
	common/net/sandbox.c \
	common/net/sandbox.h \
	common/net/sockaddr.c \
	common/net/sockaddr.h \
	common/net/tls.c \
	common/net/tls.h \
	common/net/tls_auth.c \
	common/net/tls_auth.h \
	common/net/tls_client.c \
	common/net/tls_client.h \
	common/net/tls_context.c \
	common/net/tls_context.h \
	common/net/tls_link.c \
	common/net/tls_link.h \
	common/net/tls_pipe.c \
	common/net/tls_pipe.h \
	common/net/tls_private.h \
	common/net/tls_server.c \
	common/net/tls_server.h \
	common/net/tls_wrap.c \
	common/net/tls_wrap.h \
	common/net/transport.c \
	common/net/transport.h \
	common/net/turn.c \
	common/net/turn.h

# sip: the front for ordinary phones
libp2psip_a_SOURCES += \
	common/sip/bindfile.c \
	common/sip/bindfile.h \
	common/sip/binding.c \
	common/sip/binding.h \
	common/sip/branch.c \
	common/sip/branch.h \
	common/sip/callee.c \
	common/sip/callee.h \
	common/sip/carrier.c \
	common/sip/carrier.h \
	common/sip/digest.c \
	common/sip/digest.h \
	common/sip/errand.c \
	common/sip/errand.h \
	common/sip/flow.h \
	common/sip/flowtoken.c \
	common/sip/flowtoken.h \
	common/sip/front.c \
	common/sip/front.h \
	common/sip/front_private.h \
	common/sip/front_request.c \
	common/sip/front_users.c \
	common/sip/hosted.c \
	common/sip/hosted.h \
	common/sip/keep.c \
	common/sip/keep.h \
	common/sip/locate.c \
	common/sip/locate.h \
	common/sip/outside.c \
	common/sip/outside.h \
	common/sip/peeraddr.c \
	common/sip/peeraddr.h \
	common/sip/peerlink.c \
	common/sip/peerlink.h \
	common/sip/peerroute.c \
	common/sip/peerroute.h \
	common/sip/phone.c \
	common/sip/phone.h \
	common/sip/proxy.c \
	common/sip/proxy.h \
	common/sip/proxy_leg.c \
	common/sip/proxy_private.h \
	common/sip/proxy_up.c \
	common/sip/registrar.c \
	common/sip/registrar.h \
	common/sip/registrar_authenticate.c \
	common/sip/registrar_judge.c \
	common/sip/registrar_private.h \
	common/sip/routevalue.c \
	common/sip/routevalue.h \
	common/sip/servername.c \
	common/sip/servername.h \
	common/sip/sipconn.c \
	common/sip/sipconn.h \
	common/sip/sipconn_io.c \
	common/sip/sipconn_private.h \
	common/sip/sipedit.c \
	common/sip/sipedit.h \
	common/sip/sipfield.c \
	common/sip/sipfield.h \
	common/sip/sipflood.c \
	common/sip/sipflood.h \
	common/sip/sipforward.c \
	common/sip/sipforward.h \
	common/sip/sipmsg.c \
	common/sip/sipmsg.h \
	common/sip/sipnet.c \
	common/sip/sipnet.h \
	common/sip/sipreply.c \
	common/sip/sipreply.h \
	common/sip/sipstream.c \
	common/sip/sipstream.h \
	common/sip/siptally.c \
	common/sip/siptally.h \
	common/sip/sipway.c \
	common/sip/sipway.h \
	common/sip/stunping.c \
	common/sip/stunping.h \
	common/sip/transaction.c \
	common/sip/transaction.h

# cli: what the tools share
libp2psip_a_SOURCES += \
	common/cli/authority.c \
	common/cli/authority.h \
	common/cli/authority_file.c \
	common/cli/authority_file.h \
	common/cli/authority_make.c \
	common/cli/contacts.c \
	common/cli/contacts.h \
	common/cli/document.c \
	common/cli/document.h \
	common/cli/entry.c \
	common/cli/entry.h \
	common/cli/figures.c \
	common/cli/figures.h \
	common/cli/identity.c \
	common/cli/identity.h \
	common/cli/operate.c \
	common/cli/operate.h \
	common/cli/operate_serve.c \
	common/cli/opt.c \
	common/cli/opt.h \
	common/cli/out.c \
	common/cli/out.h \
	common/cli/peer.c \
	common/cli/peer.h \
	common/cli/phones.c \
	common/cli/phones.h \
	common/cli/phones_opt.c \
	common/cli/phones_opt.h \
	common/cli/portions.c \
	common/cli/portions.h \
	common/cli/print.c \
	common/cli/print.h \
	common/cli/print_node.c \
	common/cli/print_node.h \
	common/cli/progress.c \
	common/cli/progress.h \
	common/cli/reach.c \
	common/cli/reach.h \
	common/cli/secret.c \
	common/cli/secret.h \
	common/cli/session.c \
	common/cli/session.h \
	common/cli/sip_text.c \
	common/cli/sip_text.h \
	common/cli/target.c \
	common/cli/target.h \
	common/cli/username.c \
	common/cli/username.h \
	common/cli/walk.c \
	common/cli/walk.h \
	common/cli/welcome.c \
	common/cli/welcome.h \
	common/cli/write.c \
	common/cli/write.h
