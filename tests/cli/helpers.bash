# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the bats tests share: running a tool, daemons, addresses, waiting.
# A test file begins with `load helpers`; where it has a `setup` or `teardown` of its
# own, that calls helpers_setup or helpers_teardown.  Nothing here sleeps for a length
# of time: tests wait for a condition, and the limit is there only to fail.

bats_require_minimum_version 1.5.0
bats_load_library bats-support
bats_load_library bats-assert
bats_load_library bats-file

SOURCE=${top_srcdir:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
BUILD=${top_builddir:-$SOURCE/build}
PATH=$BUILD/cmd:$PATH
# shellcheck disable=SC2034 # read by the tests
TOOLS=(p2psip-join p2psip-put p2psip-get p2psip-del p2psip-lookup p2psip-route
	p2psip-peer p2psip-overlay)
: "${TOOL_TIMEOUT:=30}" # seconds for one run_tool
: "${WAIT_TIMEOUT:=30}" # seconds for one wait_until

# Nothing of the caller's environment reaches the tools.
helpers_setup()
{
	local v

	for v in "${!P2PSIP_@}" "${!XDG_@}" SSLKEYLOGFILE; do
		unset "$v"
	done
	unset PIDS
	declare -gA PIDS=()
	HOMES=$BATS_TEST_TMPDIR/homes
	HOME=$BATS_TEST_TMPDIR/user
	mkdir -m 0700 "$HOMES" "$HOME"
	export HOME
	STDOUT=$BATS_TEST_TMPDIR/stdout
	STDERR=$BATS_TEST_TMPDIR/stderr
}

helpers_teardown()
{
	local name

	for name in "${!PIDS[@]}"; do
		# The log is shown by bats only when the test failed.
		kill -KILL "${PIDS[$name]}" 2>/dev/null &&
			wait "${PIDS[$name]}" 2>/dev/null
		echo "--- stderr of $name:"
		cat "$BATS_TEST_TMPDIR/$name.err"
	done
	return 0
}

setup()
{
	helpers_setup
}

teardown()
{
	helpers_teardown
}

# run_tool STATUS COMMAND…: runs it with this function's stdin, and fails unless it
# ends with STATUS.  Leaves $status, $output and $stderr (text), $lines, and the
# bytes as they were in $STDOUT and $STDERR.
run_tool()
{
	local expected=$1
	shift

	status=0
	timeout -k 5 "$TOOL_TIMEOUT" "$@" >"$STDOUT" 2>"$STDERR" 3>&- || status=$?
	output=$(tr -d '\0' <"$STDOUT")
	# shellcheck disable=SC2034 # read by the tests
	stderr=$(tr -d '\0' <"$STDERR")
	# shellcheck disable=SC2034 # read by the tests
	mapfile -t lines <<<"$output"
	printf '$ %s\n' "$(quoted "$@")"
	printf 'stdout: %s\nstderr: %s\nstatus: %s\n' "$output" "$stderr" "$status"
	[ "$status" -eq "$expected" ] && return
	[ "$status" -ne 124 ] || echo "(ended after $TOOL_TIMEOUT s)"
	fail "status $status where $expected was expected"
}

quoted()
{
	printf '%q ' "$@"
}

# loopback N: address N (0 to 15) of those of this test file alone, so that files
# run side by side never want the same port.
loopback()
{
	local id=$((BATS_ROOT_PID & 0xfffff))
	echo "127.$((id >> 12 | 1)).$((id >> 4 & 255)).$(((id & 15) << 4 | $1))"
}

# free_port ADDRESS [FIRST]: the first port from FIRST on that nobody listens on.
free_port()
{
	local port=${2:-6084}
	while [ -n "$(ss -Hltnu "src $1:$port")" ]; do
		port=$((port + 1))
	done
	echo "$port"
}

# wait_until COMMAND…: until it succeeds; fails after WAIT_TIMEOUT seconds.
wait_until()
{
	local end=$((SECONDS + WAIT_TIMEOUT))
	until "$@"; do
		if [ "$SECONDS" -ge "$end" ]; then
			fail "waited in vain for: $(quoted "$@")"
			return
		fi
		sleep 0.05
	done
}

# start_daemon NAME COMMAND…: in the background, output in NAME.out and NAME.err of
# the test's folder.  What "ready" means is for the caller: daemon_says and the like.
start_daemon()
{
	local name=$1
	shift
	# Emptied here: whoever waits for a line must not see that of another run.
	: >"$BATS_TEST_TMPDIR/$name.err"
	"$@" >"$BATS_TEST_TMPDIR/$name.out" 2>>"$BATS_TEST_TMPDIR/$name.err" \
		</dev/null 3>&- &
	PIDS[$name]=$!
}

# daemon_says NAME REGEX: waits until a line of its stderr matches; a daemon that
# dies meanwhile fails the test at once.
daemon_says()
{
	local log=$BATS_TEST_TMPDIR/$1.err
	wait_until daemon_said_or_died "$1" "$2" || return
	grep -Eq -- "$2" "$log" || {
		cat "$log"
		fail "$1 ended without saying: $2"
	}
}

daemon_said_or_died()
{
	grep -Eq -- "$2" "$BATS_TEST_TMPDIR/$1.err" || ! daemon_lives "$1"
}

daemon_lives()
{
	kill -0 "${PIDS[$1]}" 2>/dev/null
}

# stop_daemon NAME [SIGNAL]: ends it and leaves how it ended in $status.
stop_daemon()
{
	local pid=${PIDS[$1]}
	kill "-${2:-TERM}" "$pid" || return
	wait_until daemon_gone "$pid" || return
	status=0
	wait "$pid" 2>/dev/null || status=$?
	unset "PIDS[$1]"
}

daemon_gone()
{
	# A child that ended stays as a zombie until it is waited for.
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null
}

# need PROGRAM…: skips the test, loudly, where one is missing.
need()
{
	local program
	for program; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

# as_nobody COMMAND…: permission tests mean nothing as root.
as_nobody()
{
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"
	else
		"$@"
	fi
}

# need_netns: skips where no network namespace can be made (a plain container).
need_netns()
{
	unshare -rn true 2>/dev/null || skip "no network namespace can be made here"
}

# in_netns COMMAND…: in a network namespace of its own with lo up.
in_netns()
{
	# shellcheck disable=SC2016 # for the inner shell
	unshare -rn sh -c 'ip link set lo up && exec "$@"' sh "$@"
}
