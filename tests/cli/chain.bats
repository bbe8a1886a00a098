#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# An overlay whose root lets an intermediate CA issue certificates.

load ring_helpers

# certify USER: another certificate for the same key and Node-ID, issued by an
# intermediate, which stands behind it in the home.
certify()
{
	local home=$RING/$1/$RING_NAME/users/$1@$RING_NAME san
	san="URI:reload://0110$(ring_node_id "$1")@$RING_NAME/,email:$1@$RING_NAME"
	cd "$BATS_FILE_TMPDIR" || return
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout mid.key -subj '/CN=Middle' -out mid.csr
	openssl x509 -req -in mid.csr -CA "$RING/overlay/ca.crt" \
		-CAkey "$RING/overlay/ca.key" -CAcreateserial -days 30 -out mid.crt \
		-extfile <(printf '%s\n' basicConstraints=critical,CA:TRUE \
			keyUsage=critical,keyCertSign)
	openssl req -new -key "$home/key.pem" -subj / -out leaf.csr
	openssl x509 -req -in leaf.csr -CA mid.crt -CAkey mid.key \
		-CAcreateserial -days 30 -out leaf.crt \
		-extfile <(printf '%s\n' "subjectAltName=critical,$san")
	cat leaf.crt mid.crt >"$home/cert.pem"
}

setup_file()
{
	export RING_PEERS=3
	ring_setup_file
	ring_start
	ring_user alice
	ring_user dave
	certify dave
}

setup()
{
	helpers_setup
	DAVE=dave@$RING_NAME
}

@test "what such a user stores is read by one who knows the root alone" { # 6940-6.3.4-R2
	run_tool 0 p2psip-join -d "$RING/dave"
	run_tool 0 p2psip-put -d "$RING/dave" --verify "$DAVE" chained
	run_tool 0 p2psip-get -d "$RING/alice" "$DAVE"
	assert_equal "$output" chained
}

@test "and it is there when all peers were started again" { # 6940-7.4.2.2-R3
	local n
	for n in 1 2 3; do
		ring_kill "peer$n" KILL
	done
	for n in 1 2 3; do
		ring_peer "$n"
	done
	for n in 1 2 3; do
		run_tool 0 p2psip-get -d "$RING/alice" -b "$(ring_address "$n")" \
			"$DAVE"
		assert_equal "$output" chained
	done
}
