#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Calls between phones at different peers of a ring: RFC 7904 s4, s5.

load ring_helpers
load sip_helpers

# Peer 2 hosts alice, peer 4 bob and carl, peer 5 bob, too; peer 3 only stores.
setup_file()
{
	export RING_PEERS=5 DOMAIN=$RING_NAME
	ring_setup_file
	ring_serve
	sip_accounts at2 at4 at5 -- alice bob carl
	make_cert
	ring_peer 1
	host_user alice at2
	host_user bob at4
	host_user carl at4
	host_user bob at5
	hosting_peer 2
	ring_peer 3
	hosting_peer 4
	hosting_peer 5
	# They are waited for in the last test.
	ring_daemon slow "$SOURCE/tests/cli/sip-slow" "$(loopback 2)"
}

setup()
{
	helpers_setup
	SIP2=$(loopback 2):5060
	SIP4=$(loopback 4):5060
}

# sip6 N: where phones register by IPv6 at peer N, at a port of this file's own.
sip6()
{
	echo "[::1]:$((10000 + BATS_ROOT_PID % 2000 * 10 + $1))"
}

# hosting_peer N: the peer that hosts what is in RING/atN.
hosting_peer()
{
	local six=()
	[ ! -e /proc/net/if_inet6 ] || six=(--sip "udp:$(sip6 "$1")" --sip "tcp:$(sip6 "$1")")
	sip_peer "$1" "at$1" "${six[@]}" --sip "tls:$(loopback "$1")" --sip-expires 2,1h \
		--sip-cert "$RING/web.crt" --sip-key "$RING/web.key" -v \
		--metrics "$(loopback "$1"):9100"
}

# figure NAME: of peer 2.
figure()
{
	curl -sf "http://$(loopback 2):9100/metrics" | sed -n "s/^p2psip_sip_$1 //p"
}

# make_cert: RING/web.crt and RING/web.key, for phones to trust as they are.
make_cert()
{
	(umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -days 2 -subj /CN=phones \
		-addext "subjectAltName=IP:$(loopback 2),IP:$(loopback 4),DNS:$RING_NAME" \
		-keyout "$RING/web.key" -out "$RING/web.crt" 2>/dev/null)
}

# between CASE [ARG]: phones of alice and bob, each at a peer of its own.
between()
{
	need python3
	local case=$1
	shift
	SIP_CA=$RING/web.crt run_tool 0 "$SOURCE/tests/cli/sip-ring" "$SIP2" \
		"$(loopback 8)" "$DOMAIN" "$case" "$SIP4" "$@"
}

# begin_between CASE: the same, in the background; go_on lets it go on.
begin_between()
{
	need python3
	mkfifo "$BATS_TEST_TMPDIR/go"
	start_daemon "$1" "$SOURCE/tests/cli/sip-ring" "$SIP2" "$(loopback 8)" \
		"$DOMAIN" "$1" "$SIP4" "$BATS_TEST_TMPDIR/go"
}

# go_on CASE: and it ends well.
go_on()
{
	echo >"$BATS_TEST_TMPDIR/go"
	wait_until daemon_gone "${PIDS[$1]}"
	wait "${PIDS[$1]}"
	unset "PIDS[$1]"
}

# said N REGEX: how often peer N has.
said()
{
	grep -Ec -- "$2" "$RING/peer$1.err" || :
}

# stored USER VALUE: what USER stores as its own registration.
stored()
{
	run_tool 0 p2psip-put -d "$RING/$1" -k SIP-REGISTRATION "$1@$DOMAIN" "$2"
}

@test "phones at two peers call each other, and either hangs up" { # 7904-5.1-D1 7904-5.1-D2 7904-5.1-D4 7904-1-D1
	between calls
}

@test "one connection, which is no link of the ring, carries many calls" { # 7904-5.1-R5 7904-5.1-R6 6940-5.4-D1
	between messages
	local n
	n=$(said 2 'sip: linked with')
	between calls
	between busy
	assert_equal "$(said 2 'sip: linked with')" "$n"
	# That is counted, and so are calls; each leaves a line.
	assert_equal "$(figure peer_links_opened_total)" "$n"
	[ "$(figure peer_links)" -ge 1 ]
	[ "$(figure 'calls_ended_total{class="2xx"}')" -ge 1 ]
	[ "$(figure 'calls_ended_total{class="4xx"}')" -ge 1 ]
	[ "$(said 2 "sip: call from sip:alice@$DOMAIN to sip:bob@$DOMAIN: 486 after 0")" -ge 1 ]
}

