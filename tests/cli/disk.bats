#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A disk that is full: under a peer's values, and under a home.  Each test runs
# itself again in a namespace of its own, where it may mount a small one.

load ring_helpers

setup()
{
	if [ -z "${IN_NAMESPACE-}" ]; then
		unshare -rm mount -t tmpfs none /mnt 2>/dev/null ||
			skip 'no mount namespace can be made here'
		return
	fi
	helpers_setup
	RING=$BATS_TEST_TMPDIR/ring
	export RING_PEERS=1
	ring_setup_file
	ring_serve
	SMALL=$RING/small
	mkdir "$SMALL"
}

teardown()
{
	[ -n "${IN_NAMESPACE-}" ] || return 0
	ring_teardown_file
	helpers_teardown
	# Lazily: a peer that was killed may not have let go of it yet.
	! mountpoint -q "$SMALL" || umount -l "$SMALL"
}

# inside: runs this test again where it can mount.
inside()
{
	IN_NAMESPACE=1 unshare -rm bats -f "^$BATS_TEST_DESCRIPTION\$" \
		"$BATS_TEST_FILENAME" 3>&-
}

small()
{
	mount -t tmpfs -o "size=$1" none "$SMALL"
}

@test "a peer whose disk is full says so, keeps what it has and goes on" {
	local i=0
	[ -n "${IN_NAMESPACE-}" ] || {
		inside
		return
	}
	small 1m
	ring_peer 1 --store "sqlite:$SMALL/store.db"
	ring_user alice
	export P2PSIP_HOME=$RING/alice
	head -c 8000 /dev/urandom >"$BATS_TEST_TMPDIR/value"
	run_tool 0 p2psip-put -f "$BATS_TEST_TMPDIR/value" -K first "$ALICE"
	while p2psip-put -f "$BATS_TEST_TMPDIR/value" -K $((++i)) "$ALICE" \
		2>"$STDERR"; do
		assert [ "$i" -lt 200 ]
	done
	run_tool 75 p2psip-put -f "$BATS_TEST_TMPDIR/value" -K next "$ALICE"
	assert_regex "$stderr" 'timed out: .*storage'
	run_tool 0 p2psip-get -K first "$ALICE"
	cmp "$STDOUT" "$BATS_TEST_TMPDIR/value"
	run_tool 0 p2psip-get -K $((i - 1)) "$ALICE"
	cmp "$STDOUT" "$BATS_TEST_TMPDIR/value"
	run_tool 1 p2psip-get -K next "$ALICE"
	# Killed, and started again, with the disk as full as it was.
	ring_kill peer1 KILL
	ring_peer 1 --store "sqlite:$SMALL/store.db"
	run_tool 0 p2psip-get -K $((i - 1)) "$ALICE"
	cmp "$STDOUT" "$BATS_TEST_TMPDIR/value"
	run_tool 75 p2psip-put -f "$BATS_TEST_TMPDIR/value" -K next "$ALICE"
	mount -o remount,size=8m "$SMALL"
	run_tool 0 p2psip-put -f "$BATS_TEST_TMPDIR/value" -K next "$ALICE"
	run_tool 0 p2psip-get -K next "$ALICE"
	cmp "$STDOUT" "$BATS_TEST_TMPDIR/value"
}

@test "a home on a full disk: nothing half written, and it works with space" {
	local pages
	[ -n "${IN_NAMESPACE-}" ] || {
		inside
		return
	}
	ring_peer 1
	# From no room at all to nearly enough: in pages of 4 KiB.
	for pages in 0 1 2 3 4 5; do
		small 64k
		head -c $(((16 - pages) * 4096)) /dev/zero >"$SMALL/x" || :
		status=0
		ring_account "u$pages"
		join_small 2>"$STDERR" >"$STDOUT" || status=$?
		[ "$status" -eq 0 ] || {
			assert_equal "$status" 73
			assert_regex "$(cat "$STDERR")" 'No space left'
		}
		run find "$SMALL" -name '*.xml' -size 0 -o -name '*.pem' -size 0 \
			-o -name '*.bin' -size 0 -o -name '*.tmp*'
		assert_output ''
		rm "$SMALL/x"
		mount -o remount,size=1m "$SMALL"
		join_small
		run_tool 0 p2psip-put -d "$SMALL/home" "u$pages@$RING_NAME" stored
		umount "$SMALL"
	done
}

# With the test's $pages for a name.
join_small()
{
	p2psip-join -d "$SMALL/home" -c "$(cat "$RING/url")" \
		--cacert "$RING/overlay/web-root.crt" -u "u$pages@$RING_NAME" \
		-p "$RING/u$pages.pass" "$RING_NAME"
}
