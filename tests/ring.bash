# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# An overlay on this machine, for the demo and for the tests: its folder, its
# enrollment server, peers, users.  The caller sets RING (a folder to work in) and
# RING_NAME (the overlay's), and may set RING_LINK (tls, dtls or both: its links'
# protocols).  Daemons are known by their pid files in RING.

: "${RING_PEERS:=5}"
: "${RING_WAIT:=60}" # seconds before waiting is given up

ring_fail()
{
	echo "ring: $*" >&2
	return 1
}

# ring_daemon NAME COMMAND…: starts it in the background, stderr in RING/NAME.err.
ring_daemon()
{
	local name=$1
	shift
	: >"$RING/$name.err"
	# 3 is bats's own: whoever keeps it open keeps bats waiting.
	"$@" >"$RING/$name.out" 2>"$RING/$name.err" </dev/null 3>&- &
	echo $! >"$RING/$name.pid"
	disown # the shell need not tell of its end
}

# ring_lost MESSAGE: fails, with what every daemon has said last.
ring_lost()
{
	tail -n 40 -- "$RING"/*.err >&2
	ring_fail "$@"
}

ring_lives()
{
	# A child that has ended stays as a zombie until it is waited for.
	grep -q '^State:[[:space:]]*[^ZX]' \
		"/proc/$(cat "$RING/$1.pid")/status" 2>/dev/null
}

# ring_said NAME REGEX: waits until a line of its stderr matches.
ring_said()
{
	local end=$((SECONDS + RING_WAIT))
	until grep -Eqs -- "$2" "$RING/$1.err"; do
		ring_lives "$1" || ring_lost "$1 has ended" || return
		[ "$SECONDS" -lt "$end" ] || ring_lost "$1 does not say: $2" || return
		sleep 0.05
	done
}

# ring_kill NAME [SIGNAL]: ends a daemon and waits until it is gone.
ring_kill()
{
	local end=$((SECONDS + RING_WAIT))
	kill "-${2:-TERM}" "$(cat "$RING/$1.pid")" || return
	while ring_lives "$1"; do
		[ "$SECONDS" -lt "$end" ] || ring_fail "$1 does not end" || return
		sleep 0.05
	done
	rm "$RING/$1.pid"
}

# ring_stop: ends every daemon at once.
ring_stop()
{
	local file
	for file in "$RING"/*.pid; do
		[ -e "$file" ] || continue
		kill -KILL "$(cat "$file")" 2>/dev/null || :
		rm "$file"
	done
}

# ring_port ADDRESS [FIRST]: the first port from FIRST on that nobody listens on.
ring_port()
{
	local port=${2:-6084}
	while [ -n "$(ss -Hltnu "src $1:$port")" ]; do
		port=$((port + 1))
	done
	echo "$port"
}

# ring_init ADDRESS… [-- INIT OPTION…]: makes the overlay; the first address is the
# server's, the others the peers', in order.  Ports are in the signed document.
ring_init()
{
	local bootstrap=() addresses=() address server

	server=$1:$(ring_port "$1" 8443)
	shift
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		addresses+=("$1:$(ring_port "$1")")
		shift
	done
	[ $# -eq 0 ] || shift
	printf '%s\n' "${addresses[@]}" >"$RING/addresses"
	echo "https://$server/.well-known/reload-config" >"$RING/url"
	# The first three are where everybody enters.
	for address in "${addresses[@]:0:3}"; do
		bootstrap+=(--bootstrap "$address")
	done
	p2psip-overlay init --dir "$RING/overlay" --serve "$server" \
		--link "${RING_LINK:-both}" \
		"${bootstrap[@]}" "$@" "$RING_NAME"
}

# ring_address N: where peer N listens.
ring_address()
{
	sed -n "$1p" "$RING/addresses"
}

# ring_serve: the configuration and enrollment server, ready when it returns.
ring_serve()
{
	ring_daemon server p2psip-overlay serve --dir "$RING/overlay"
	ring_said server 'serving'
}

# ring_account USER: an account with the password "pw-USER" in RING/USER.pass.
ring_account()
{
	(umask 077 && echo "pw-$1" >"$RING/$1.pass")
	p2psip-overlay adduser --dir "$RING/overlay" -p "$RING/$1.pass" \
		"$1@$RING_NAME"
}

# ring_join USER [JOIN OPTION…]: enrols USER into the home RING/USER.
ring_join()
{
	local user=$1
	shift
	p2psip-join -d "$RING/$user" -c "$(cat "$RING/url")" \
		--cacert "$RING/overlay/web-root.crt" -u "$user@$RING_NAME" \
		-p "$RING/$user.pass" "$@" "$RING_NAME"
}

# ring_peer N [PEER OPTION…]: starts peer N (1 is the founder), with an account and a
# home of its own where they are missing, and waits until it is in the ring.
ring_peer()
{
	local n=$1 user=peer$1 status=0 first=()

	shift
	if [ ! -e "$RING/$user" ]; then
		ring_account "$user" || return
		ring_join "$user" -q >/dev/null 2>"$RING/$user.join" || status=$?
		# The founder finds nobody to ask yet.
		[ "$status" -eq 0 ] || { [ "$n" -eq 1 ] && [ "$status" -eq 69 ]; } || {
			cat "$RING/$user.join" >&2
			ring_fail "$user cannot join: status $status"
			return
		}
	fi
	[ "$n" -ne 1 ] || first=(--first)
	ring_daemon "$user" p2psip-peer -d "$RING/$user" "${first[@]}" \
		-l "$(ring_address "$n")" "$@"
	ring_said "$user" 'joined '
}

# ring_start: server and all peers.
ring_start()
{
	local n
	ring_serve || return
	for ((n = 1; n <= RING_PEERS; n++)); do
		ring_peer "$n" || return
	done
}

# ring_user USER: account and home of a user, enrolled.
ring_user()
{
	ring_account "$1" && ring_join "$1"
}

# ring_node_id USER: the Node-ID in its certificate.
ring_node_id()
{
	openssl x509 -in "$RING/$1/$RING_NAME/users/$1@$RING_NAME/cert.pem" \
		-noout -ext subjectAltName |
		sed -n 's|.*reload://0110\([0-9a-f]\{32\}\)@.*|\1|p'
}
