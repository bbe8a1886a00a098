#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# put, get, del, lookup and route against a ring of five, as a shell user has them.

load ring_helpers

setup_file()
{
	ring_setup_file
	ring_start
	ring_user alice
	ring_user bob
}

setup()
{
	helpers_setup
	export P2PSIP_HOME=$RING/alice
}

@test "put and get: another user reads the bytes as they are" {
	run_tool 0 p2psip-put "$ALICE" 'hello, overlay'
	assert_equal "$output" ''
	run_tool 0 p2psip-get -d "$RING/bob" "$ALICE"
	assert_equal "$output" 'hello, overlay'
	assert_equal "$stderr" ''
	assert_equal "$(wc -c <"$STDOUT")" 14
}

@test "put from standard input is binary safe" { # 6940-7.2-D1
	head -c 3000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
	run_tool 0 p2psip-put "$ALICE" <"$BATS_TEST_TMPDIR/value"
	run_tool 0 p2psip-get "$ALICE"
	cmp "$STDOUT" "$BATS_TEST_TMPDIR/value"
}

@test "put -f FILE; a file that is not there is status 66" {
	echo from a file >"$BATS_TEST_TMPDIR/value"
	run_tool 0 p2psip-put -f "$BATS_TEST_TMPDIR/value" "$ALICE"
	run_tool 0 p2psip-get "$ALICE"
	assert_equal "$output" 'from a file'
	run_tool 66 p2psip-put -f "$BATS_TEST_TMPDIR/none" "$ALICE"
	assert_regex "$stderr" 'none: No such file'
}

@test "without RESOURCE it is the own user name" {
	run_tool 0 p2psip-put "$ALICE" mine
	run_tool 0 p2psip-get
	assert_equal "$output" mine
}

@test "an empty value is not a removed one" { # 6940-7.2-D1
	run_tool 0 p2psip-put "$ALICE" ''
	run_tool 0 p2psip-get "$ALICE"
	assert_equal "$output" ''
	run_tool 0 p2psip-del "$ALICE"
	run_tool 1 p2psip-get "$ALICE"
}

@test "del: the value is gone for everybody, and a second del says no" {
	run_tool 0 p2psip-put "$ALICE" 'to be removed'
	run_tool 0 p2psip-del --verify "$ALICE"
	run_tool 1 p2psip-get -d "$RING/bob" "$ALICE"
	assert_equal "$output" ''
	assert_equal "$stderr" "p2psip-get: $ALICE: not found"
	run_tool 1 p2psip-del "$ALICE"
}

@test "get of a name that nobody stored under is status 1" {
	run_tool 1 p2psip-get "nobody@$RING_NAME"
	assert_equal "$output" ''
}

@test "several names: one line each, and status 1 for the one that is not there" {
	run_tool 0 p2psip-put "$ALICE" a
	run_tool 0 p2psip-put -d "$RING/bob" "$BOB" b
	run_tool 1 p2psip-get "$ALICE" "nobody@$RING_NAME" "$BOB"
	assert_equal "$output" "$(printf '%s\ta\n%s\tb' "$ALICE" "$BOB")"
}

@test "an array: append, index, range, gaps" { # 6940-7.4.1.1-D18
	run_tool 0 p2psip-put -k USER-ARRAY -i 0 "$ALICE" zero
	run_tool 0 p2psip-put -k USER-ARRAY -i 3 "$ALICE" three
	run_tool 0 p2psip-put -k USER-ARRAY -i end "$ALICE" four
	run_tool 0 p2psip-get -k USER-ARRAY "$ALICE"
	assert_equal "$output" "$(printf '0\tzero\n3\tthree\n4\tfour')"
	run_tool 0 p2psip-get -k USER-ARRAY -i 3 "$ALICE"
	assert_equal "$output" three
	run_tool 0 p2psip-get -i 1-3 "$ALICE"
	assert_equal "$output" "$(printf '3\tthree')"
	run_tool 0 p2psip-get -i end "$ALICE"
	assert_equal "$output" four
	run_tool 1 p2psip-get -i 2 "$ALICE"
	run_tool 0 p2psip-del --verify -k USER-ARRAY -i 3 "$ALICE"
	run_tool 0 p2psip-get -k USER-ARRAY "$ALICE"
	assert_equal "$output" "$(printf '0\tzero\n4\tfour')"
	run_tool 64 p2psip-put -k USER-ARRAY "$ALICE" where
}

