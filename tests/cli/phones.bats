#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a peer is to phones besides sip.bats: TLS, certificates, and the ends of those
# who only hold a connection.  RFC 3261 s26, RFC 5626.

load ring_helpers
load sip_helpers

# One peer, which hosts alice and bob.
setup_file()
{
	export RING_PEERS=1 DOMAIN=$RING_NAME
	ring_setup_file
	ring_serve
	sip_accounts users -- alice bob dave
	make_cert one
	phones_join # the founder has to be there before it hosts anybody
	phones_peer
}

setup()
{
	helpers_setup
	SIP=$(loopback 1)
	cd "$BATS_TEST_TMPDIR" || return
}

# make_cert SUBJECT: RING/web.crt and RING/web.key, for peer 1.
make_cert()
{
	sip_cert web "IP:$(loopback 1),DNS:$RING_NAME" "$1"
}

phones_join()
{
	ring_peer 1
	host_user alice users
	host_user bob users
	ring_user carol
	ring_kill peer1
}

phones_peer()
{
	local at
	at=$(loopback 1)
	sip_peer 1 users --sip "tls:$at" --sip-cert "$RING/web.crt" \
		--sip-key "$RING/web.key" --metrics "$at:9100" "$@"
}

# figure NAME: its value.
figure()
{
	curl -sf "http://$SIP:9100/metrics" | sed -n "s/^p2psip_$1 //p"
}

# tls_relay: what speaks TCP there comes to the peer by TLS.
tls_relay()
{
	need socat
	start_daemon relay socat \
		"TCP-LISTEN:5080,bind=$(loopback 9),fork,reuseaddr" \
		"OPENSSL:$SIP:5061,cafile=$RING/ca.crt,commonname=$RING_NAME"
	wait_until listens "$(loopback 9):5080"
}

listens()
{
	[ -n "$(ss -Hltn "src $1")" ]
}

bound()
{
	[ -n "$(ss -Hlnu "src $1")" ]
}

# routes_are USER N: so many the user has in the overlay.
routes_are()
{
	[ "$(p2psip-lookup -d "$RING/carol" -r "$1@$DOMAIN" 2>/dev/null | wc -l)" = "$2" ]
}

# ask SERVER SCENARIO [SIPP OPTION…]: sipp is alice's phone.
ask()
{
	local to=$1 scenario=$2
	shift 2
	need sipp
	run_tool 0 sipp "$to" -m 1 -nostdin -i "$(loopback 10)" -s alice \
		-key domain "$DOMAIN" -au alice -ap sip-pw -sf "$scenario" \
		-timeout 20 -timeout_error "$@"
}

# baresip_bob TRANSPORT: bob's phone, which answers, once it has registered.
baresip_bob()
{
	need baresip
	local conf=$BATS_TEST_TMPDIR/baresip port=5060
	[ "$1" != tls ] || port=5061
	mkdir "$conf"
	cat >"$conf/config" <<-END
		sip_listen $(loopback 11):0
		sip_cafile $RING/ca.crt
		sip_verify_server yes
		module_path $(dirname "$(find /usr/lib -path '*baresip/modules/account.so' | head -n 1)")
		module_app account.so
		module_app menu.so
		module g711.so
	END
	echo "<sip:bob@$DOMAIN;transport=$1>;auth_user=bob;auth_pass=sip-pw;regint=60;answermode=auto;outbound=\"sip:$SIP:$port;transport=$1\"" \
		>"$conf/accounts"
	start_daemon baresip baresip -f "$conf"
	wait_until grep -q '200 OK' "$BATS_TEST_TMPDIR/baresip.out"
}

# call SERVER TRANSPORT: alice calls bob, who answers at once.
call()
{
	sed 's|"180" />|"180" optional="true" />|' "$SOURCE/tests/cli/call.xml" \
		>call.xml
	ask "$1" call.xml -key callee bob -t "$2"
}

