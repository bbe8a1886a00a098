#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a stranger, or a member that misbehaves, can send to a peer: it goes on.

load ring_helpers

setup_file()
{
	unset RING_LINK # it is streams that come, whatever the caller's links are
	RING_PEERS=2
	ring_setup_file
	ring_start
	ring_user alice
}

setup()
{
	helpers_setup
	export P2PSIP_HOME=$RING/alice
	PEER=$(ring_address 1)
	RSS=$(peer_rss)
}

peer_rss()
{
	awk '/^VmRSS:/ { print $2 }' "/proc/$(cat "$RING/peer1.pid")/status"
}

# The peer lives, answers others, and holds no more memory than it did (by much).
still_well()
{
	assert ring_lives peer1
	run_tool 0 p2psip-route -b "$PEER"
	assert [ "$(peer_rss)" -le $((RSS + 20000)) ]
}

# member BYTES: a TLS link with alice's certificate, over which BYTES go (\xHH);
# what comes back is in $BATS_TEST_TMPDIR/answer.  Ends when the peer closes.
member()
{
	local dir=$RING/alice/$RING_NAME/users/$ALICE
	{
		printf '%b' "$1"
		wait_until stopped
	} | timeout 20 openssl s_client -quiet -no_ign_eof -connect "$PEER" \
		-cert "$dir/cert.pem" -key "$dir/key.pem" \
		>"$BATS_TEST_TMPDIR/answer" 2>"$BATS_TEST_TMPDIR/s_client" &
	CLIENT=$!
	echo "$CLIENT" >"$BATS_TEST_TMPDIR/client"
	wait "$CLIENT" || :
}

stopped()
{
	[ -s "$BATS_TEST_TMPDIR/answer" ] || {
		[ -e "$BATS_TEST_TMPDIR/client" ] &&
			! kill -0 "$(cat "$BATS_TEST_TMPDIR/client")" 2>/dev/null
	}
}

@test "garbage instead of TLS" {
	head -c 100000 /dev/urandom >"/dev/tcp/${PEER%:*}/${PEER#*:}" || :
	still_well
}

@test "connections that never shake hands" {
	local fds=() fd
	for _ in {1..200}; do
		exec {fd}<>"/dev/tcp/${PEER%:*}/${PEER#*:}" || break
		fds+=("$fd")
	done
	assert [ "${#fds[@]}" -gt 0 ]
	still_well
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}

@test "TLS without a certificate, and with a stranger's" { # 6940-13.2-R1 6940-13.3-R3
	run timeout 20 openssl s_client -connect "$PEER" </dev/null
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$BATS_TEST_TMPDIR/k" -out "$BATS_TEST_TMPDIR/c" -subj /CN=x \
		-addext 'subjectAltName=URI:reload://011000000000000000000000000000000001@bats.example.org/' \
		2>/dev/null
	run timeout 20 openssl s_client -connect "$PEER" -quiet -no_ign_eof \
		-cert "$BATS_TEST_TMPDIR/c" -key "$BATS_TEST_TMPDIR/k" </dev/null
	assert_regex "$(cat "$RING/peer1.err")" 'incoming link failed' ||
		: # only under -v
	still_well
}

@test "a member that sends no frame but noise is cut off" {
	member 'GET / HTTP/1.0\r\n\r\n'
	still_well
}

@test "a frame of 16 MB announced" { # 6940-6.6-R2
	member '\x80\x00\x00\x00\x00\xff\xff\xff\xd2\x45\x4c\x4f'
	still_well
}

@test "a message of the wrong overlay, of the wrong version, with TTL 0" {
	# A Ping to the wildcard, without certificates or signature.
	local body='\x00\x17\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
	local to='\x01\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff'
	local length='\x00\x00\x00\x4e' head
	for head in '\x00\x00\x00\x00\x00\x01\x0a\x64' \
		'\x9a\xa3\x2b\x8d\x00\x01\x0b\x64' '\x9a\xa3\x2b\x8d\x00\x01\x0a\x00'; do
		member "\\x80\\x00\\x00\\x00\\x00\\x00\\x00\\x4e\\xd2\\x45\\x4c\\x4f${head}\\xc0\\x00\\x00\\x00${length}\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x12\\x00\\x00${to}${body}"
		still_well
	done
}
