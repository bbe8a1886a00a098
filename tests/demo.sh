#!/bin/bash
# SPDX-License-Identifier: ISC
# ./bootstrap demo: an overlay on this machine from nothing, shown at work, and
# gone when it ends.  Usage: tests/demo.sh BUILDDIR

set -euo pipefail

build=${1:?usage: tests/demo.sh BUILDDIR}
PATH=$build/cmd:$PATH
for v in "${!P2PSIP_@}"; do
	unset "$v"
done

RING=$(mktemp -d)
RING_NAME=demo.example.org
# shellcheck source=tests/ring.bash
. "$(dirname "$0")/ring.bash"

clean()
{
	local status=$?
	ring_stop
	[ "$status" -eq 0 ] || {
		printf '\nThe demo failed (status %s). What its daemons said:\n' "$status"
		tail -n 20 "$RING"/*.err
	} >&2
	rm -rf "$RING"
	exit "$status"
}
trap clean EXIT

step()
{
	printf '\n== %s\n' "$*"
}

# Shows a command as a user would type it, then runs it.
try()
{
	printf '$ %s\n' "$*"
	"$@"
}

step "An overlay: a CA, a signed configuration document, accounts"
ring_init 127.0.0.1 127.0.0.2 127.0.0.3 127.0.0.4 127.0.0.5 127.0.0.6
try p2psip-overlay check "$RING/overlay/overlay.xml"

step "Its enrollment server (HTTPS) and five peers on 127.0.0.2 to .6"
ring_start
echo "five peers are in the ring"

step "Two users enrol over HTTPS"
ring_user alice
ring_user bob
export P2PSIP_HOME=$RING/alice
alice=alice@$RING_NAME

step "Alice stores a value; Bob reads it"
try p2psip-put "$alice" 'hello, overlay'
P2PSIP_HOME=$RING/bob try p2psip-get "$alice"
echo

step "A SIP registration, looked up as a SIP tool wants it"
try p2psip-put -k SIP-REGISTRATION "$alice" 'uri:sip:alice@192.0.2.7:5060'
P2PSIP_HOME=$RING/bob try p2psip-lookup "sip:$alice"

step "The ring: the peer that Alice is connected to, and its neighbours"
try p2psip-route --probe
try p2psip-route --table

step "A peer dies (kill -9); the value is still there"
ring_kill peer2 KILL
try p2psip-get "$alice"
echo

step "Alice deletes it"
try p2psip-del "$alice"
printf '$ p2psip-get %s\n' "$alice"
if p2psip-get "$alice"; then
	ring_fail "it is still there"
else
	echo "exit status $?: the overlay says that nothing is there"
fi

step "Everything is stopped and removed"