@test "TLS: a phone registers, refreshes and unregisters; what it bound ends with its connection" {
	tls_relay
	ask "$(loopback 9):5080" "$SOURCE/tests/cli/register.xml" -t t1
	routes_are alice 0
	ask "$(loopback 9):5080" "$SOURCE/tests/cli/register-only.xml" -t t1
	wait_until routes_are alice 0
}

@test "a call from UDP to TLS, to a phone that checks our certificate" {
	baresip_bob tls
	routes_are bob 1
	call "$SIP:5060" u1
	stop_daemon baresip TERM
	wait_until routes_are bob 0
}

@test "a call from TLS to TCP" {
	tls_relay
	baresip_bob tcp
	call "$(loopback 9):5080" t1
	stop_daemon baresip TERM
}

@test "TLS 1.2 and 1.3, and a sips URI over anything else is refused" {
	local v q
	for v in 1_2 1_3; do
		run_tool 0 openssl s_client -connect "$SIP:5061" "-tls$v" \
			-CAfile "$RING/ca.crt" -verify_return_error -brief </dev/null
		assert_regex "$stderr" 'Verification: OK'
	done
	q="OPTIONS sips:$DOMAIN SIP/2.0\\r\\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bKs\\r\\nFrom: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b>\\r\\nCall-ID: s\\r\\nCSeq: 1 OPTIONS\\r\\n\\r\\n"
	run_tool 0 "$SOURCE/tests/cli/sip-ask" "$SIP:5060" "$q"
	assert_line --index 0 --partial 'SIP/2.0 403 SIPS Needs TLS'
}

subject()
{
	openssl s_client -connect "$SIP:5061" </dev/null 2>/dev/null |
		openssl x509 -noout -subject | tr -d ' '
}

@test "SIGHUP: a new certificate is in use, a bad one is not" {
	assert_equal "$(subject)" 'subject=CN=one'
	make_cert two
	kill -HUP "$(cat "$RING/peer1.pid")"
	ring_said peer1 'reload: .*web.crt is in use'
	assert_equal "$(subject)" 'subject=CN=two'
	: >"$RING/web.key"
	kill -HUP "$(cat "$RING/peer1.pid")"
	ring_said peer1 'reload: the certificate for phones stays as it was: .*no private key'
	assert_equal "$(subject)" 'subject=CN=two'
	make_cert one
}

# registers STATUS USER [PASSWORD]: that is how the peer answers the phone of USER.
registers()
{
	sed "s|\"200\"|\"$1\"|" "$SOURCE/tests/cli/register-only.xml" >registers.xml
	ask "$SIP:5060" registers.xml -t u1 -s "$2" -au "$2" -ap "${3-sip-pw}"
}

# reload REGEX: SIGHUP, and what the peer says of users.
reload()
{
	local said
	said=$(grep -c 'reload: users' "$RING/peer1.err") || said=0
	kill -HUP "$(cat "$RING/peer1.pid")"
	wait_until reloaded "$said"
	assert_regex "$(grep 'reload: users' "$RING/peer1.err" | tail -n 1)" "$1"
}

reloaded()
{
	[ "$(grep -c 'reload: users' "$RING/peer1.err")" -gt "$1" ]
}

