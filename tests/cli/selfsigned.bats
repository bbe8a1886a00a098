#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# An overlay without an enrollment server: everybody signs the own certificate.

load ring_helpers

setup()
{
	helpers_setup
	RING=$BATS_TEST_TMPDIR/ring
	RING_PEERS=2
	ring_setup_file --self-signed
	DOCUMENT=$RING/overlay/overlay.xml
}

teardown()
{
	ring_teardown_file
	helpers_teardown
}

# own_join STATUS HOME USER
own_join()
{
	run_tool "$1" p2psip-join -d "$RING/$2" -c "$DOCUMENT" \
		-u "$3@$RING_NAME" "$RING_NAME"
}

# Two peers and two users, of whom one reads what the other wrote.
overlay_works()
{
	own_join 69 peer1 peer1
	ring_peer 1
	own_join 0 peer2 peer2
	ring_peer 2
	own_join 0 alice alice
	own_join 0 bob bob
	run_tool 0 p2psip-put -d "$RING/alice" "alice@$RING_NAME" 'no server'
	run_tool 0 p2psip-get -d "$RING/bob" "alice@$RING_NAME"
	assert_equal "$output" 'no server'
}

# key_digest ALGORITHM: the Node-ID that alice's key gives.
key_digest()
{
	openssl pkey -in "$RING/alice/$RING_NAME/users/alice@$RING_NAME/key.pem" \
		-pubout -outform DER | openssl dgst "-$1" -r | cut -c1-32
}

@test "Node-IDs are the keys' SHA-256" { # 6940-11.3.1-R1 6940-11.3.1-R2
	overlay_works
	assert_equal "$(ring_node_id alice)" "$(key_digest sha256)"
}

@test "Node-IDs are the keys' SHA-1" { # 6940-11.1-R6
	sed -i 's/digest="sha256"/digest="sha1"/' "$DOCUMENT"
	run_tool 0 p2psip-overlay sign --dir "$RING/overlay"
	overlay_works
	assert_equal "$(ring_node_id alice)" "$(key_digest sha1)"
}

@test "a name that is taken: say so, leave nothing, take another" { # 6940-11.3.1-R4
	overlay_works
	own_join 77 second alice
	assert_regex "$stderr" 'is taken: choose another with -u'
	run_tool 78 p2psip-get -d "$RING/second" "alice@$RING_NAME"
	own_join 0 second alice2
	run_tool 0 p2psip-put -d "$RING/second" "alice2@$RING_NAME" mine
	run_tool 0 p2psip-get -d "$RING/bob" "alice@$RING_NAME"
	assert_equal "$output" 'no server'
}
