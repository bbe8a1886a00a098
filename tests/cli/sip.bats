#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Ordinary phones: a peer is their registrar, and what they register is a route in
# the overlay.  RFC 3261 s10, RFC 7904 s3.

load ring_helpers
load sip_helpers

# Peers 2 and 3 host alice, each with a certificate of its own; only peer 3 hosts erin.
setup_file()
{
	export RING_PEERS=3 DOMAIN=$RING_NAME
	ring_setup_file
	ring_serve
	local user
	sip_accounts at2 at3 -- alice bob carl dave erin
	ring_peer 1
	for user in alice bob carl dave; do
		host_user "$user" at2
	done
	host_user alice at3
	host_user erin at3
	hosting_peer 2
	hosting_peer 3
	ring_user carol
}

setup()
{
	helpers_setup
	SIP2=$(loopback 2):5060
	SIP3=$(loopback 3):5060
}

# hosting_peer N: the peer that hosts what is in RING/atN.
hosting_peer()
{
	sip_peer "$1" "at$1" --sip-expires 2,1h --metrics "$(loopback "$1"):9100"
}

# register STATUS REGISTRAR EXPIRES [CONTACT [PASSWORD]]: by sipsak.
register()
{
	need sipsak
	run_tool "$1" sipsak -U -i -p "$2" -s "sip:alice@$DOMAIN" -u alice \
		-x "$3" -C "${4-sip:alice@127.0.0.1:7777}" -a "${5-sip-pw}" -vv
}

# peer_id N: the Node-ID of peer N.
peer_id()
{
	ring_node_id "peer$1"
}

# routes: alice's, sorted.
routes()
{
	p2psip-lookup -d "$RING/carol" -r "alice@$DOMAIN" 2>/dev/null | sort
}

routes_are()
{
	[ "$(routes)" = "$(printf '%s\n' "$@" | sort)" ]
}

no_routes()
{
	run_tool 1 p2psip-lookup -d "$RING/carol" -r "alice@$DOMAIN"
	assert_equal "$output" ''
}

# phone NAME USER PORT SCENARIO [SIPP OPTION…]: a phone in the background, once it has
# registered by UDP, at peer 2 or AT; it answers as the scenario says.
phone()
{
	local name=$1 user=$2 port=$3 scenario=$4
	shift 4
	(cd "$BATS_TEST_TMPDIR" && run_tool 0 sipp "${AT:-$SIP2}" -t u1 -m 1 -nostdin \
		-i "$(loopback 10)" -p "$port" -s "$user" -key domain "$DOMAIN" \
		-au "$user" -ap sip-pw -sf "$SOURCE/tests/cli/register-only.xml" \
		-timeout 20 -timeout_error)
	cd "$BATS_TEST_TMPDIR" || return
	start_daemon "$name" sipp -t u1 -nostdin -i "$(loopback 10)" -p "$port" \
		-s "$user" -sf "$SOURCE/tests/cli/$scenario" -timeout 60 \
		-timeout_error "$@"
	wait_until bound "$(loopback 10):$port"
}

bound()
{
	[ -n "$(ss -Hlnu "src $1")" ]
}

# calls COUNT CALLEE SCENARIO [SIPP OPTION…]: alice calls through peer 2.
calls()
{
	local n=$1 callee=$2 scenario=$3
	shift 3
	run_tool 0 sipp "$SIP2" -m "$n" -nostdin -i "$(loopback 11)" -s alice \
		-key callee "$callee" -key domain "$DOMAIN" -au alice -ap sip-pw \
		-sf "$SOURCE/tests/cli/$scenario" -timeout 25 -timeout_error "$@"
}

# resident N, under_way N: kB of a peer; requests that it has not forgotten.
resident()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$(cat "$RING/peer$1.pid")/status"
}

under_way()
{
	curl -sf "http://$(loopback "$1"):9100/metrics" |
		sed -n 's/^p2psip_sip_under_way //p'
}

nothing_under_way()
{
	[ "$(under_way "$1")" = 0 ]
}

# What comes again within 32 s is answered again.  That is waited for further down.
@test "500 calls from one peer to another: all are whole" {
	need sipp
	local n
	for n in 2 3; do
		resident "$n" >"$RING/resident$n"
	done
	AT=$SIP3 phone erin erin 5072 answer.xml -m 500
	calls 500 erin call.xml -t u1 -r 200 -l 50
	wait_until daemon_gone "${PIDS[erin]}"
	wait "${PIDS[erin]}"
	unset "PIDS[erin]"
	for n in 2 3; do
		assert [ "$(under_way "$n")" -ge 1000 ]
	done
}

