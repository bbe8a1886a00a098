# SPDX-License-Identifier: ISC
# One program a file; each links only the libraries it uses.

bin_PROGRAMS += cmd/p2psip-overlay
cmd_p2psip_overlay_SOURCES = cmd/p2psip-overlay.c
cmd_p2psip_overlay_LDADD = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(XML_LIBS) \
	$(SQLITE_LIBS) $(JANSSON_LIBS) $(MHD_LIBS) $(CURL_LIBS) $(CARES_LIBS) \
	$(LIBBSD_LIBS)

# Thin tools: they start fast because they carry no XML, no HTTP, no database.
thin_libs = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(JANSSON_LIBS) $(LIBBSD_LIBS)

bin_PROGRAMS += \
	cmd/p2psip-del \
	cmd/p2psip-get \
	cmd/p2psip-lookup \
	cmd/p2psip-put \
	cmd/p2psip-route

cmd_p2psip_del_SOURCES = cmd/p2psip-del.c
cmd_p2psip_del_LDADD = $(thin_libs)
cmd_p2psip_get_SOURCES = cmd/p2psip-get.c
cmd_p2psip_get_LDADD = $(thin_libs)
cmd_p2psip_lookup_SOURCES = cmd/p2psip-lookup.c
cmd_p2psip_lookup_LDADD = $(thin_libs)
cmd_p2psip_put_SOURCES = cmd/p2psip-put.c
cmd_p2psip_put_LDADD = $(thin_libs)
cmd_p2psip_route_SOURCES = cmd/p2psip-route.c
cmd_p2psip_route_LDADD = $(thin_libs)

bin_PROGRAMS += cmd/p2psip-peer
cmd_p2psip_peer_SOURCES = cmd/p2psip-peer.c
cmd_p2psip_peer_LDADD = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(XML_LIBS) \
	$(SQLITE_LIBS) $(CURL_LIBS) $(CARES_LIBS) $(LIBBSD_LIBS)

bin_PROGRAMS += cmd/p2psip-join
cmd_p2psip_join_SOURCES = cmd/p2psip-join.c
cmd_p2psip_join_LDADD = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(XML_LIBS) \
	$(CURL_LIBS) $(CARES_LIBS) $(JANSSON_LIBS) $(LIBBSD_LIBS)
