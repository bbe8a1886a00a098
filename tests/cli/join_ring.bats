# SPDX-License-Identifier: ISC
# p2psip-join in a ring: the certificate in the overlay, names that are taken, values
# that outlive their signer's certificate.  Nodes sign their own certificates here.

RING_PEERS=2
load ring_helpers

setup_file()
{
	ring_setup_file --self-signed
	ring_serve
	ring_peer 1
	ring_peer 2
}

# home USER: enrols USER into a fresh home of this test, and prints it.
home()
{
	local home=$HOMES/$1.$RANDOM
	p2psip-join -d "$home" -c "$RING/overlay/overlay.xml" -u "$1" "${@:2}" \
		>"$STDOUT" 2>"$STDERR" || return
	echo "$home"
}

pem()
{
	echo "$1/$RING_NAME/users/$2@$RING_NAME/cert.pem"
}

stored()
{
	p2psip-get -d "$1" -j -k "$2" "${@:3}" | grep -o '"value_base64":"[^"]*"' |
		cut -d'"' -f4
}

@test "an overlay without an enrollment server forms, and lets in" { # 6940-11.3.1-R1
	run_tool 0 p2psip-join -d "$HOMES/h" -c "$RING/overlay/overlay.xml" -u zoe
	assert_regex "$output" "^zoe@$RING_NAME"$'\t[0-9a-f]{32}$'
	run_tool 0 p2psip-join -d "$HOMES/h" -q
	assert_equal "$output$stderr" ''
	run_tool 0 p2psip-join -d "$HOMES/h" -j
	assert_regex "$output" '"node_id": ?"[0-9a-f]{32}"'
}

@test "the certificate is found by name and by node" { # 6940-11.3.1-R4
	local h der node
	h=$(home ann)
	node=$(cut -f2 "$STDOUT")
	der=$(openssl x509 -in "$(pem "$h" ann)" -outform DER | base64 -w0)
	assert_equal "$(stored "$h" CERTIFICATE_BY_USER "ann@$RING_NAME")" "$der"
	assert_equal "$(stored "$h" CERTIFICATE_BY_NODE -N "$node")" "$der"
	# Joined again, it is there once.
	run_tool 0 p2psip-join -d "$h"
	assert_equal "$(stored "$h" CERTIFICATE_BY_USER "ann@$RING_NAME")" "$der"
}

@test "a user name that is taken: choose another" { # 6940-11.3.1-R4
	local first
	first=$(home ben)
	run_tool 77 p2psip-join -d "$HOMES/second" -c "$RING/overlay/overlay.xml" -u ben
	assert_regex "$stderr" 'taken'
	assert_not_exist "$(pem "$HOMES/second" ben)"
	run_tool 0 p2psip-join -d "$HOMES/second" -u ben2
	run_tool 0 p2psip-join -d "$first"
}

@test "renew: another certificate, and what the old one signed is signed anew" {
	local h before
	h=$(home cleo)
	p2psip-put -d "$h" "cleo@$RING_NAME" 'single value'
	p2psip-put -d "$h" -k USER-DICT -K color "cleo@$RING_NAME" blue
	p2psip-put -d "$h" -k USER-ARRAY -i 3 "cleo@$RING_NAME" three
	p2psip-put -d "$h" -k NODE-VALUE -N self 'of the node'
	before=$(sha256sum <"$(pem "$h" cleo)")
	run_tool 0 p2psip-join -d "$h" --renew
	assert_not_equal "$(sha256sum <"$(pem "$h" cleo)")" "$before"
	run_tool 0 p2psip-get -d "$h" -j "cleo@$RING_NAME"
	assert_regex "$output" '"value":"single value"'
	assert_regex "$output" '"generation":2[,}]'
	run_tool 0 p2psip-get -d "$h" -k USER-DICT -K color "cleo@$RING_NAME"
	assert_equal "$output" blue
	run_tool 0 p2psip-get -d "$h" -k USER-ARRAY -i 3 "cleo@$RING_NAME"
	assert_equal "$output" three
	run_tool 0 p2psip-get -d "$h" -k NODE-VALUE -N self
	assert_equal "$output" 'of the node'
}

@test "peers that were linked to are kept for the next time" { # 6940-11.4-R3
	local h peers
	h=$(home dora)
	peers=$(cat "$h/$RING_NAME/peers")
	assert_equal "$(wc -l <<<"$peers")" 1
	grep -qxF "$peers" "$RING/addresses"
	# 6940-11.4-R1: one that is gone does not keep anybody out.
	echo "$(loopback 9):1" >"$h/$RING_NAME/peers"
	run_tool 0 p2psip-join -d "$h"
	assert_equal "$(cat "$h/$RING_NAME/peers")" "$peers"
}

@test "a document that was signed meanwhile comes from the overlay" {
	local h sequence
	h=$(home eve)
	p2psip-overlay sign --dir "$RING/overlay"
	sequence=$(p2psip-overlay check "$RING/overlay/overlay.xml" | cut -f2)
	# To the ring by one client that has it; from there to the others.
	run_tool 0 p2psip-join -d "$h" -c "$RING/overlay/overlay.xml"
	run_tool 0 p2psip-put -d "$h" "eve@$RING_NAME" x
	wait_until grep -q "document $sequence is in use" "$RING/peer1.err"
	wait_until grep -q "document $sequence is in use" "$RING/peer2.err"
}

@test "where clients may not stay, join makes the identity only" { # 6940-11.1-R8
	cp -r "$RING/overlay" "$BATS_TEST_TMPDIR/o"
	sed -i 's|<clients-permitted>true|<clients-permitted>false|' \
		"$BATS_TEST_TMPDIR/o/overlay.xml"
	p2psip-overlay sign --dir "$BATS_TEST_TMPDIR/o"
	run_tool 0 p2psip-join -d "$HOMES/h" -c "$BATS_TEST_TMPDIR/o/overlay.xml" -u fay
	run_tool 77 p2psip-get -d "$HOMES/h" "fay@$RING_NAME"
}