@test "REGISTER: the overlay has a route to the phone's peer, from anywhere, until it unregisters" { # 7904-3.1-D1 7904-3.2-D1 7904-7-D1 7904-7-D2
	local n id
	no_routes
	register 0 "$SIP2" 60
	id=$(peer_id 2)
	for n in 1 2 3; do
		run_tool 0 p2psip-lookup -d "$RING/carol" -b "$(ring_address "$n")" \
			-r "alice@$DOMAIN"
		assert_equal "$output" "$id"
	done
	# Its key is the Node-ID of the certificate that the peer has for alice.
	run_tool 0 p2psip-get -d "$RING/carol" -k SIP-REGISTRATION -j "alice@$DOMAIN"
	run_tool 0 jq -r '.signer.user, .lifetime <= 60' <<<"$output"
	assert_equal "$output" "alice@$DOMAIN
true"
	register 0 "$SIP2" 0
	no_routes
}

@test "REGISTER at two peers: two routes, each removed by itself" { # 7904-3.2-D4 7904-3.2-D5 7904-4.2-R2
	register 0 "$SIP2" 60
	register 0 "$SIP3" 60 sip:alice@127.0.0.1:7778
	routes_are "$(peer_id 2)" "$(peer_id 3)"
	register 0 "$SIP2" 0
	routes_are "$(peer_id 3)"
	register 0 "$SIP3" 0 sip:alice@127.0.0.1:7778
	no_routes
}

@test "REGISTER with a wrong password, or for another: refused, nothing is stored" { # 7904-A-D1
	register 2 "$SIP2" 60 sip:alice@127.0.0.1:7777 wrong
	grep -q 'wrong password for alice' "$RING/peer2.err"
	need sipsak
	run_tool 1 sipsak -U -i -p "$SIP2" -s "sip:carol@$DOMAIN" -u alice -x 60 \
		-C sip:carol@127.0.0.1 -a sip-pw -vv
	assert_regex "$stderr" 'SIP/2.0 404'
	no_routes
}

@test "a registration that is not refreshed ends, in the overlay too" { # 7904-3.1-D2
	register 0 "$SIP2" 2
	wait_until grep -q 'registration of alice.* has ended' "$RING/peer2.err"
	wait_until routes_are ''
	no_routes
}

@test "REGISTER for too short a time: 423 and the least" {
	register 1 "$SIP2" 1
	assert_regex "$stderr" 'SIP/2.0 423 Interval Too Brief'
	assert_regex "$stderr" 'Min-Expires: 2'
}

@test "sipp: register, refresh, query and remove, over UDP and TCP" {
	need sipp
	local t
	for t in u1 t1; do
		(cd "$BATS_TEST_TMPDIR" && run_tool 0 sipp "$SIP2" -t "$t" -m 1 -nostdin \
			-sf "$SOURCE/tests/cli/register.xml" -i "$(loopback 9)" -s alice \
			-key domain "$DOMAIN" -au alice -ap sip-pw -timeout 20 -timeout_error)
		no_routes
	done
}

@test "a phone's binding ends with its connection" {
	need sipp
	cd "$BATS_TEST_TMPDIR"
	run_tool 0 sipp "$SIP2" -t t1 -m 1 -nostdin -i "$(loopback 9)" -s alice \
		-sf "$SOURCE/tests/cli/register-only.xml" \
		-key domain "$DOMAIN" -au alice -ap sip-pw -timeout 20 -timeout_error
	wait_until routes_are ''
	no_routes
}

@test "baresip registers, and unregisters when it ends" {
	need baresip
	local conf=$BATS_TEST_TMPDIR/baresip
	mkdir "$conf"
	cat >"$conf/config" <<-END
		sip_listen $(loopback 9):0
		module_path $(dirname "$(find /usr/lib -path '*baresip/modules/account.so' | head -n 1)")
		module_app account.so
		module_app menu.so
		module g711.so
	END
	echo "<sip:alice@$DOMAIN>;auth_user=alice;auth_pass=sip-pw;regint=60;outbound=\"sip:$SIP2;transport=udp\"" \
		>"$conf/accounts"
	start_daemon baresip baresip -f "$conf"
	wait_until routes_are "$(peer_id 2)"
	stop_daemon baresip TERM
	wait_until routes_are ''
}

