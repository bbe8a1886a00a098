#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# An overlay whose links are TLS and DTLS, and a peer in it that speaks DTLS alone.

load ring_helpers

setup_file()
{
	unset RING_LINK # both, whatever the caller wants of others
	RING_PEERS=3
	ring_setup_file
	ring_serve
	ring_peer 1
	ring_peer 2 --link dtls
	ring_peer 3
	ring_user alice
}

setup()
{
	helpers_setup
	export P2PSIP_HOME=$RING/alice
}

@test "they are one ring: two replicas of what is stored by either way" { # 6940-6.6-D1
	run_tool 0 p2psip-put --verify "$ALICE" 'by TLS'
	run_tool 0 p2psip-put --verify -b "$(ring_address 2)" -K key "$ALICE" 'by DTLS'
	run_tool 0 p2psip-get -b "$(ring_address 2)" "$ALICE"
	assert_equal "$output" 'by TLS'
	run_tool 0 p2psip-get -k USER-DICT -K key "$ALICE"
	assert_equal "$output" 'by DTLS'
}

@test "each peer listens by what it speaks" {
	local n
	for n in 1 2 3; do
		[ -n "$(ss -Hlun "src $(ring_address "$n")")" ]
		[ "$(ss -Hltn "src $(ring_address "$n")" | wc -l)" -eq $((n != 2)) ]
	done
}

@test "--link: what it does not know is misuse" {
	run_tool 64 p2psip-peer -d "$RING/peer3" --link pigeon
	assert_regex "$stderr" 'pigeon'
	run_tool 64 p2psip-overlay init --dir "$HOMES/o" --link pigeon new.example.org
	assert_regex "$stderr" 'pigeon'
}

@test "init --link: the document says it" {
	local kind text
	while read -r kind text; do
		run_tool 0 p2psip-overlay init --dir "$HOMES/$kind" --link "$kind" \
			new.example.org
		run_tool 0 grep -o "overlay-link-protocol>$text<" \
			"$HOMES/$kind/overlay.xml"
	done <<-END
		tls TLS-TCP-FH-NO-ICE
		dtls DTLS-UDP-SR-NO-ICE
		both TLS
	END
}
