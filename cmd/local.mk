# SPDX-License-Identifier: ISC
# One program a file; each links only the libraries it uses.

bin_PROGRAMS += cmd/p2psip-overlay
cmd_p2psip_overlay_SOURCES = cmd/p2psip-overlay.c
cmd_p2psip_overlay_LDADD = libp2psip.a $(SSL_LIBS) $(UV_LIBS) $(XML_LIBS) \
	$(SQLITE_LIBS) $(JANSSON_LIBS) $(MHD_LIBS) $(LIBBSD_LIBS)