@test "what is not for a registered user of ours is refused, by anybody" {
	need python3
	local ask=$SOURCE/tests/cli/sip-ask
	local head="SIP/2.0\\r\\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK$RANDOM"
	local rest="From: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b>\\r\\nCall-ID: $RANDOM\\r\\nCSeq: 1"

	run_tool 0 "$ask" "$SIP2" "OPTIONS sip:$DOMAIN $head\\r\\n$rest OPTIONS\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 200 OK'
	assert_regex "$output" 'Allow: REGISTER, OPTIONS, INVITE'
	assert_regex "$output" 'received=127'
	# No relay for strangers, and none to strangers.
	run_tool 0 "$ask" "$SIP2" "INVITE sip:alice@$DOMAIN $head\\r\\n$rest INVITE\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 403'
	run_tool 0 "$ask" "$SIP2" "MESSAGE sip:x@192.0.2.1 $head\\r\\n$rest MESSAGE\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 403'
	rest="From: <sip:alice@$DOMAIN>;tag=1\\r\\nTo: <sip:alice@$DOMAIN>\\r\\nCall-ID: $RANDOM\\r\\nCSeq: 1"
	run_tool 0 "$ask" "$SIP2" "INVITE sip:alice@$DOMAIN $head\\r\\n$rest INVITE\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 407'
	run_tool 0 "$ask" "$SIP2" "CANCEL sip:$DOMAIN $head\\r\\n$rest CANCEL\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 481'
	run_tool 0 "$ask" "$SIP2" "OPTIONS sip:$DOMAIN $head\\r\\n$rest INVITE\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 400'
	run_tool 0 "$ask" "$SIP2" "FOO sip:$DOMAIN $head\\r\\n$rest FOO\\r\\n\\r\\n"
	assert_line --index 0 --partial 'SIP/2.0 405'
	# A keep-alive by STUN, RFC 5626 s8: a Binding response.
	run_tool 0 "$ask" "$SIP2" '\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl'
	assert_equal "$(head -c 2 "$STDOUT" | xxd -p)" 0101
}

@test "two phones at one peer call each other, over UDP and from TCP to UDP" {
	need sipp
	phone bob bob 5070 answer.xml -m 30
	calls 20 bob call.xml -t u1 -r 20
	calls 10 bob call.xml -t t1 -r 10
	wait_until daemon_gone "${PIDS[bob]}"
	wait "${PIDS[bob]}" # all 30 calls were whole on its side too
	unset "PIDS[bob]"
}

# Two contacts of one user, both ends of a call over UDP and TCP, requests inside of
# dialogs and outside, refusals, loops.
@test "calls and their kin between two phones: each message is what it has to be" {
	need python3
	run_tool 0 python3 "$SOURCE/tests/cli/sip-calls" "$SIP2" "$(loopback 8)" \
		"$DOMAIN"
	# Whoever vanishes leaves transactions that tshark would find wanting.
	run_tool 0 python3 "$SOURCE/tests/cli/sip-calls" "$SIP2" "$(loopback 8)" \
		"$DOMAIN" gone
	ring_lives peer2
}

@test "the same calls, as tshark reads them: nothing malformed, each transaction legal" {
	need tshark unshare python3
	need_netns
	in_netns "$SOURCE/tests/cli/capture-sip" "$BATS_TEST_TMPDIR"
	run_tool 0 "$SOURCE/tests/cli/sip-legal" "$BATS_TEST_TMPDIR/capture.pcapng"
	assert_regex "$output" '^[1-9][0-9]{2} requests, [0-9]+ of them answered, 0 faults'
}

@test "a call that is cancelled: the phone that rings hears of it" {
	need sipp
	phone dave dave 5071 ring.xml -m 1
	calls 1 dave cancel.xml -t u1
	wait_until daemon_gone "${PIDS[dave]}"
	wait "${PIDS[dave]}"
	unset "PIDS[dave]"
}

@test "a call to who is not registered: 480" {
	need sipp
	cd "$BATS_TEST_TMPDIR"
	calls 1 carl unavailable.xml -t u1
}