@test "sips from phone to phone: TLS all the way, both ways" { # 7904-5.1-D2
	between secured
}

@test "sips does not reach who registered without it, at another peer either" {
	between only_secured
}

@test "phones by IPv4 and by IPv6, at one peer and at two" {
	[ -e /proc/net/if_inet6 ] || skip "no IPv6 here"
	between six "$(sip6 2)" "$(sip6 4)"
}

@test "a call that is cancelled; a phone that is busy" {
	between cancelled
	between busy
}

@test "MESSAGE, OPTIONS, SUBSCRIBE and PUBLISH, both ways" {
	between messages
}

@test "nobody there: 404, whether unknown, unregistered or not of the overlay" {
	between nobody
}

@test "a call goes on while a third peer dies, and so do calls after that" {
	begin_between held
	daemon_says held '^held'
	ring_kill peer3 KILL
	go_on held
	between calls
	ring_peer 3
}

# baresip_phone USER N PORT TRANSPORT: a phone at peer N, which does as it is told at
# loopback address 9, on that port, and picks up by itself.
baresip_phone()
{
	need baresip curl
	local user=$1 conf=$BATS_TEST_TMPDIR/$1-$4 port=5060
	[ "$4" != tls ] || port=5061
	mkdir "$conf"
	cat >"$conf/config" <<-END
		sip_listen $(loopback 9):0
		sip_cafile $RING/web.crt
		sip_verify_server yes
		http_listen $(loopback 9):$3
		module_path $(dirname "$(find /usr/lib -path '*baresip/modules/account.so' | head -n 1)")
		module_app account.so
		module_app menu.so
		module_app httpd.so
		module g711.so
	END
	echo "<sip:$user@$DOMAIN;transport=$4>;auth_user=$user;auth_pass=sip-pw;regint=60;answermode=auto;outbound=\"sip:$(loopback "$2"):$port;transport=$4\"" \
		>"$conf/accounts"
	start_daemon "$user" baresip -f "$conf"
	wait_until grep -q '200 OK' "$BATS_TEST_TMPDIR/$user.out"
}

