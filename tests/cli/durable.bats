#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Nothing acknowledged is lost: of five peers one dies, then a second, then all.

load ring_helpers

setup_file()
{
	ring_setup_file
	ring_start
	local user
	for user in u1 u2 u3 u4 u5 u6; do
		ring_user "$user"
		p2psip-put -d "$RING/$user" --verify "$user@$RING_NAME" "value of $user"
		p2psip-put -d "$RING/$user" -K key "$user@$RING_NAME" "entry of $user"
	done
}

# Every value, asked by a user of peer N.
all_there()
{
	local user
	for user in u1 u2 u3 u4 u5 u6; do
		run_tool 0 p2psip-get -d "$RING/$user" -b "$(ring_address "$1")" \
			"$user@$RING_NAME"
		assert_equal "$output" "value of $user"
		run_tool 0 p2psip-get -d "$RING/$user" -b "$(ring_address "$1")" \
			-K key "$user@$RING_NAME"
		assert_equal "$output" "entry of $user"
	done
}

# Does peer N count as many peers as there are?
sees()
{
	[ "$(p2psip-route -d "$RING/u1" -b "$(ring_address "$1")" --table -j |
		jq '[.node_id, .predecessors[], .successors[]] | unique | length')" \
		-eq "$2" ]
}

@test "one peer of five is killed: every value is there" { # 6940-10.4-R1
	ring_kill peer3 KILL
	all_there 1
	wait_until sees 1 4
	wait_until sees 5 4
}

@test "a second one is killed: every value is there" { # 6940-10.7.3-R4
	ring_kill peer4 KILL
	all_there 1
	wait_until sees 1 3
	all_there 5
}

@test "the three that are left are killed and come back with their disks" { # 6940-7-D1
	ring_kill peer1 KILL
	ring_kill peer2 KILL
	ring_kill peer5 KILL
	ring_peer 1
	ring_peer 2
	ring_peer 5
	wait_until sees 1 3
	all_there 2
}

@test "a peer that ends says Leave, and its values stay" { # 6940-10.9-R1
	ring_kill peer2
	all_there 5
	wait_until sees 5 2
}

@test "a new peer takes over what it is responsible for" { # 6940-10.5-R5
	ring_peer 3
	wait_until sees 3 3
	all_there 3
}