@test "who does not prove to be who they say: refused, at no cost to the overlay" { # 7904-A-D1
	need python3 curl
	run_tool 0 "$SOURCE/tests/cli/sip-strangers" "$SIP2" "$(loopback 9)" "$DOMAIN" \
		"http://$(loopback 2):9100/metrics"
}

@test "bad input: dropped or answered, and the peer goes on" {
	need python3
	run_tool 0 python3 "$SOURCE/tests/cli/sip-hostile" "$SIP2"
	ring_lives peer2
	register 0 "$SIP2" 60
	register 0 "$SIP2" 0
}

@test "messages that are hard to read: each is answered as it should be" {
	need python3
	run_tool 0 python3 "$SOURCE/tests/cli/sip-torture" "$SIP2" "$(loopback 9)" \
		"$SOURCE/tests/fuzz/corpus/sip/torture"
	ring_lives peer2
}

@test "of 500 calls nothing is left behind, at either peer" {
	[ -e "$RING/resident3" ] || skip "there were none"
	local n
	for n in 2 3; do
		WAIT_TIMEOUT=60 wait_until nothing_under_way "$n"
		grep -q libasan "/proc/$(cat "$RING/peer$n.pid")/maps" ||
			assert [ "$(resident "$n")" -lt $(($(<"$RING/resident$n") + 12288)) ]
	done
}

@test "a peer that ends takes its routes with it" {
	register 0 "$SIP3" 60
	routes_are "$(peer_id 3)"
	ring_kill peer3
	no_routes
	hosting_peer 3
}

@test "503 and Retry-After while the overlay cannot be reached" {
	# A peer that no other answers: it never joins.
	host_user alice lonely -q
	mkdir -m 0700 "$RING/lonely-users"
	mv "$RING/lonely/alice" "$RING/lonely-users/alice"
	ring_account lonely
	ring_join lonely -q >/dev/null
	start_daemon lonely p2psip-peer -d "$RING/lonely" -b "$(loopback 15):9" \
		-l "$(loopback 12):7001" --sip "udp:$(loopback 12)" \
		--sip-users "$RING/lonely-users" -T 60
	daemon_says lonely 'phones register'
	register 1 "$(loopback 12):5060" 60
	assert_regex "$stderr" 'SIP/2.0 503'
	assert_regex "$stderr" 'Retry-After: 30'
	stop_daemon lonely
}

@test "options: what is wrong with them, or with who is hosted" {
	run_tool 64 p2psip-peer -d "$RING/peer2" --sip "udp:$(loopback 2)"
	run_tool 64 p2psip-peer -d "$RING/peer2" --sip-users "$RING/at2"
	run_tool 64 p2psip-peer -d "$RING/peer2" --sip sctp:1.2.3.4 --sip-users "$RING/at2"
	run_tool 64 p2psip-peer -d "$RING/peer2" --sip udp:1.2.3.4 \
		--sip-users "$RING/at2" --sip-expires 10
	run_tool 64 p2psip-peer -d "$RING/peer2" --sip udp:1.2.3.4 \
		--sip-users "$RING/at2" --sip-expires 2h,3h
	mkdir -m 0700 "$BATS_TEST_TMPDIR/none"
	run_tool 64 p2psip-peer -d "$RING/peer2" --check-config --sip udp:1.2.3.4 \
		--sip-users "$BATS_TEST_TMPDIR/none"
	run_tool 66 p2psip-peer -d "$RING/peer2" --check-config --sip udp:1.2.3.4 \
		--sip-users "$BATS_TEST_TMPDIR/missing"
	run_tool 0 p2psip-peer -d "$RING/peer2" --check-config --sip udp:1.2.3.4 \
		--sip-users "$RING/at2"
	cp -r "$RING/carol" "$BATS_TEST_TMPDIR/none/carol"
	run_tool 78 p2psip-peer -d "$RING/peer2" --check-config --sip udp:1.2.3.4 \
		--sip-users "$BATS_TEST_TMPDIR/none"
	assert_regex "$stderr" 'carol: .*--sip-password-file'
	run_tool 71 p2psip-peer -d "$RING/carol" -l "$(loopback 12):7002" \
		--sip "udp:$(loopback 2)" --sip-users "$RING/at2"
	assert_regex "$stderr" "--sip udp:$(loopback 2):5060"
}
