#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The daemon: its options, its files, its signals, and what it keeps in the overlay.

load ring_helpers

setup_file()
{
	export RING_PEERS=3
	ring_setup_file
	ring_start
	ring_user alice
}

# How many certificates of this Kind there are at a name.
certificates()
{
	p2psip-get -d "$RING/alice" -j "$@" | jq -s length
}

@test "the certificate is stored under the Node-ID and the user, once" { # 6940-8-R1 6940-8-D2
	local id
	id=$(ring_node_id peer2)
	ring_said peer2 'certificate is stored'
	run_tool 0 p2psip-get -d "$RING/alice" -k CERTIFICATE_BY_NODE -N --raw "$id"
	openssl x509 -inform DER -in "$STDOUT" -noout -ext subjectAltName |
		grep -q "$id"
	assert_equal "$(certificates -k CERTIFICATE_BY_USER "peer2@$RING_NAME")" 1

	ring_kill peer2
	ring_peer 2
	ring_said peer2 'certificate is stored'
	assert_equal "$(certificates -k CERTIFICATE_BY_USER "peer2@$RING_NAME")" 1
	assert_equal "$(certificates -k CERTIFICATE_BY_NODE -N "$id")" 1
}

@test "peers that were linked to are cached for the next time" { # 6940-11.4-R3
	local cache=$RING/peer2/$RING_NAME/peers
	ring_kill peer2 # leaving writes it
	assert_file_exists "$cache"
	run_tool 1 grep -Fxv -f "$RING/addresses" "$cache" # no other address
	run_tool 0 grep -c . "$cache"
	ring_peer 2
}

@test "SIGTERM: the peer leaves, and says so to the service manager" {
	need socat
	ring_kill peer3
	socat -u "UNIX-RECV:$BATS_TEST_TMPDIR/notify" - \
		>"$BATS_TEST_TMPDIR/told" 3>&- &
	echo $! >"$RING/manager.pid"
	wait_until test -S "$BATS_TEST_TMPDIR/notify"
	NOTIFY_SOCKET=$BATS_TEST_TMPDIR/notify ring_peer 3
	wait_until grep -q READY=1 "$BATS_TEST_TMPDIR/told"
	ring_kill peer3
	wait_until grep -q STOPPING=1 "$BATS_TEST_TMPDIR/told"
	grep -q leaving "$RING/peer3.err"
	ring_peer 3
}

@test "SIGHUP: the peer takes the home's newer document" {
	local pid
	pid=$(cat "$RING/peer3.pid")
	kill -HUP "$pid"
	ring_said peer3 'in use already'
	p2psip-overlay sign --dir "$RING/overlay"
	p2psip-join -d "$RING/peer3" --update -q
	kill -HUP "$pid"
	ring_said peer3 'document 2 is in use'
	# 6940-6.5.4-R1: the others hear of it from peer 3.
	ring_said peer1 'document 2 is in use'
	ring_said peer2 'document 2 is in use'
}

@test "-f: options from a file, of which the command line counts for more" {
	local conf=$BATS_TEST_TMPDIR/conf
	cat >"$conf" <<-END
		# how peer 2 runs
		listen $(loopback 12):7001   # an address
		listen $(loopback 12):7002
		store memory:

		quiet
	END
	run_tool 0 p2psip-peer -d "$RING/peer2" -f "$conf" --check-config
	start_daemon filed p2psip-peer -d "$RING/alice" -f "$conf"
	wait_until listening "$(loopback 12):7001"
	wait_until listening "$(loopback 12):7002"
	stop_daemon filed TERM
	assert_equal "$status" 0
	start_daemon lined p2psip-peer -d "$RING/alice" -l "$(loopback 12):7003" -f "$conf"
	wait_until listening "$(loopback 12):7003"
	if listening "$(loopback 12):7001"; then
		fail "the file's addresses count, too"
	fi
	stop_daemon lined TERM

	echo 'lissten 1' >>"$conf"
	run_tool 64 p2psip-peer -f "$conf"
	assert_regex "$stderr" "conf:7: unknown option 'lissten'"
	echo 'first yes' >"$conf"
	run_tool 64 p2psip-peer -f "$conf"
	echo 'store' >"$conf"
	run_tool 64 p2psip-peer -f "$conf"
	run_tool 66 p2psip-peer -f "$BATS_TEST_TMPDIR/none"
}

listening()
{
	[ -n "$(ss -Hltun "src $1")" ]
}

@test "--store: what it does not know is misuse" {
	run_tool 64 p2psip-peer -d "$RING/peer2" --store redis: -l "$(loopback 12):7004"
	assert_regex "$stderr" 'redis:'
}

@test "--run-as: root is given up once the ports are open" {
	[ "$(id -u)" -eq 0 ] || skip "needs root"
	local port pid
	port=$(loopback 12):$(free_port "$(loopback 12)" 600)
	ring_account runner
	ring_join runner -q >/dev/null
	chmod 711 "$RING" "$BATS_FILE_TMPDIR" "$BATS_RUN_TMPDIR"
	# What has given root up cannot be traced, as LeakSanitizer wants to.
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	run_tool 73 p2psip-peer -d "$RING/runner" --run-as nobody --check-config
	chown -R nobody "$RING/runner"
	run_tool 0 p2psip-peer -d "$RING/runner" --run-as nobody --check-config
	start_daemon runner p2psip-peer -d "$RING/runner" --run-as nobody -l "$port"
	daemon_says runner 'joined '
	pid=${PIDS[runner]}
	grep -q "^Uid:[[:space:]]*\($(id -u nobody)[[:space:]]*\)\{4\}$" "/proc/$pid/status"
	grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$pid/status"
	run_tool 0 find "$RING/runner" -name 'store.db*' ! -user nobody
	assert_equal "$output" ''
	stop_daemon runner TERM
	run_tool 64 p2psip-peer -d "$RING/runner" --run-as no-such-user
}

@test "--check-config: says what is wrong with document or identity" {
	run_tool 0 p2psip-peer -d "$RING/peer2" --check-config
	assert_equal "$stderr" ''
	mkdir -m 0700 "$BATS_TEST_TMPDIR/empty"
	run_tool 64 p2psip-peer -d "$BATS_TEST_TMPDIR/empty" --check-config
	run_tool 66 p2psip-peer -d "$BATS_TEST_TMPDIR/empty" \
		-c "$BATS_TEST_TMPDIR/none.xml" --check-config
	run_tool 78 p2psip-peer -d "$BATS_TEST_TMPDIR/empty" \
		-c "$RING/overlay/overlay.xml" --check-config
	assert_regex "$stderr" 'p2psip-join'
}