@test "a dictionary: keys as text and hex, all keys, one removed" { # 6940-7.4.2.1-D3
	run_tool 0 p2psip-put -K colour "$ALICE" blue
	run_tool 0 p2psip-put -K 0x00ff "$ALICE" binary
	run_tool 0 p2psip-get -k USER-DICT "$ALICE"
	assert_equal "$output" "$(printf '0x00ff\tbinary\ncolour\tblue')"
	run_tool 0 p2psip-get -K colour "$ALICE"
	assert_equal "$output" blue
	run_tool 0 p2psip-del -K colour "$ALICE"
	run_tool 1 p2psip-get -K colour "$ALICE"
	run_tool 0 p2psip-get -k USER-DICT "$ALICE"
	assert_equal "$output" "$(printf '0x00ff\tbinary')"
	run_tool 64 p2psip-put -k USER-DICT "$ALICE" where
}

@test "a node's value: -N self, and by Node-ID for others" { # 6940-7.3-R5
	local id
	run_tool 0 p2psip-put -N self 'of this node'
	run_tool 0 p2psip-get -N self
	assert_equal "$output" 'of this node'
	run_tool 0 p2psip-get -N -j self
	id=$(jq -r .signer.node_id <"$STDOUT")
	run_tool 0 p2psip-get -d "$RING/bob" -N "$id"
	assert_equal "$output" 'of this node'
}

@test "-x takes the Resource-ID that -j and sha1sum agree on" { # 6940-10.2-R1
	run_tool 0 p2psip-put "$ALICE" hashed
	run_tool 0 p2psip-get -x "$(printf %s "$ALICE" | sha1sum | cut -c1-32)"
	assert_equal "$output" hashed
	run_tool 64 p2psip-get -x 12
}

@test "-j: one object a line with what the overlay says of the value" {
	run_tool 0 p2psip-put -l 10m "$ALICE" json
	run_tool 0 p2psip-get -j "$ALICE"
	run jq -r '[.resource, .kind, .model, .value, .signer.user] | @tsv' "$STDOUT"
	assert_output "$(printf '%s\tUSER-VALUE\tSINGLE\tjson\t%s' "$ALICE" "$ALICE")"
	run jq '.lifetime <= 600 and .lifetime > 500 and .generation >= 1' "$STDOUT"
	assert_output true
	printf '\xff\x00' | run_tool 0 p2psip-put "$ALICE"
	run_tool 0 p2psip-get -j "$ALICE"
	run jq -r .value_base64 "$STDOUT"
	assert_output /wA=
}

@test "--stat: length and hash without the value" { # 6940-7.4.3-D1
	run_tool 0 p2psip-put "$ALICE" abc
	run_tool 0 p2psip-get --stat "$ALICE"
	assert_regex "$output" "^3	[0-9]+	[0-9]+	[0-9]+	sha256:$(
		printf '\0\0\0\003abc' | sha256sum | cut -c1-64)\$"
}

@test "-g: only if the counter is the one expected, else 79" { # 6940-7.4.1.2-R2
	local generation
	run_tool 0 p2psip-put -j "$ALICE" one
	generation=$(jq .generation <"$STDOUT")
	run_tool 0 p2psip-put -g "$generation" "$ALICE" two
	run_tool 79 p2psip-put -g "$generation" "$ALICE" three
	assert_regex "$stderr" "generation counter is not the stored one"
	run_tool 0 p2psip-get "$ALICE"
	assert_equal "$output" two
}

@test "--verify: two replicas have it" { # 6940-7.4.1.2-R1
	run_tool 0 p2psip-put --verify -j "$ALICE" verified
	run jq '.replicas | length' "$STDOUT"
	assert_output 2
}

@test "writing at another's name is forbidden, and the message says whose it is" { # 6940-7.3-R4
	run_tool 77 p2psip-put "$BOB" intruder
	assert_regex "$stderr" "own user name|$ALICE"
	run_tool 77 p2psip-put -k SIP-REGISTRATION "$BOB" "uri:sip:x@192.0.2.1:5060"
}

@test "a value over its Kind's size is status 65" { # 6940-7.4.1.2-R3
	head -c 70000 /dev/zero | run_tool 65 p2psip-put "$ALICE"
}

