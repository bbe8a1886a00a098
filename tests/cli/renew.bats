#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Certificates and documents come to their end.  The overlay was made 300 days ago,
# so that its document ends before a certificate of today; faketime moves tools on.

load ring_helpers

setup_file()
{
	command -v faketime >/dev/null || return 0 # setup skips
	export RING_PEERS=1
	p2psip-overlay()
	{
		faketime -f -300d "$BUILD/cmd/p2psip-overlay" "$@"
	}
	ring_setup_file
	unset -f p2psip-overlay
	ring_start
	ring_user alice
	ring_user bob
}

setup()
{
	need faketime
	helpers_setup
	export P2PSIP_HOME=$RING/alice
	CERT=$RING/alice/$RING_NAME/users/$ALICE/cert.pem
}

# stored OPTION…: is alice's certificate among those that the overlay has?
stored()
{
	openssl x509 -in "$CERT" -outform DER >"$BATS_TEST_TMPDIR/der"
	p2psip-get -j "$@" | jq -r .value_base64 |
		grep -Fxq "$(base64 -w 0 "$BATS_TEST_TMPDIR/der")"
}

@test "join leaves the certificate in the overlay, byte for byte" { # 6940-8-R1
	stored -k CERTIFICATE_BY_USER
	stored -k CERTIFICATE_BY_NODE -N self
}

@test "--renew: the same key, the same Node-ID, the values stay" { # 6940-11.3-R8
	local id key before
	id=$(ring_node_id alice)
	key=$(md5sum "${CERT%cert.pem}key.pem")
	before=$(openssl x509 -in "$CERT" -noout -serial)
	run_tool 0 p2psip-put -K kept "$ALICE" kept
	run_tool 0 p2psip-join --renew -p "$RING/alice.pass"
	assert_equal "$(ring_node_id alice)" "$id"
	assert_equal "$(md5sum "${CERT%cert.pem}key.pem")" "$key"
	assert_not_equal "$(openssl x509 -in "$CERT" -noout -serial)" "$before"
	stored -k CERTIFICATE_BY_USER
	run_tool 0 p2psip-get -d "$RING/bob" -K kept "$ALICE"
	assert_equal "$output" kept
}

@test "join renews by itself only when a third of the life is left" {
	local before
	before=$(openssl x509 -in "$CERT" -noout -serial)
	run_tool 0 p2psip-join
	assert_equal "$(openssl x509 -in "$CERT" -noout -serial)" "$before"
	run_tool 0 faketime -f +62d p2psip-join -p "$RING/alice.pass"
	assert_not_equal "$(openssl x509 -in "$CERT" -noout -serial)" "$before"
}

@test "an expired certificate is told as that, as is a clock that is wrong" {
	run_tool 78 faketime -f +70d p2psip-get "$ALICE"
	run_tool 76 faketime -f -2d p2psip-get "$ALICE"
	assert_regex "$stderr" "clock"
}

@test "an expired document: 78, until there is a newer one" { # 6940-11.1-R3
	run_tool 78 faketime -f +70d p2psip-get "$ALICE"
	assert_regex "$stderr" 'expired: at 20'
	run_tool 78 faketime -f +70d p2psip-join -q
	run_tool 0 faketime -f +60d p2psip-overlay sign --dir "$RING/overlay"
	run_tool 0 p2psip-join -q --update
	run_tool 0 faketime -f +70d p2psip-get -K kept -v "$ALICE"
}

@test "a lifetime never goes past the certificate's end" {
	run_tool 0 p2psip-put -l 3650d -K long "$ALICE" long
	run_tool 0 p2psip-get -K long -j "$ALICE"
	assert [ "$(jq .lifetime <"$STDOUT")" -le $((90 * 86400)) ]
	assert [ "$(jq .lifetime <"$STDOUT")" -gt $((89 * 86400)) ]
}