# press PORT KEYS: what is typed into the phone there.
press()
{
	local keys=${2// /%20}
	keys=${keys//:/%3A}
	run_tool 0 curl -sS "http://$(loopback 9):$1/?%2F${keys//@/%40}"
}

# heard USER REGEX N: the phone has said so N times.
heard()
{
	[ "$(grep -Ec -- "$2" "$BATS_TEST_TMPDIR/$1.out")" -eq "$3" ]
}

# baresip_calls N: alice calls bob, who picks up, and hangs up; for the Nth time.
baresip_calls()
{
	press 8001 "dial sip:bob@$DOMAIN"
	wait_until heard alice 'Call established' "$1"
	wait_until heard bob 'Call established' "$1"
	press 8001 hangup
	wait_until heard bob 'session closed' "$1"
}

@test "two baresips at two peers call each other while a third peer dies, over UDP and over TLS" {
	local transport
	for transport in udp tls; do
		baresip_phone alice 2 8001 "$transport"
		baresip_phone bob 4 8002 "$transport"
		baresip_calls 1
		ring_kill peer3 KILL
		baresip_calls 2
		ring_peer 3
		stop_daemon alice TERM
		stop_daemon bob TERM
	done
}

@test "forwarded by an AOR, to nobody by a loop; an address as contact; a GRUU" { # 7904-1-D3 7904-4.2-R1 7904-6-D3
	ring_user dave
	ring_user erin
	ring_user fred
	stored dave "uri:bob@$DOMAIN"
	stored erin "uri:erin@$DOMAIN"
	between forwarded
	begin_between direct
	daemon_says direct '^sip:fred@'
	stored fred "uri:$(grep '^sip:fred@' "$BATS_TEST_TMPDIR/direct.err")"
	go_on direct
	between gruu "$(ring_node_id peer4)"
}

@test "lookup --connect: the peer of who is registered connects" { # 7904-5.1-D1
	between busy
	ring_user henry
	run_tool 0 p2psip-lookup -d "$RING/henry" --connect "bob@$DOMAIN"
	assert_regex "$output" "^$(ring_node_id peer4)"$'\t127\..*:[0-9]+$'
	run_tool 0 p2psip-lookup -d "$RING/henry" -b "$(ring_address 4)" -j \
		--connect "nobody@$DOMAIN" "bob@$DOMAIN"
	run_tool 0 jq -r .node_id <<<"$output"
	assert_equal "$output" "$(ring_node_id peer4)"
	# A peer that has no phones.
	stored henry "route:$(ring_node_id peer1)"
	run_tool 1 p2psip-lookup -d "$RING/henry" --connect "henry@$DOMAIN"
	assert_regex "$stderr" 'this application is not served here'
	run_tool 64 p2psip-lookup -d "$RING/henry" --connect -r "bob@$DOMAIN"
}

@test "a member of the overlay that connects unasked is not listened to" { # 7904-5.1-R3 7904-5.1-R4
	local at home
	ring_user greta
	home=$RING/greta/$RING_NAME/users/greta@$RING_NAME
	at=$(sed -n 's/.*sip: peers connect to //p' "$RING/peer2.err")
	run_tool 0 openssl s_client -connect "$at" -cert "$home/cert.pem" \
		-key "$home/key.pem" -quiet
	wait_until grep -q 'connected unasked' "$RING/peer2.err"
}

# sip_request METHOD USER NUMBER: one that a peer might say, with From alice.
sip_request()
{
	printf '%s\r\n' "$1 sip:$2@$DOMAIN SIP/2.0" \
		"Via: SIP/2.0/TLS 192.0.2.1;branch=z9hG4bK-said-$3" \
		"From: <sip:alice@$DOMAIN>;tag=1" "To: <sip:$2@$DOMAIN>" \
		"Call-ID: said-$3" "CSeq: 1 $1" 'Contact: <sip:x@192.0.2.1>' \
		'Content-Length: 0' ''
}

# What comes from another peer is for users hosted here, and binds nothing.
@test "a member that speaks SIP registers nobody, and reaches nobody further" { # 7904-A-D1
	local lookups
	lookups=$(figure lookups_total)
	ring_user ina
	{
		sip_request REGISTER alice 1
		sip_request INVITE bob 2 # whom peer 4 hosts
		sip_request OPTIONS x%40192.0.2.2 3
	} >"$BATS_TEST_TMPDIR/said"
	run_tool 0 "$BUILD/tests/cli/peersay" -d "$RING/ina" -T 20 \
		"$(ring_node_id peer2)" 3 <"$BATS_TEST_TMPDIR/said"
	assert_equal "$(sed -n 's/^SIP.2.0 \([0-9]*\).*/\1/p' <<<"$output" | xargs)" \
		'403 404 404'
	assert_equal "$(figure lookups_total)" "$lookups"
}

@test "the peer of who is called has died: 480, soon, and the phone is reached at another" {
	begin_between ringing
	daemon_says ringing '^ringing'
	ring_kill peer4 KILL
	go_on ringing
	between dead
	SIP4=$(loopback 5):5060 between calls
}

let_go()
{
	[ "$(wc -l <"$RING/slow.out")" -eq 6 ]
}

@test "who sends slowly, over TCP or in or before TLS, is let go of, and counted" {
	wait_until let_go
	run_tool 0 sort "$RING/slow.out"
	assert_equal "$output" "a ClientHello: 10 s
a body: 20 s
a start line: 20 s
fields by TLS: 20 s
half a ClientHello: 10 s
no TLS: 10 s"
	run_tool 0 curl -sf "http://$(loopback 2):9100/metrics"
	assert_regex "$output" 'connections_ended_total\{reason="handshake"\} 3'
	assert_regex "$output" 'connections_ended_total\{reason="slow"\} 3'
}