@test "lifetime: a value of one second goes" { # 6940-7-D1
	run_tool 0 p2psip-put -l 1 -K short "$ALICE" lived
	wait_until gone -K short "$ALICE"
}

gone()
{
	p2psip-get -q "$@" >/dev/null 2>&1
	[ $? -eq 1 ]
}

@test "an unknown kind is status 78, misuse 64" {
	run_tool 78 p2psip-get -k NO-SUCH "$ALICE"
	run_tool 64 p2psip-get -k USER-VALUE -i 3 "$ALICE"
	run_tool 64 p2psip-get --no-such-option
	assert_regex "$stderr" "Try 'p2psip-get --help'"
}

@test "lookup: contacts, best first, as SIP tools take them" {
	run_tool 0 p2psip-put -k SIP-REGISTRATION "$ALICE" \
		'uri:sip:alice@192.0.2.7:5060;transport=udp'
	run_tool 0 p2psip-lookup -d "$RING/bob" "sip:$ALICE"
	assert_equal "$output" 'sip:alice@192.0.2.7:5060'
	run_tool 0 p2psip-lookup --uri "$ALICE"
	assert_equal "$output" 'sip:alice@192.0.2.7:5060;transport=udp'
	run_tool 0 p2psip-get -k SIP-REGISTRATION "$ALICE"
	assert_regex "$output" 'uri:sip:alice@192.0.2.7:5060;transport=udp$'
}

@test "lookup -r: the destination list of a route" {
	local id
	id=$(ring_node_id bob)
	run_tool 0 p2psip-put -d "$RING/bob" -k SIP-REGISTRATION "$BOB" "route:$id"
	run_tool 0 p2psip-lookup -r "$BOB"
	assert_equal "$output" "$id"
	run_tool 1 p2psip-lookup "$BOB"
	assert_regex "$stderr" '-r'
}

@test "lookup follows a redirection and ends a loop" { # 7904-4.2-R1
	run_tool 0 p2psip-put -d "$RING/bob" -k SIP-REGISTRATION "$BOB" \
		'uri:sip:bob@192.0.2.8:5070'
	run_tool 0 p2psip-put -k SIP-REGISTRATION "$ALICE" "uri:$BOB"
	run_tool 0 p2psip-lookup "$ALICE"
	assert_equal "$output" 'sip:bob@192.0.2.8:5070'
	run_tool 0 p2psip-put -d "$RING/bob" -k SIP-REGISTRATION "$BOB" "uri:$ALICE"
	run_tool 1 p2psip-lookup "$ALICE"
}

@test "lookup of nobody is status 1; -a goes on, -1 stops at the best" {
	run_tool 1 p2psip-lookup "nobody@$RING_NAME"
	run_tool 0 p2psip-put -k SIP-REGISTRATION "$ALICE" 'uri:sip:alice@192.0.2.7'
	run_tool 0 p2psip-put -d "$RING/bob" -k SIP-REGISTRATION "$BOB" \
		'uri:sip:bob@192.0.2.8'
	run_tool 0 p2psip-lookup "nobody@$RING_NAME" "$ALICE" "$BOB"
	assert_equal "$output" 'sip:alice@192.0.2.7'
	run_tool 0 p2psip-lookup -a "$ALICE" "$BOB"
	assert_equal "$output" "$(printf 'sip:alice@192.0.2.7\nsip:bob@192.0.2.8')"
}

@test "route: ping the own peer, a name's owner, a Node-ID; nobody is 75" { # 6940-6.5.3-D1
	local id
	run_tool 0 p2psip-route
	assert_regex "$output" '^[0-9a-f]{32}	[0-9]+\.[0-9]{3}$'
	run_tool 0 p2psip-route "$ALICE"
	id=${output%%	*}
	run_tool 0 p2psip-route "$id"
	assert_equal "${output%%	*}" "$id"
	run_tool 0 p2psip-route -x "$id"
	assert_equal "${output%%	*}" "$id"
	run_tool 75 p2psip-route -T 1 00000000000000000000000000000001
}

