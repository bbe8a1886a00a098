#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Links over DTLS on a network that loses, delays and reorders packets and carries no
# more than 1280 bytes at once.

load helpers

setup()
{
	helpers_setup
	need unshare nsenter
	need_netns
	in_netns "$BUILD/tests/cli/bad-network" 1 1280 </dev/null >"$STDOUT" 2>"$STDERR" ||
		skip "no bad network can be made here: $(cat "$STDERR")"
}

@test "a DTLS ring: loss to 20 %, delay to 200 ms, reordering, MTU 1280" {
	in_netns timeout -k 5 540 "$BATS_TEST_DIRNAME/trial" \
		"$BATS_TEST_TMPDIR" "$BUILD/tests/cli/bad-network"
	cat "$BATS_TEST_TMPDIR/network"
	[ "$(wc -c <"$BATS_TEST_TMPDIR/all")" -eq 12000 ]
	# No datagram needed IP's fragments, and the network was bad.
	run grep -E 'packets [0-9]+ lost [1-9][0-9]+ fragments 0$' \
		"$BATS_TEST_TMPDIR/network"
	assert_success
}
