# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Users with phones, and the peers that host them: for files that load ring_helpers.

# sip_accounts DIR… -- USER…: accounts and phones' passwords; folders for hosted users.
sip_accounts()
{
	while [ "$1" != -- ]; do
		mkdir -m 0700 "$RING/$1"
		shift
	done
	shift
	local user
	for user; do
		ring_account "$user"
		(umask 077 && echo sip-pw >"$RING/$user.sip")
	done
}

# host_user USER DIR [JOIN OPTION…]: an identity for the phone of USER in RING/DIR.
host_user()
{
	local user=$1 dir=$2
	shift 2
	p2psip-join -d "$RING/$dir/$user" -c "$(cat "$RING/url")" -q \
		--cacert "$RING/overlay/web-root.crt" -u "$user@$RING_NAME" \
		-p "$RING/$user.pass" --sip-password-file "$RING/$user.sip" \
		"$@" "$RING_NAME"
}

# sip_peer N DIR [PEER OPTION…]: peer N, for the phones of RING/DIR.
sip_peer()
{
	local n=$1 dir=$2
	shift 2
	ring_peer "$n" --sip "udp:$(loopback "$n")" --sip "tcp:$(loopback "$n")" \
		--sip-users "$RING/$dir" "$@"
}

# sip_cert NAME SAN [SUBJECT]: RING/NAME.crt and RING/NAME.key, issued by RING/ca.crt.
sip_cert()
{
	local name=$1 san=$2 subject=${3-$1} curve=(-newkey ec -pkeyopt ec_paramgen_curve:P-256)
	[ -e "$RING/ca.crt" ] || openssl req -x509 "${curve[@]}" -nodes -days 2 \
		-subj /CN=ca -keyout "$RING/ca.key" -out "$RING/ca.crt" 2>/dev/null
	(umask 077 && openssl req -x509 -CA "$RING/ca.crt" -CAkey "$RING/ca.key" \
		"${curve[@]}" -nodes -days 1 -subj "/CN=$subject" \
		-addext "subjectAltName=$san" \
		-addext basicConstraints=critical,CA:FALSE \
		-keyout "$RING/$name.key" -out "$RING/$name.crt" 2>/dev/null)
}