@test "SIGHUP: users come and go, and get another password; others stay registered" {
	local stores
	registers 200 alice
	registers 200 bob
	host_user dave users
	registers 404 dave
	stores=$(figure sip_stores_total)
	reload '1 more, 0 less, 0 changed$'
	registers 200 dave
	routes_are dave 1
	# A folder that cannot be read, one that is there twice, one that is away.
	mkdir -m 0700 "$RING/users/empty"
	cp -r "$RING/users/bob" "$RING/users/again"
	mv "$RING/users/alice" "$RING/alice.away"
	reload '0 more, 1 less, 0 changed$'
	ring_said peer1 'reload: .*users/empty'
	ring_said peer1 'reload: .*bob@.* is there twice'
	wait_until routes_are alice 0
	registers 404 alice
	# Of all the others nothing was stored: dave came, alice went.
	assert_equal "$(figure sip_stores_total)" $((stores + 2))
	assert_equal "$(figure sip_users)" 2
	routes_are bob 1
	rm -r "$RING/users/again" "$RING/users/empty"
	(umask 077 && echo other >"$RING/dave.sip")
	host_user dave users
	mv "$RING/alice.away" "$RING/users/alice"
	reload '1 more, 0 less, 1 changed$'
	registers 401 dave
	registers 200 dave other
	registers 200 alice
	rm -r "$RING/users/dave"
	reload '0 more, 1 less, 0 changed$'
	wait_until routes_are dave 0
	# Without the folder nobody is sent away.
	mv "$RING/users" "$RING/users.away"
	kill -HUP "$(cat "$RING/peer1.pid")"
	ring_said peer1 'reload: users stay as they were: '
	mv "$RING/users.away" "$RING/users"
	routes_are alice 1
	sed 's|<sip:\[service\]@\[local_ip\]:\[local_port\]>|*|; s|Expires: 60|Expires: 0|' \
		"$SOURCE/tests/cli/register-only.xml" >leave.xml
	ask "$SIP:5060" leave.xml -t u1
	ask "$SIP:5060" leave.xml -t u1 -s bob -au bob
}

# refused STATUS REGEX [OPTION…]: so is a peer with these.
refused()
{
	local status=$1 regex=$2
	shift 2
	run_tool "$status" p2psip-peer -d "$RING/peer1" --check-config \
		--sip tls:127.0.0.1 --sip-users "$RING/users" "$@"
	assert_regex "$stderr" "$regex"
}

@test "certificate and key: what is wrong with them" {
	local cert=$RING/web.crt key=$RING/web.key
	refused 64 'needs --sip-cert and --sip-key'
	refused 64 'go together' --sip-cert "$cert"
	refused 66 missing.crt --sip-cert "$cert" --sip-key "$key" --sip-ca missing.crt
	refused 69 'no certificates in PEM' --sip-cert "$cert" --sip-key "$key" \
		--sip-ca "$key"
	run_tool 64 p2psip-peer -d "$RING/peer1" --check-config --sip udp:127.0.0.1 \
		--sip-users "$RING/users" --sip-ca "$cert"
	refused 66 missing.crt --sip-cert "$RING/missing.crt" --sip-key "$key"
	refused 69 'no certificate in PEM' --sip-cert "$key" --sip-key "$key"
	refused 69 'no private key in PEM of that certificate' \
		--sip-cert "$cert" --sip-key "$RING/ca.key"
	cp "$key" open.key
	chmod 644 open.key
	refused 73 'chmod 600' --sip-cert "$cert" --sip-key open.key
	run_tool 64 p2psip-peer -d "$RING/peer1" --check-config --sip udp:127.0.0.1 \
		--sip-users "$RING/users" --sip-cert "$cert" --sip-key "$key"
	run_tool 0 p2psip-peer -d "$RING/peer1" --check-config --sip tls:127.0.0.1 \
		--sip-users "$RING/users" --sip-cert "$cert" --sip-key "$key"
}

# answered [FROM]: an OPTIONS, from that address.
answered()
{
	"$SOURCE/tests/cli/sip-ask" "$SIP:5060" "OPTIONS sip:$DOMAIN SIP/2.0\\r\\nVia: SIP/2.0/UDP h;rport;branch=z9hG4bK$RANDOM\\r\\nFrom: <sip:a@b>;tag=1\\r\\nTo: <sip:a@b>\\r\\nCall-ID: $RANDOM\\r\\nCSeq: 1 OPTIONS\\r\\n\\r\\n" "$@" |
		grep -q '^SIP/2.0 200'
}

@test "a flood is not heard, or read more slowly; others are, and those after a while" {
	run_tool 0 "$SOURCE/tests/cli/sip-flood" "$SIP:5060" "$DOMAIN" \
		"$(loopback 12)" "$(loopback 13)"
	ring_said peer1 "sip: too much comes from $(loopback 12)"
	answered "$(loopback 14)"
	wait_until answered "$(loopback 12)"
}

link_failed()
{
	[ "$(figure links_failed_total)" -ge 1 ]
}