@test "route --probe of every peer: the shares add up to the ring" { # 6940-6.4.2.5-D1
	local ids sum=0
	run_tool 0 p2psip-route --table -j
	mapfile -t ids < <(jq -r '[.node_id, .predecessors[], .successors[]] |
		unique[]' "$STDOUT")
	assert_equal "${#ids[@]}" 5
	for id in "${ids[@]}"; do
		run_tool 0 p2psip-route --probe -j "$id"
		sum=$((sum + $(jq .share_ppb <"$STDOUT")))
	done
	assert [ "$sum" -ge 999999990 ] && assert [ "$sum" -le 1000000000 ]
}

@test "route --table: neighbours of the peer connected to" { # 6940-10.7.3-R3
	run_tool 0 p2psip-route --table
	assert_regex "$output" 'predecessor	1	[0-9a-f]{32}'
	assert_regex "$output" 'successor	1	[0-9a-f]{32}'
}

@test "from cron: no terminal, env -i, -q prints nothing on success" {
	run_tool 0 env -i PATH="$PATH" HOME="$HOME" p2psip-put -q -d "$RING/alice" \
		"$ALICE" cron </dev/null
	assert_equal "$output$stderr" ''
	run_tool 0 env -i PATH="$PATH" HOME="$HOME" p2psip-get -d "$RING/alice" "$ALICE"
	assert_equal "$output" cron
}

@test "a full disk under stdout is status 73" {
	[ -e /dev/full ] || skip 'no /dev/full'
	run_tool 0 p2psip-put "$ALICE" full
	status=0
	p2psip-get "$ALICE" >/dev/full 2>"$STDERR" || status=$?
	assert_equal "$status" 73
	assert_regex "$(cat "$STDERR")" 'No space left'
}

@test "no peer there is status 69, and the message names the address" {
	run_tool 69 p2psip-get -b "$(loopback 15):9" "$ALICE"
	assert_regex "$stderr" "$(loopback 15):9"
}

@test "no home is status 78 and says p2psip-join; one that others read is 73" {
	run_tool 78 p2psip-get -d "$BATS_TEST_TMPDIR/none" "$ALICE"
	assert_regex "$stderr" p2psip-join
	cp -r "$RING/alice" "$BATS_TEST_TMPDIR/open"
	chmod 755 "$BATS_TEST_TMPDIR/open"
	run_tool 73 p2psip-get -d "$BATS_TEST_TMPDIR/open" "$ALICE"
	assert_regex "$stderr" 'chmod 700'
}

@test "lookup --near walks the ring with Find" { # 6940-7.4.4-R3
	local a b
	run_tool 0 p2psip-put -K walk "$ALICE" 1
	run_tool 0 p2psip-put -d "$RING/bob" -K walk "$BOB" 2
	a=$(printf %s "$ALICE" | sha1sum | cut -c1-32)
	b=$(printf %s "$BOB" | sha1sum | cut -c1-32)
	run_tool 0 p2psip-lookup --kind USER-DICT --near 00000000000000000000000000000000
	assert_equal "$output" "$(printf '%s\n%s\n' "$a" "$b" | sort)"
	run_tool 0 p2psip-lookup -1 --kind USER-DICT --near "$b"
	assert_equal "$output" "$b"
	run_tool 1 p2psip-lookup --kind TURN-SERVICE --near "$a"
}

@test "more than one message holds; an array with far indices" {
	local i value
	value=$(head -c 8000 /dev/zero | tr '\0' v)
	for i in 1 2 3 4 5 6 7 8; do
		run_tool 0 p2psip-put -d "$RING/bob" -K "large$i" "$BOB" "$value"
		run_tool 0 p2psip-put -d "$RING/bob" -k USER-ARRAY \
			-i $((i * i * 536870911 / 8)) "$BOB" "$value"
	done
	for i in USER-DICT USER-ARRAY; do
		run_tool 0 p2psip-get --stat -k $i "$BOB"
		cut -f1 "$STDOUT" >"$BATS_TEST_TMPDIR/keys"
		run_tool 0 p2psip-get -k $i "$BOB"
		cut -f1 "$STDOUT" | diff "$BATS_TEST_TMPDIR/keys" -
		assert_equal "$(grep -c "	$value\$" "$STDOUT")" 8
	done
	run_tool 0 p2psip-get -j --all "$BOB"
	assert_equal "$(grep -c '"large[1-8]"' "$STDOUT")" 8
	# One that fails leaves nothing of its own on stdout.
	run_tool 65 p2psip-get -k USER-ARRAY -i 0-9999999 "$BOB"
	assert_equal "$output" ''
}
