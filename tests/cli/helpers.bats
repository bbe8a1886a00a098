# SPDX-License-Identifier: ISC
# The helpers' own test: that they bite.

load helpers

@test "run_tool keeps stdout and stderr apart" {
	run_tool 3 sh -c 'echo data; echo words >&2; exit 3'
	assert_equal "$output" data
	assert_equal "$stderr" words
	assert_equal "$status" 3
}

@test "run_tool fails on another status" {
	run run_tool 0 sh -c 'exit 1'
	assert_failure
	assert_output --partial "status 1 where 0 was expected"
}

@test "run_tool ends what hangs" {
	TOOL_TIMEOUT=1 run run_tool 0 tail -f /dev/null
	assert_failure
	assert_output --partial "ended after"
}

@test "run_tool passes stdin on and keeps bytes" {
	run_tool 0 cat < <(printf 'a\0b\n')
	assert_equal "$(od -An -c "$STDOUT" | tr -d ' ')" 'a\0b\n'
}

@test "run_tool splits lines" {
	run_tool 0 printf 'one\ntwo\n'
	assert_equal "${#lines[@]}" 2
	assert_equal "${lines[1]}" two
}

@test "no P2PSIP_ variable reaches a tool" {
	export P2PSIP_HOME=/nowhere
	rm -r "$HOMES" "$HOME"
	helpers_setup
	run_tool 1 printenv P2PSIP_HOME
}

@test "wait_until gives up" {
	WAIT_TIMEOUT=0 run wait_until false
	assert_failure
	assert_output --partial "waited in vain"
}

@test "a daemon is started, waited for and stopped" {
	# shellcheck disable=SC2016 # for the inner shell
	start_daemon d sh -c 'trap "exit 7" TERM; echo ready >&2
		while :; do read -r x <>"$0"; done' "$(mktemp -u)"
	daemon_says d '^ready$'
	daemon_lives d
	stop_daemon d KILL
	assert_equal "$status" 137
}

@test "a daemon that dies fails the wait at once" {
	start_daemon d sh -c 'echo trouble >&2; exit 1'
	run daemon_says d '^ready$'
	assert_failure
	assert_output --partial "ended without saying"
}

@test "free_port passes over a busy port" {
	need python3
	local ip port
	ip=$(loopback 1)
	port=$(free_port "$ip")
	start_daemon d python3 -c 'import socket, sys
s = socket.create_server((sys.argv[1], int(sys.argv[2])))
print("ready", file=sys.stderr, flush=True)
s.accept()' "$ip" "$port"
	daemon_says d '^ready$'
	assert_not_equal "$(free_port "$ip" "$port")" "$port"
}

@test "as_nobody is nobody" {
	[ "$(id -u)" -eq 0 ] || skip "not root"
	run as_nobody id -u
	assert_equal "$output" 65534
}