@test "metrics: what is counted, by HTTP" {
	need curl
	local stores challenges name peer
	stores=$(figure sip_stores_total)
	challenges=$(figure sip_challenges_total)
	ask "$SIP:5060" "$SOURCE/tests/cli/register.xml" -t u1
	[ "$(figure sip_stores_total)" -gt "$stores" ]
	[ "$(figure sip_challenges_total)" -gt "$challenges" ]
	assert_equal "$(figure joined)" 1
	assert_equal "$(figure sip_users)" 2
	assert_equal "$(figure sip_users_registered)" 0
	[ "$(figure sip_authentication_failures_total)" -ge 200 ] # the flood
	[ "$(figure sip_flood_dropped_total)" -ge 1 ]
	[ "$(figure stored_values)" -ge 1 ]
	if [ "${RING_LINK:-}" = dtls ]; then
		[ "$(figure dtls_cookies_total)" -ge 1 ]
	else
		peer=$(ring_address 1)
		head -c 1000 /dev/zero >"/dev/tcp/${peer%:*}/${peer#*:}"
		wait_until link_failed
	fi
	[ "$(figure 'sip_answers_total{class="4xx"}')" -ge 1 ]
	[ "$(figure 'sip_calls_ended_total{class="2xx"}')" -ge 2 ]
	run_tool 22 curl -sf "http://$SIP:9100/other"
	run_tool 22 curl -sf -d x "http://$SIP:9100/metrics"
	# The manual has them all.
	while read -r name; do
		grep -q "${name#p2psip_}" "$SOURCE/man/p2psip-peer.8" ||
			grep -q "${name#p2psip_sip_}" "$SOURCE/man/p2psip-peer.8" ||
			fail "not in the manual: $name"
	done < <(curl -sf "http://$SIP:9100/metrics" |
		sed -nE 's/^# TYPE ([^ ]*).*/\1/p')
	run_tool 64 p2psip-peer -d "$RING/peer1" --metrics 127.0.0.1
}

@test "redirect, and contacts in the overlay: callers are told where to go" {
	ring_kill peer1
	phones_peer --sip-mode redirect --sip-register contact -v
	ask "$SIP:5060" "$SOURCE/tests/cli/register-only.xml" -t u1 -p 5077
	run_tool 0 p2psip-lookup -d "$RING/carol" --uri "alice@$DOMAIN"
	assert_equal "$output" "sip:alice@$(loopback 10):5077"
	sed 's|"480" />|"302" />|' "$SOURCE/tests/cli/unavailable.xml" >moved.xml
	ask "$SIP:5060" moved.xml -key callee alice -t u1 -trace_msg
	grep -q "^Contact: <sip:alice@$(loopback 10):5077>;expires=" moved_*_messages.log
	ring_said peer1 "sip: alice@$DOMAIN has 1 contacts"
	run_tool 64 p2psip-peer -d "$RING/peer1" --sip-mode b2bua
	run_tool 64 p2psip-peer -d "$RING/peer1" --sip-register both
	ring_kill peer1
	phones_peer
}

# kept USER: the peer has written down that the user is registered.
kept()
{
	grep -q "^user $1@" "$RING/users/.registered"
}

@test "a peer that was killed reaches its phones when it is back" {
	local udp
	udp=$(loopback 11)
	ask "$SIP:5060" "$SOURCE/tests/cli/register-only.xml" -t u1 -p 5078 \
		-i "$udp" -s bob -au bob
	wait_until kept bob
	ring_kill peer1 KILL
	phones_peer
	ring_said peer1 'sip: [1-9][0-9]* contacts of before'
	wait_until routes_are bob 1
	start_daemon bob sipp -t u1 -nostdin -i "$udp" -p 5078 -s bob -m 1 \
		-sf "$SOURCE/tests/cli/answer.xml" -timeout 30 -timeout_error
	wait_until bound "$udp:5078"
	call "$SIP:5060" u1
	assert_equal "$(stat -c %a "$RING/users/.registered")" 600
}
