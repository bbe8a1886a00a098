#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The overlay's document changes while peers and tools run; nodes are revoked.

load ring_helpers

setup_file()
{
	export RING_PEERS=3
	ring_setup_file
	ring_start
	ring_user alice
	ring_user bob
}

setup()
{
	helpers_setup
	export P2PSIP_HOME=$RING/alice
	DOCUMENT=$RING/overlay/overlay.xml
}

# sequence USER: of the document in a home.
sequence()
{
	sed -n 's/.*<configuration .*sequence="\([0-9]*\)".*/\1/p' \
		"$RING/$1/$RING_NAME/overlay.xml"
}

peers_have()
{
	local n
	for n in 1 2 3; do
		! ring_lives "peer$n" || [ "$(sequence "peer$n")" = "$1" ] || return
	done
}

# publish: the edited document, signed, reaches one peer by hand and all by flood.
publish()
{
	run_tool 0 p2psip-overlay sign --dir "$RING/overlay"
	spread
}

spread()
{
	run_tool 0 p2psip-join -q --update -d "$RING/peer1" "$RING_NAME"
	kill -HUP "$(cat "$RING/peer1.pid")"
	wait_until peers_have "$(sequence peer1)"
}

# kind ID LABEL: a Kind for everybody's own name, not signed yet.
kind()
{
	cat <<-XML
		<kind-block><kind id="$1"
		><label xmlns="urn:p2psip-tools:config-label">$2</label
		><data-model>SINGLE</data-model
		><access-control>USER-MATCH</access-control
		><max-count>1</max-count><max-size>500</max-size
		></kind></kind-block>
	XML
}

@test "a document goes from one peer to all" { # 6940-6.5.4-R1 6940-11.1-R19
	run_tool 0 p2psip-put "$ALICE" before
	kind 4026531850 NOTE >"$BATS_TEST_TMPDIR/kind"
	sed -i -e '/>USER-VALUE</,/<max-size>/s/>32768</>64</' \
		-e "/<\\/required-kinds>/e cat '$BATS_TEST_TMPDIR/kind'" "$DOCUMENT"
	publish
	assert_equal "$(sequence peer3)" 2
	run_tool 0 p2psip-overlay check "$DOCUMENT"
	assert_regex "$output" "^$RING_NAME	2	"
}

@test "a tool that is behind updates its home and asks again" { # 6940-6.3.2.1-R3
	assert_equal "$(sequence alice)" 1
	run_tool 0 p2psip-get "$ALICE"
	assert_equal "$output" before
	assert_equal "$(cat "$STDERR")" ''
	assert_equal "$(sequence alice)" 2
}

@test "of what is not there a tool that was behind says only that" {
	assert_equal "$(sequence bob)" 1
	run_tool 1 p2psip-get -d "$RING/bob" "$BOB"
	assert_equal "$stderr" "p2psip-get: $BOB: not found"
	assert_equal "$(sequence bob)" 2
}

@test "the new limit and the new Kind are in force" { # 6940-6.5.4-R5
	head -c 65 /dev/zero | run_tool 65 p2psip-put "$ALICE"
	head -c 64 /dev/zero | run_tool 0 p2psip-put "$ALICE"
	run_tool 0 p2psip-put -k NOTE "$ALICE" 'a note'
	run_tool 0 p2psip-get -d "$RING/bob" -k NOTE "$ALICE"
	assert_equal "$output" 'a note'
}

@test "a Kind taken out of the document is known no more" { # 6940-6.5.4-R5
	sed -i '/<kind-block>/{:more;/<\/kind-block>/!{N;b more};/>NOTE</d}' "$DOCUMENT"
	publish
	run_tool 78 p2psip-get -d "$RING/bob" -k 4026531850 "$ALICE"
	run_tool 78 p2psip-get -d "$RING/bob" -k NOTE "$ALICE"
	assert_regex "$stderr" 'p2psip-join --update'
}

@test "an older document is refused, and forgotten" { # 6940-6.3.2.1-R2
	local before
	before=$(sequence peer1)
	cp "$DOCUMENT" "$BATS_TEST_TMPDIR/old.xml"
	publish
	run_tool 0 p2psip-join --update
	run_tool 78 p2psip-join -c "$BATS_TEST_TMPDIR/old.xml" "$RING_NAME"
	assert_regex "$stderr" "sequence $before, in use is $((before + 1))"
	assert_equal "$(cat "$RING/alice/$RING_NAME/source")" "$(cat "$RING/url")"
	# A peer starts all the same with what it has.
	ring_kill peer3
	ring_peer 3 -c "$BATS_TEST_TMPDIR/old.xml"
	ring_said peer3 'not newer than the one in use'
}

@test "a document that another authority signs is refused" { # 6940-11.1-R18
	p2psip-overlay init --dir "$BATS_TEST_TMPDIR/forged" "$RING_NAME"
	for _ in {1..9}; do
		p2psip-overlay sign --dir "$BATS_TEST_TMPDIR/forged"
	done
	refused "$BATS_TEST_TMPDIR/forged/overlay.xml"
}

