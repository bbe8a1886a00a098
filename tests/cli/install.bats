#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Installed, away from the tree, with next to no environment.

load ring_helpers

setup_file()
{
	unset MAKEFLAGS MAKELEVEL MFLAGS
	make -C "$BUILD" -s install DESTDIR="$BATS_FILE_TMPDIR/root" \
		>"$BATS_FILE_TMPDIR/install.log" 2>&1
	export RING_PEERS=1
	ring_setup_file
	ring_start
	ring_user alice
}

setup()
{
	helpers_setup
	ROOT=$BATS_FILE_TMPDIR/root
	BIN=$(dirname "$(find "$ROOT" -name p2psip-get -type f -perm -u+x)")
	cd /
}

@test "every tool is installed, with its manual page, and says its version" {
	local tool
	for tool in "${TOOLS[@]}"; do
		run find "$ROOT" -name "$tool" -type f -perm -u+x
		assert_equal "${#lines[@]}" 1
		run_tool 0 env -i "${lines[0]}" --version
		run find "$ROOT" -name "$tool.[18]"
		assert_equal "${#lines[@]}" 1
	done
}

@test "from another folder, with env -i: put, get, and del" {
	local alone=(env -i HOME="$HOME" PATH="$BIN:/usr/bin:/bin")
	run_tool 0 "${alone[@]}" p2psip-put -d "$RING/alice" "$ALICE" installed
	run_tool 0 "${alone[@]}" p2psip-get -d "$RING/alice" "$ALICE"
	assert_equal "$output" installed
	run_tool 0 "${alone[@]}" p2psip-del -d "$RING/alice" "$ALICE"
}

@test "every tool with stdin, or all three, closed" {
	local tool
	run_tool 0 p2psip-put -d "$RING/alice" "$ALICE" open
	for tool in p2psip-get p2psip-route p2psip-join; do
		status=0
		"$BIN/$tool" -d "$RING/alice" <&- >"$STDOUT" 2>"$STDERR" || status=$?
		assert_equal "$status" 0
		status=0
		"$BIN/$tool" -q -d "$RING/alice" <&- >&- 2>&- || status=$?
		assert [ "$status" -eq 0 -o "$status" -eq 73 ]
	done
	status=0
	"$BIN/p2psip-put" -d "$RING/alice" "$ALICE" <&- 2>"$STDERR" || status=$?
	assert_equal "$status" 66
	# Nothing of the home was taken for a closed descriptor.
	run_tool 0 p2psip-get -d "$RING/alice" "$ALICE"
	assert_equal "$output" open
}

@test "-T is the deadline of the whole run" {
	local start=$EPOCHREALTIME
	kill -STOP "$(cat "$RING/peer1.pid")"
	status=0
	p2psip-get -T 0.5 -d "$RING/alice" "$ALICE" 2>"$STDERR" || status=$?
	kill -CONT "$(cat "$RING/peer1.pid")"
	assert [ "$status" -eq 69 -o "$status" -eq 75 ]
	assert [ $((${EPOCHREALTIME/./} - ${start/./})) -lt 3000000 ]
}

@test "cached peers that are gone cost no time" { # 6940-11.4-R1
	printf '%s\n' "$(loopback 12):7010" "$(loopback 13):7010" \
		>"$RING/alice/$RING_NAME/peers"
	run_tool 0 p2psip-get -T 2 -d "$RING/alice" "$ALICE"
}

@test "SIGTERM while p2psip-join waits leaves a home that works" {
	ring_account carol
	kill -STOP "$(cat "$RING/peer1.pid")"
	start_daemon join p2psip-join -d "$HOMES/carol" -c "$(cat "$RING/url")" \
		--cacert "$RING/overlay/web-root.crt" -u "carol@$RING_NAME" \
		-p "$RING/carol.pass" "$RING_NAME"
	wait_until test -s "$HOMES/carol/$RING_NAME/users/carol@$RING_NAME/cert.pem"
	stop_daemon join
	kill -CONT "$(cat "$RING/peer1.pid")"
	run_tool 0 p2psip-join -d "$HOMES/carol"
	run_tool 0 p2psip-put -d "$HOMES/carol" "carol@$RING_NAME" 'in the end'
}

@test "uninstall leaves no file" {
	run_tool 0 make -C "$BUILD" -s uninstall DESTDIR="$ROOT"
	run find "$ROOT" -type f
	assert_output ''
}
