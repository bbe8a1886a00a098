#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Calls from a phone at a peer to other domains: RFC 7904 s4.1, RFC 3263.

load ring_helpers
load sip_helpers

setup_file()
{
	export RING_PEERS=2
	ring_setup_file
	ring_serve
	local server
	server=$(loopback 9)
	: >"$RING/dns.err"
	"$BUILD/tests/cli/dns-server" "$(loopback 7)" \
		"udp.example NAPTR 10 10 s SIP+D2U _sip._udp.udp.example" \
		"udp.example NAPTR 20 10 s SIP+D2T _sip._tcp.dead.example" \
		"_sip._udp.udp.example SRV 1 1 5070 server.example" \
		"_sip._tcp.tcp.example SRV 1 1 5071 server.example" \
		"_sip._tcp.tcp.example SRV 2 1 5072 server.example" \
		"_sip._tcp.dead.example SRV 1 1 5071 server.example" \
		"_sip._udp.two.example SRV 1 1 5074 server.example" \
		"_sip._udp.two.example SRV 2 1 5075 server.example" \
		"tls.example NAPTR 10 10 s SIP+D2U _sip._udp.dead.example" \
		"tls.example NAPTR 20 10 s SIPS+D2T _sips._tcp.tls.example" \
		"_sips._tcp.tls.example SRV 1 1 5081 server.example" \
		"_sips._tcp.tls.example SRV 2 1 5082 server.example" \
		"_sips._tcp.dns.example SRV 1 1 5083 server.example" \
		"_sips._tcp.self.wrong.example SRV 1 1 5085 server.example" \
		"_sips._tcp.server.wrong.example SRV 1 1 5086 server.example" \
		"_sips._tcp.wild.wrong.example SRV 1 1 5087 server.example" \
		"_sips._tcp.other.wrong.example SRV 1 1 5088 server.example" \
		"server.example A $server" 2>>"$RING/dns.err" >&2 3>&- &
	echo $! >"$RING/dns.pid"
	wait_until grep -q '^listening' "$RING/dns.err"
	P2PSIP_DNS=$(sed 's/.* //' "$RING/dns.err")
	export P2PSIP_DNS
	certs "$server"
	sip_accounts at2 -- alice
	ring_peer 1
	host_user alice at2
	sip_peer 2 at2 --sip "tls:$(loopback 2)" --sip-cert "$RING/web.crt" \
		--sip-key "$RING/web.key" --sip-ca "$RING/ca.crt"
}

# certs ADDRESS: of peer 2, and of servers there, in RING.
certs()
{
	sip_cert web "IP:$(loopback 2),DNS:$RING_NAME"
	sip_cert tls URI:sip:tls.example
	sip_cert dns DNS:dns.example,URI:sip:bob@other.example
	sip_cert number "IP:$1"
	sip_cert server DNS:server.example,URI:sips:tls.example
	sip_cert wild "DNS:*.wrong.example,DNS:*.example"
	sip_cert other DNS:other.wrong.example,URI:sip:else.example
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 \
		-subj /CN=self.wrong.example -addext subjectAltName=DNS:self.wrong.example \
		-keyout "$RING/self.key" -out "$RING/self.crt" 2>/dev/null
}

teardown_file()
{
	kill "$(cat "$RING/dns.pid")"
	ring_teardown_file
}

# outside CASE: alice, and servers at an address of their own.
outside()
{
	need python3
	SIP_CA=$RING/ca.crt run_tool 0 "$SOURCE/tests/cli/sip-outside" \
		"$(loopback 2):5060" "$(loopback 8)" "$RING_NAME" "$1" "$(loopback 9)" \
		"$RING"
}

@test "another domain by NAPTR, SRV and address, over UDP" { # 7904-4.1-R1 7904-4.1-R2
	outside udp
}

@test "over TCP, where its first server does not answer" {
	outside tcp
}

@test "what is large goes by TCP, and by UDP where that is refused" {
	outside large
}

@test "an address instead of a domain" {
	outside number
}

@test "over TLS, to the server that proves the domain" {
	outside tls
	grep -q "sip: tls:$(loopback 9):5081 for tls.example: hostname mismatch" "$RING/peer2.err"
	outside tls_dns
	outside tls_number
}

@test "who does not prove the domain hears nothing" {
	outside distrusted
	grep -q 'for self.wrong.example: self.signed certificate.*--sip-ca' "$RING/peer2.err"
}

@test "sips where there is no TLS: 480, and nothing goes out in the clear" {
	outside never_clear
}

@test "one answer is enough of a domain with two servers" {
	outside busy
}

@test "a registration that leads to another domain" { # 7904-4.2-R1
	ring_user dave
	run_tool 0 p2psip-put -d "$RING/dave" -k SIP-REGISTRATION \
		"dave@$RING_NAME" 'uri:sip:bob@udp.example'
	outside mapped
}

@test "nobody there, nobody known, and nobody whom we host" {
	outside refused
}
