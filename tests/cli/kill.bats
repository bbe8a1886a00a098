#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# All peers of a ring are killed at once while values are being stored, KILLS times
# in a row (10; `make check-long`: 100): nothing acknowledged is lost.  KILL_SEED
# chooses how much is stored before each kill.

load ring_helpers

: "${KILLS:=10}" "${KILL_SEED:=1}"
USERS=(u1 u2 u3 u4)
LANES=8

setup_file()
{
	ring_setup_file
	ring_start
	local user
	for user in "${USERS[@]}"; do
		ring_user "$user"
	done
}

# store ROUND: every user stores through a peer of its own, LANES values at a time,
# until the peers are gone.  What was acknowledged is appended to ACKED-USER.
store()
{
	local i user
	WRITERS=()
	for i in "${!USERS[@]}"; do
		user=${USERS[i]}
		"$BUILD/tests/cli/pump" -d "$RING/$user" \
			-b "$(ring_address $(((i + $1) % RING_PEERS + 1)))" \
			"$LANES" $(($1 * 1000000)) $(($1 * 1000000 + 999999)) 200 \
			2>>"$BATS_TEST_TMPDIR/pump.err" 3>&- \
			>>"$BATS_TEST_TMPDIR/acked-$user" &
		WRITERS+=($!)
	done
}

# How many stores were acknowledged so far.
acknowledged()
{
	cat "$BATS_TEST_TMPDIR"/acked-* | wc -l
}

has_acknowledged()
{
	[ "$(acknowledged)" -ge "$1" ]
}

kill_all()
{
	local n pids
	mapfile -t pids < <(cat "$RING"/peer*.pid)
	kill -KILL "${pids[@]}"
	for ((n = 1; n <= RING_PEERS; n++)); do
		wait_until daemon_gone "$(cat "$RING/peer$n.pid")"
	done
	# Without their peers they end by themselves.
	kill -KILL "${WRITERS[@]}" 2>/dev/null || :
	for n in "${WRITERS[@]}"; do
		wait "$n" || :
	done
}

start_all()
{
	local n pids=()
	for ((n = 1; n <= RING_PEERS; n++)); do
		ring_peer "$n" &
		pids+=($!)
	done
	for n in "${pids[@]}"; do
		wait "$n"
	done
}

# all_there USER N: asked through peer N, is every value there that was
# acknowledged last, or one that was sent after it?  Leaves in `between` how many
# are of the second sort.
all_there()
{
	p2psip-get -d "$RING/$1" -b "$(ring_address "$2")" -k USER-DICT \
		"$1@$RING_NAME" >"$STDOUT" 2>"$STDERR" &&
		between=$(awk -F '\t' 'NR == FNR { acked[$1] = $2; next }
			{ split($2, v, " "); is[$1] = v[1] }
			END {
				for (k in acked) {
					if (is[k] + 0 < acked[k]) {
						print k, acked[k], is[k] >"/dev/stderr"
						lost++
					}
					between += is[k] > acked[k]
				}
				print between + 0
				exit lost > 0
			}' "$BATS_TEST_TMPDIR/acked-$1" "$STDOUT" 2>>"$STDERR")
}

@test "all peers are killed at once, again and again: no acknowledged value is lost" { # 6940-7-D1
	local round user i before sum=0
	RANDOM=$KILL_SEED
	touch "${USERS[@]/#/$BATS_TEST_TMPDIR/acked-}"
	for ((round = 1; round <= KILLS; round++)); do
		before=$(acknowledged)
		store "$round"
		wait_until has_acknowledged $((before + 20 + RANDOM % 200))
		kill_all
		echo "round $round of $KILLS, seed $KILL_SEED: $(acknowledged) stores"
		start_all
		for i in "${!USERS[@]}"; do
			wait_until all_there "${USERS[i]}" \
				$(((i + round + 2) % RING_PEERS + 1)) || {
				cat "$STDERR"
				return 1
			}
			sum=$((sum + between))
		done
	done
	echo "# $(acknowledged) stores acknowledged, $sum only written, none lost" >&3
	# Kills did fall between a commit and its answer.
	assert [ "$sum" -gt 0 ]
}
