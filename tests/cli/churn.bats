#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Eight peers that start at once, die, come back and hang; many writers at once.

load ring_helpers

setup_file()
{
	local n

	export RING_PEERS=8
	ring_setup_file
	ring_serve
	for ((n = 1; n <= RING_PEERS; n++)); do
		ring_account "peer$n"
		# Nobody is there to enter through.
		ring_join "peer$n" -q >/dev/null 2>&1 || [ $? -eq 69 ]
	done
	for ((n = 1; n <= RING_PEERS; n++)); do
		ring_peer "$n" &
		echo "$!" >>"$RING/starting"
	done
	while read -r n; do
		wait "$n"
	done <"$RING/starting"
	ring_user alice
	ring_user bob
}

setup()
{
	helpers_setup
	export P2PSIP_HOME=$RING/alice
}

teardown()
{
	local pids
	# The one that hangs, should its test have failed.
	mapfile -t pids < <(cat "$RING"/*.pid)
	kill -CONT "${pids[@]}"
	helpers_teardown
}

# settled N…: do these peers, and no others, form a ring in both directions?
settled()
{
	local n
	for n; do
		p2psip-route -b "$(ring_address "$n")" --table -j || return
	done 2>/dev/null | jq -es 'sort_by(.node_id) as $r | length as $n |
		$n == '$#' and all(range($n);
			$r[.].successors[0] == $r[(. + 1) % $n].node_id and
			$r[(. + 1) % $n].predecessors[0] == $r[.].node_id)' \
		>/dev/null
}

# put N VIA, all_there N VIA: values k1 to kN, through peer VIA.
put()
{
	run_tool 0 p2psip-put -b "$(ring_address "$2")" -K "k$1" "$ALICE" "v$1"
}

all_there()
{
	local i
	for ((i = 1; i <= $1; i++)); do
		run_tool 0 p2psip-get -b "$(ring_address "$2")" -K "k$i" "$ALICE"
		assert_equal "$output" "v$i"
	done
}

@test "eight peers started at once settle to one ring" { # 6940-10.5-R5
	wait_until settled 1 2 3 4 5 6 7 8
	assert_equal "$(cat "$RING"/peer*.err | grep -c 'founding it')" 1
	for i in 1 2 3 4 5 6 7 8; do
		put "$i" "$i"
	done
	all_there 8 5
}

@test "a peer that is killed comes back with its home at once" {
	local i=8 n
	for n in 1 2 3 4; do
		ring_kill "peer$n" KILL
		ring_peer "$n" &
		put $((++i)) $((n + 4))
		wait $!
		put $((++i)) "$n"
		all_there "$i" $((n + 1))
	done
	wait_until settled 1 2 3 4 5 6 7 8
}

# owner_of NAME: the number of the peer that keeps its values.
owner_of()
{
	local id n
	id=$(p2psip-route -d "$RING/alice" "$1" | cut -f 1)
	for n in 1 2 3 4 5 6 7 8; do
		[ "$(ring_node_id "peer$n")" != "$id" ] || echo "$n"
	done
}

@test "an owner that hangs keeps nobody from its values" { # 6940-10.7.1-R1
	local n pid
	n=$(owner_of "$ALICE")
	pid=$(cat "$RING/peer$n.pid")
	kill -STOP "$pid"
	put 17 $((n % 8 + 1))
	all_there 17 $(((n + 3) % 8 + 1))
	kill -CONT "$pid"
	wait_until settled 1 2 3 4 5 6 7 8
	all_there 17 "$n"
}

@test "appends of 16 at a time: none lost, each at an index of its own" {
	seq 60 | xargs -P 16 -I{} p2psip-put -k USER-ARRAY -i end "$ALICE" a{}
	run_tool 0 p2psip-get -k USER-ARRAY "$ALICE"
	assert_equal "$(cut -f 1 <"$STDOUT")" "$(seq 0 59)"
	assert_equal "$(cut -f 2 <"$STDOUT" | sort)" "$(seq -f 'a%g' 60 | sort)"
}

@test "entries of 16 at a time under one name: none lost" {
	seq 60 | xargs -P 16 -I{} p2psip-put -d "$RING/bob" -K e{} \
		"bob@$RING_NAME" e{}
	run_tool 0 p2psip-get -d "$RING/bob" -k USER-DICT "bob@$RING_NAME"
	assert_equal "$(cut -f 2 <"$STDOUT" | sort)" "$(seq -f 'e%g' 60 | sort)"
}

@test "of two that expect the same counter one wins" { # 6940-7.4.1.1-R10
	local generation a b one=0 two=0
	run_tool 0 p2psip-put -j "$ALICE" first
	generation=$(jq .generation <"$STDOUT")
	p2psip-put -g "$generation" "$ALICE" a 2>/dev/null &
	a=$!
	p2psip-put -g "$generation" "$ALICE" b 2>/dev/null &
	b=$!
	wait "$a" || one=$?
	wait "$b" || two=$?
	assert_equal $((one + two)) 79
}

@test "a clock that is slow: stored all the same, but not with -g" { # 6940-7-R2
	need faketime
	run_tool 0 p2psip-put -j "$ALICE" now
	run_tool 0 faketime -f -50m p2psip-put -j "$ALICE" later
	run_tool 79 faketime -f -50m p2psip-put \
		-g "$(jq .generation <"$STDOUT")" "$ALICE" latest
	assert_regex "$stderr" 'storage_time [0-9]+, stored is [0-9]+'
	run_tool 0 p2psip-get "$ALICE"
	assert_equal "$output" later
}

@test "the founder comes back alone: it has what it had, and takes others in" {
	local n
	for n in 1 2 3 4 5 6 7 8; do
		ring_kill "peer$n" KILL
	done
	ring_peer 1
	put 18 1
	# Any three of them may be those that have the rest.
	for n in 2 3 4 5 6 7 8; do
		ring_peer "$n"
	done
	wait_until settled 1 2 3 4 5 6 7 8
	all_there 18 7
}