@test "a document with one byte changed is refused" { # 6940-11.1-R17
	sed 's/ sequence="[0-9]*"/ sequence="20"/' "$DOCUMENT" \
		>"$BATS_TEST_TMPDIR/changed.xml"
	refused "$BATS_TEST_TMPDIR/changed.xml" "signature does not verify"
}

@test "a document with a DOCTYPE is refused" {
	sed '1a<!DOCTYPE overlay [<!ENTITY x "y">]>' "$DOCUMENT" \
		>"$BATS_TEST_TMPDIR/doctype.xml"
	refused "$BATS_TEST_TMPDIR/doctype.xml"
}

# refused FILE: by join, peer and check, and the home keeps what it has.
refused()
{
	local before
	before=$(md5sum "$RING/alice/$RING_NAME/overlay.xml")
	run_tool 78 p2psip-join -c "$1" "$RING_NAME"
	assert_regex "$stderr" "${2-.}"
	run_tool 78 p2psip-peer -d "$RING/alice" -c "$1" --check-config
	assert_equal "$(md5sum "$RING/alice/$RING_NAME/overlay.xml")" "$before"
	run_tool 78 p2psip-join -d "$BATS_TEST_TMPDIR/new" -u x -c "$1" other.example.org
	assert_not_exist "$BATS_TEST_TMPDIR/new/other.example.org"
}

@test "the web server is down: join -c says so, a peer goes on" {
	ring_kill server
	run_tool 69 p2psip-join -c "$(cat "$RING/url")" "$RING_NAME"
	run_tool 0 p2psip-peer -d "$RING/peer1" -c "$(cat "$RING/url")" --check-config
	assert_regex "$stderr" 'web server'
	ring_serve
}

@test "revoke a user: refused everywhere, and what was stored is gone" { # 6940-11.1-R11
	run_tool 0 p2psip-put -K mine "$ALICE" 'of alice'
	run_tool 0 p2psip-put -d "$RING/bob" -K mine "$BOB" 'of bob'
	run_tool 0 p2psip-overlay revoke --dir "$RING/overlay" alice
	spread
	run_tool 77 p2psip-put -K mine "$ALICE" more
	assert_regex "$stderr" 'listed as bad'
	run_tool 77 p2psip-get "$BOB"
	run_tool 1 p2psip-get -d "$RING/bob" -K mine "$ALICE"
	run_tool 0 p2psip-get -d "$RING/bob" -K mine "$BOB"
	assert_equal "$output" 'of bob'
	run_tool 77 p2psip-join
	assert_regex "$stderr" 'revoked'
	run_tool 77 p2psip-join --renew -p "$RING/alice.pass"
	# Now the tools know it by themselves.
	run_tool 77 p2psip-get "$BOB"
	assert_regex "$stderr" 'was revoked'
	run_tool 1 p2psip-overlay revoke --dir "$RING/overlay" nobody
}

@test "a user added again draws another Node-ID" {
	local before
	before=$(ring_node_id alice)
	ring_account alice
	run_tool 0 p2psip-join --renew -p "$RING/alice.pass"
	assert_not_equal "$(ring_node_id alice)" "$before"
	run_tool 0 p2psip-put -K mine "$ALICE" again
	run_tool 0 p2psip-get -d "$RING/bob" -K mine "$ALICE"
	assert_equal "$output" again
}

@test "revoke a peer's Node-ID: the ring goes on without it" { # 6940-11.1-R11
	local id
	run_tool 0 p2psip-put --verify -K kept "$ALICE" kept
	id=$(ring_node_id peer2)
	run_tool 0 p2psip-overlay revoke --dir "$RING/overlay" "$id"
	run_tool 0 p2psip-join -q --update -d "$RING/peer1" "$RING_NAME"
	kill -HUP "$(cat "$RING/peer1.pid")"
	ring_said peer2 'refuses the own certificate: it is listed as bad'
	wait_until sees_two
	run_tool 0 p2psip-get -K kept "$ALICE"
	assert_equal "$output" kept
	run_tool 76 p2psip-get -b "$(ring_address 2)" -K kept "$ALICE"
	# Told of the document, it knows that it is out.
	run_tool 0 p2psip-join -q --update -d "$RING/peer2" "$RING_NAME"
	kill -HUP "$(cat "$RING/peer2.pid")"
	wait_until barred peer2
	run_tool 77 p2psip-peer -d "$RING/peer2" --check-config
}

barred()
{
	! ring_lives "$1" && grep -q 'lists this node as bad' "$RING/$1.err"
}

sees_two()
{
	[ "$(p2psip-route -b "$(ring_address 1)" --table -j |
		jq '[.node_id, .predecessors[], .successors[]] | unique | length')" \
		-eq 2 ]
}
