#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Databases of peers that are not what they were: torn logs, damaged pages, files
# that are somebody else's.  Of three peers each has every value.

load ring_helpers

USERS=(u1 u2 u3 u4 u5 u6)

setup_file()
{
	export RING_PEERS=3
	ring_setup_file
	ring_start
	local user
	for user in "${USERS[@]}"; do
		ring_user "$user"
		p2psip-put -d "$RING/$user" "$user@$RING_NAME" 0
	done
}

setup()
{
	helpers_setup
	need sqlite3
}

# store N: the database of peer N.
store()
{
	echo "$RING/peer$1/$RING_NAME/store.db"
}

# put_all VALUE: for every user, all over the ring.
put_all()
{
	local user
	for user in "${USERS[@]}"; do
		run_tool 0 p2psip-put -d "$RING/$user" "$user@$RING_NAME" "$1"
	done
}

all_are()
{
	local user
	for user in "${USERS[@]}"; do
		[ "$(p2psip-get -d "$RING/$user" -b "$(ring_address "$1")" \
			"$user@$RING_NAME")" = "$2" ] || return
	done
}

# held N: the times of the users' values in peer N's file.
held()
{
	sqlite3 -readonly "$(store "$1")" "SELECT hex(resource), storage_time
		FROM value JOIN slot ON slot.id = slot WHERE kind = 0xf0000001
		ORDER BY resource"
}

# Has peer N what peer M has, for each user?
holds_as()
{
	local held
	held=$(held "$1")
	[ "$(wc -l <<<"$held")" -eq ${#USERS[@]} ] && [ "$held" = "$(held "$2")" ]
}

# lose_half FILE, garble FILE FROM: what a disk may do.
lose_half()
{
	truncate -s $(($(stat -c %s "$1") / 2)) "$1"
}

garble()
{
	local size
	size=$(stat -c %s "$1")
	[ "$size" -gt "$2" ] || fail "$1 has $size bytes"
	head -c $((size - $2)) /dev/urandom |
		dd of="$1" bs=4096 seek="$2" oflag=seek_bytes conv=notrunc status=none
}

@test "a log that is torn: what was lost comes back, and newer values with it" {
	put_all 1
	ring_kill peer2 KILL
	lose_half "$(store 2)-wal"
	put_all 2
	ring_peer 2
	all_are 2 2 # at once
	wait_until holds_as 2 1
}

@test "a log whose end is garbled, while all were down" {
	put_all 3
	for n in 1 2 3; do
		ring_kill "peer$n" KILL
	done
	garble "$(store 1)-wal" $(($(stat -c %s "$(store 1)-wal") / 2))
	for n in 1 2 3; do
		ring_peer "$n"
	done
	for n in 1 2 3; do
		wait_until all_are "$n" 3
	done
	wait_until holds_as 1 2
	wait_until holds_as 3 2
}

@test "a file that is no database any more is set aside and filled again" {
	ring_kill peer3 KILL
	rm -f "$(store 3)-wal"
	garble "$(store 3)" 0
	cp "$(store 3)" "$BATS_TEST_TMPDIR/damaged"
	ring_peer 3
	assert_file_contains "$RING/peer3.err" \
		"$(store 3) is damaged: .*not a database.* as $(store 3).damaged-1;"
	cmp "$BATS_TEST_TMPDIR/damaged" "$(store 3).damaged-1"
	wait_until holds_as 3 1
	all_are 3 3
}

@test "pages found damaged in use: set aside, and the peer goes on" {
	ring_kill peer2 # its log is folded in
	# All but the header, the schema and the name of the overlay.
	garble "$(store 2)" 8192
	ring_peer 2
	ring_said peer2 "$(store 2) is damaged: .* as $(store 2).damaged-1;"
	assert_file_contains "$RING/peer2.err" 'malformed'
	assert_file_exists "$(store 2).damaged-1"
	ring_said peer2 'joined '
	wait_until holds_as 2 1
	all_are 2 3
}

# refused REGEX OPTION…: peer 3 does not start, and says why.
refused()
{
	local why=$1
	shift
	run_tool 73 p2psip-peer -d "$RING/peer3" -l "$(ring_address 3)" "$@"
	assert_regex "$stderr" "$why"
}

@test "what is not this overlay's is an error and stays as it is" {
	local file=$BATS_TEST_TMPDIR/other
	ring_kill peer3
	cp "$(store 3)" "$file"
	sqlite3 "$file" "UPDATE overlay SET name = 'other.example.org'"
	sqlite3 "$BATS_TEST_TMPDIR/address-book" 'CREATE TABLE t(x)'
	yes 'a text' | head -n 2000 >"$BATS_TEST_TMPDIR/text"
	cp "$file" "$file.copy"
	refused 'values of the overlay other.example.org' --store "sqlite:$file"
	cmp "$file" "$file.copy"
	refused 'another program' --store "sqlite:$BATS_TEST_TMPDIR/address-book"
	refused 'not a database' --store "sqlite:$BATS_TEST_TMPDIR/text"
	refused 'not a database' --store "sqlite:$BATS_TEST_TMPDIR/text"
	assert_equal "$(wc -l <"$BATS_TEST_TMPDIR/text")" 2000
	run compgen -G "$BATS_TEST_TMPDIR/*damaged*"
	assert_output ''
	ring_peer 3
}
