# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# A ring that lives as long as a test file: setup_file calls ring_setup_file, then
# what it wants of ring.bash; a teardown_file of its own calls ring_teardown_file.

load helpers
# shellcheck source=tests/ring.bash
. "$SOURCE/tests/ring.bash"

export RING RING_NAME=bats.example.org
RING=$BATS_FILE_TMPDIR/ring
# shellcheck disable=SC2034 # read by the tests
ALICE=alice@$RING_NAME BOB=bob@$RING_NAME

ring_fail()
{
	fail "$*"
}

# ring_setup_file [INIT OPTION…]: the overlay, at addresses of this file's own.
ring_setup_file()
{
	local n addresses=()
	mkdir -m 0700 "$RING"
	for ((n = 0; n <= RING_PEERS; n++)); do
		addresses+=("$(loopback "$n")")
	done
	ring_init "${addresses[@]}" -- "$@"
}

ring_teardown_file()
{
	ring_stop
	[ -z "${RING_LOGS-}" ] || [ ! -d "$RING" ] || cp "$RING"/*.err "$RING_LOGS"
}

teardown_file()
{
	ring_teardown_file
}
