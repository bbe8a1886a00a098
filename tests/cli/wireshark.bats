#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Another decoder agrees: Wireshark, on what the tools and peers send.

load helpers

# A requirement is that the oracle's script is at hand: it is not part of this tree.
ORACLE=${P2PSIP_ORACLE:-$SOURCE/../shared/oracle}

# The capture is made once, by the first test: bats counts a skip in setup_file, where
# it would belong, as a failure.
setup()
{
	helpers_setup
	need tshark unshare
	[ -f "$ORACLE/tshark-decode.sh" ] ||
		skip "no $ORACLE/tshark-decode.sh (set P2PSIP_ORACLE)"
	need_netns
	if [ "$BATS_TEST_NUMBER" -eq 1 ]; then
		HOME=$BATS_FILE_TMPDIR in_netns "$BATS_TEST_DIRNAME/capture" \
			"$BATS_FILE_TMPDIR"
	fi
	OPTIONS=(-k "$BATS_FILE_TMPDIR/keys" -K 0xf0000001,USER-VALUE,SINGLE
		-K 0xf0000002,USER-ARRAY,ARRAY -K 0xf0000003,USER-DICT,DICTIONARY
		-K 0xf0000004,NODE-VALUE,SINGLE)
	while read -r port; do
		OPTIONS+=(-p "$port")
	done <"$BATS_FILE_TMPDIR/ports"
}

decode()
{
	TOOL_TIMEOUT=120 run_tool 0 bash "$ORACLE/tshark-decode.sh" "${OPTIONS[@]}" "$@" \
		"$BATS_FILE_TMPDIR/capture.pcapng"
}

@test "every message in the capture decodes" { # 6940-6.3-R1
	decode -q
	assert_regex "$output" 'VERDICT: ok'
}

@test "every method that the tools use is in it" {
	local code
	decode -f reload.message.code
	# Attach, Store, Fetch, Join, Leave, Update, RouteQuery, Ping, Stat, Probe,
	# request and answer, and an error.
	for code in 3 4 7 8 9 10 15 16 17 18 19 20 21 22 23 24 25 26 1 2 65535; do
		grep -qw "$code" <<<"$output" || fail "no message of code $code"
	done
}
