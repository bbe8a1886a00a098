#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Every exit status of p2psip(7) that tools.bats does not reach, in an overlay of one
# peer that is made to misbehave.

load ring_helpers

setup_file()
{
	export RING_PEERS=1
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

@test "70: an internal check that fails is a bug, and says so by its status" {
	# A peer's address that answers nothing keeps the tool waiting.
	need socat
	start_daemon stuck p2psip-route -b "$(silent)"
	wait_until waits stuck
	stop_daemon stuck ABRT
	assert_equal "$status" 70
}

# An address that takes connections and datagrams and says nothing.
silent()
{
	local address port
	address=$(loopback 14)
	port=$(free_port "$address" 7000)
	socat -u "TCP-LISTEN:$port,bind=$address,fork" - >/dev/null 2>&1 3>&- &
	echo $! >"$RING/silent.pid"
	socat -u "UDP-RECV:$port,bind=$address" - >/dev/null 2>&1 3>&- &
	echo $! >"$RING/silent-udp.pid"
	wait_until bound "$address:$port"
	echo "$address:$port"
}

bound()
{
	[ "$(ss -Hltun "src $1" | wc -l)" -eq 2 ]
}

# Asleep, with nothing left to do but to wait for an answer.
waits()
{
	grep -q '^State:.S' "/proc/${PIDS[$1]}/status"
}

@test "71: a busy port, naming address and option" {
	run_tool 71 p2psip-peer -d "$RING/peer1" -l "$(ring_address 1)" \
		--store memory:
	assert_regex "$stderr" "$(ring_address 1)"
	assert_regex "$stderr" '-l'
}

@test "71: a home whose storage another peer has open" {
	run_tool 71 p2psip-peer -d "$RING/peer1" -l "$(loopback 13):7001"
}

@test "76: a value that does not verify is not printed" { # 6940-7.4.2.2-R3
	local db=$RING/peer1/$RING_NAME/store.db
	run_tool 0 p2psip-put "$ALICE" 'to be forged'
	ring_kill peer1
	sqlite3 "$db" 'SELECT rowid, hex(data) FROM value' | forge | sqlite3 "$db"
	ring_peer 1
	run_tool 76 p2psip-get "$ALICE"
	assert_equal "$output" ''
}

# SQL that changes the word "forged" wherever it stands in a value.
forge()
{
	local row hex old new
	old=$(printf forged | xxd -p)
	new=$(printf FORGED | xxd -p)
	while IFS='|' read -r row hex; do
		hex=${hex,,}
		echo "UPDATE value SET data = x'${hex/$old/$new}' WHERE rowid = $row;"
	done
}

@test "73: a home that cannot be written" {
	[ "$(id -u)" -ne 0 ] || skip 'root writes everywhere'
	mkdir "$BATS_TEST_TMPDIR/ro"
	chmod 500 "$BATS_TEST_TMPDIR/ro"
	run_tool 73 p2psip-join -d "$BATS_TEST_TMPDIR/ro/home" -c "$(cat "$RING/url")" \
		--cacert "$RING/overlay/web-root.crt" -p "$RING/alice.pass" \
		-u "$ALICE" "$RING_NAME"
}

@test "77: a wrong password" { # 6940-11.3-R5
	echo wrong >"$BATS_TEST_TMPDIR/pass"
	run_tool 77 p2psip-join -d "$BATS_TEST_TMPDIR/home" -c "$(cat "$RING/url")" \
		--cacert "$RING/overlay/web-root.crt" -p "$BATS_TEST_TMPDIR/pass" \
		-u "$ALICE" "$RING_NAME"
	assert_regex "$stderr" 'authentication'
}

@test "75: a peer that is up but does not answer" {
	local pid
	pid=$(cat "$RING/peer1.pid")
	kill -STOP "$pid"
	status=0
	p2psip-get -T 1 "$ALICE" 2>"$STDERR" || status=$?
	kill -CONT "$pid"
	cat "$STDERR"
	# The kernel takes the connection; nobody shakes hands.
	assert [ "$status" -eq 69 ] || assert [ "$status" -eq 75 ]
}
