# SPDX-License-Identifier: ISC
# p2psip-overlay serve, asked by curl: the document, certificates, each refusal.

load helpers

NAME=overlay.example.org
USER_NAME=alice@$NAME

setup_file()
{
	load helpers
	export DIR=$BATS_FILE_TMPDIR/overlay HOST PORT
	HOST=$(loopback 1)
	PORT=$(free_port "$HOST" 8443)
	p2psip-overlay init --dir "$DIR" --serve "$HOST:$PORT" "$NAME"
	echo secret | p2psip-overlay adduser --dir "$DIR" "$USER_NAME"
	openssl ecparam -genkey -name prime256v1 -noout -out "$BATS_FILE_TMPDIR/key"
	openssl req -new -key "$BATS_FILE_TMPDIR/key" -subj / -outform DER \
		-out "$BATS_FILE_TMPDIR/csr"
}

setup()
{
	helpers_setup
	CSR=$BATS_FILE_TMPDIR/csr
	BODY=$BATS_TEST_TMPDIR/body
	start_server
}

start_server()
{
	start_daemon server p2psip-overlay serve --dir "$DIR" "$@"
	daemon_says server 'serving .*https://'
}

# ask CURL ARGUMENT…: status and content type; the body is in $BODY.
ask()
{
	curl -sS --cacert "$DIR/web-root.crt" --noproxy '*' -o "$BODY" \
		-w '%{http_code} %{content_type}' "$@"
}

# enroll CURL ARGUMENT…: a POST, where the server's certificate must name the overlay.
enroll()
{
	ask --connect-to "$NAME:$PORT:$HOST:$PORT" "https://$NAME:$PORT/enroll" "$@"
}

# as USER PASSWORD CURL ARGUMENT…: with the CSR, unless another is given.
as()
{
	local user=$1 password=$2
	shift 2
	enroll -F "username=$user" -F "password=$password" "$@"
}

csr_field()
{
	echo "csr=@${1:-$CSR};type=application/pkcs10"
}

refused()
{
	assert_equal "$1" '403 text/plain'
	assert_equal "$(cat "$BODY")" "$2"
}

san()
{
	openssl x509 -inform DER -in "$BODY" -noout -ext subjectAltName | tail -n +2 |
		tr -d ' '
}

new_key()
{
	openssl ecparam -genkey -name prime256v1 -noout -out "$BATS_TEST_TMPDIR/$1.key"
	openssl req -new -key "$BATS_TEST_TMPDIR/$1.key" -subj / -outform DER \
		-out "$BATS_TEST_TMPDIR/$1.csr" "${@:2}"
}

@test "the document, byte for byte, and nothing else" { # 6940-11.2-R3
	run ask "https://$HOST:$PORT/.well-known/reload-config"
	assert_output '200 application/p2p-overlay+xml'
	cmp "$BODY" "$DIR/overlay.xml"
	local path
	for path in / /overlay.xml /ca.key /.well-known/ '/../ca.key'; do
		run ask --path-as-is "https://$HOST:$PORT$path"
		assert_output --partial '404'
	done
}

@test "a document that is signed anew is served at once, one that is edited is not" {
	local url=https://$HOST:$PORT/.well-known/reload-config
	cp "$DIR/overlay.xml" "$BATS_TEST_TMPDIR/old"
	sed -i 's|<no-ice>true|<no-ice> true|' "$DIR/overlay.xml"
	ask "$url"
	cmp "$BODY" "$BATS_TEST_TMPDIR/old"
	daemon_says server 'overlay.xml is not served'
	p2psip-overlay sign --dir "$DIR"
	ask "$url"
	cmp "$BODY" "$DIR/overlay.xml"
	daemon_says server 'serving sequence [0-9]+ now'
}

@test "SIGHUP takes up a new document; SIGTERM ends in order" {
	p2psip-overlay sign --dir "$DIR"
	kill -HUP "${PIDS[server]}"
	daemon_says server 'serving sequence [0-9]+ now'
	stop_daemon server
	assert_equal "$status" 0
}

@test "a certificate as RFC 6940 wants it" { # 6940-11.3-R11
	run as "$USER_NAME" secret -F "$(csr_field)"
	assert_output '200 application/pkix-cert'
	# 6940-11.3-R10: an empty subject, 6940-11.3-R7, 6940-11.3-R9: one URI, one name.
	assert_regex "$(san)" "^URI:reload://0110[0-9a-f]{32}@$NAME/,email:$USER_NAME\$"
	assert_equal "$(openssl x509 -inform DER -in "$BODY" -noout -subject)" 'subject='
	openssl x509 -inform DER -in "$BODY" -out "$BATS_TEST_TMPDIR/pem"
	run_tool 0 openssl verify -CAfile "$DIR/ca.crt" "$BATS_TEST_TMPDIR/pem"
	run_tool 0 cmp <(openssl x509 -in "$BATS_TEST_TMPDIR/pem" -noout -pubkey) \
		<(openssl ec -in "$BATS_FILE_TMPDIR/key" -pubout 2>/dev/null)
}

@test "how long a certificate lives is the operator's choice" { # 6940-13.3-R2
	stop_daemon server
	start_server --lifetime 3h
	as "$USER_NAME" secret -F "$(csr_field)"
	openssl x509 -inform DER -in "$BODY" -out "$BATS_TEST_TMPDIR/pem"
	run_tool 0 openssl x509 -in "$BATS_TEST_TMPDIR/pem" -noout -checkend 10500
	run_tool 1 openssl x509 -in "$BATS_TEST_TMPDIR/pem" -noout -checkend 10801
}

@test "the same key gets the same Node-ID, a new key another" { # 6940-11.3-R8
	local first
	as "$USER_NAME" secret -F "$(csr_field)"
	first=$(san)
	as "$USER_NAME" secret -F "$(csr_field)"
	assert_equal "$(san)" "$first"
	new_key other
	as "$USER_NAME" secret -F "$(csr_field "$BATS_TEST_TMPDIR/other.csr")"
	assert_not_equal "$(san)" "$first"
}

@test "several Node-IDs, chosen by the server whatever the CSR wishes" { # 6940-11.3-R6
	local wish=00000000000000000000000000000001
	echo pw | p2psip-overlay adduser --dir "$DIR" dave
	new_key dave -addext \
		"subjectAltName=URI:reload://0110$wish@$NAME/,email:dave@$NAME"
	run as "dave@$NAME" pw -F nodeids=3 -F "$(csr_field "$BATS_TEST_TMPDIR/dave.csr")"
	assert_output '200 application/pkix-cert'
	assert_equal "$(san | tr , '\n' | grep -c '^URI:reload://0110')" 3
	assert_equal "$(san | tr , '\n' | sort -u | wc -l)" 4
	run_tool 1 grep -q "$wish" <<<"$(san)" # 6940-13.3-R1
}

@test "failed_authentication: wrong password, unknown user, none at all" { # 6940-11.3-R5
	refused "$(as "$USER_NAME" Secret -F "$(csr_field)")" failed_authentication
	refused "$(as "nobody@$NAME" secret -F "$(csr_field)")" failed_authentication
	refused "$(as "$USER_NAME" '' -F "$(csr_field)")" failed_authentication
	refused "$(enroll -F "$(csr_field)")" failed_authentication
	refused "$(enroll -d a=b)" failed_authentication
	# 6940-11.3-R6: without the password nothing else is judged or told.
	refused "$(as "$USER_NAME" Secret -F nodeids=99 -F csr=x)" failed_authentication
}

@test "passwords are UTF-8, compared as bytes" { # 6940-11.3-R3
	printf 'p\xc3\xa4ss\n' | p2psip-overlay adduser --dir "$DIR" erin
	new_key erin
	local csr
	csr=$(csr_field "$BATS_TEST_TMPDIR/erin.csr")
	refused "$(as "erin@$NAME" $'pa\xcc\x88ss' -F "$csr")" failed_authentication
	run as "erin@$NAME" $'p\xc3\xa4ss' -F "$csr"
	assert_output '200 application/pkix-cert'
}

@test "username_not_available: the CSR asks for another's name" { # 6940-11.3-R5
	new_key bob -addext "subjectAltName=email:bob@$NAME"
	refused "$(as "$USER_NAME" secret -F "$(csr_field "$BATS_TEST_TMPDIR/bob.csr")")" \
		username_not_available
}

@test "Node-IDs_not_available: too many, none, no number" {
	local n
	for n in 5 0 -1 x 99999999999; do
		refused "$(as "$USER_NAME" secret -F "nodeids=$n" -F "$(csr_field)")" \
			Node-IDs_not_available
	done
}

@test "bad_CSR: none, garbage, another type, a broken signature" {
	refused "$(as "$USER_NAME" secret)" bad_CSR
	refused "$(as "$USER_NAME" secret -F "$(csr_field "$DIR/overlay.xml")")" bad_CSR
	refused "$(as "$USER_NAME" secret -F "csr=@$CSR;type=text/plain")" bad_CSR
	cp "$CSR" "$BATS_TEST_TMPDIR/broken"
	printf '\xff' | dd of="$BATS_TEST_TMPDIR/broken" bs=1 conv=notrunc \
		seek=$(($(stat -c %s "$CSR") - 3)) status=none
	refused "$(as "$USER_NAME" secret -F "$(csr_field "$BATS_TEST_TMPDIR/broken")")" \
		bad_CSR
}

@test "revoke: no certificate any more, its Node-IDs are bad; added again, new ones" {
	local before
	echo pw | p2psip-overlay adduser --dir "$DIR" frank
	new_key frank
	as "frank@$NAME" pw -F "$(csr_field "$BATS_TEST_TMPDIR/frank.csr")"
	before=$(san | sed 's|.*0110\([0-9a-f]*\)@.*|\1|')
	p2psip-overlay revoke --dir "$DIR" frank
	grep -q "<bad-node>$before</bad-node>" "$DIR/overlay.xml"
	refused "$(as "frank@$NAME" pw -F "$(csr_field "$BATS_TEST_TMPDIR/frank.csr")")" \
		failed_authentication
	echo pw | p2psip-overlay adduser --dir "$DIR" frank
	as "frank@$NAME" pw -F "$(csr_field "$BATS_TEST_TMPDIR/frank.csr")"
	run_tool 1 grep -q "$before" <<<"$(san)"
}

@test "plain HTTP gets nothing" { # 6940-11.2-R3
	run curl -sS --noproxy '*' "http://$HOST:$PORT/.well-known/reload-config"
	assert_failure
	refute_output --partial '<overlay'
}

@test "what is too large or of no use is refused, and the server lives" {
	head -c 100000 /dev/zero >"$BATS_TEST_TMPDIR/big"
	run as "$USER_NAME" secret -F "$(csr_field "$BATS_TEST_TMPDIR/big")"
	assert_output --partial 413
	run ask -X DELETE "https://$HOST:$PORT/enroll"
	assert_output --partial 405
	run enroll -H 'Content-Type: application/json' -d '{}'
	assert_output --partial 415
	local fields=() n
	for n in {1..40}; do
		fields+=(-F "f$n=x")
	done
	run enroll "${fields[@]}"
	assert_output --partial 413
	run ask "https://$HOST:$PORT/.well-known/reload-config"
	assert_output --partial 200
}

@test "connections that say nothing keep nobody waiting" {
	local n fds=() fd
	for n in {1..20}; do
		exec {fd}<>"/dev/tcp/$HOST/$PORT"
		fds+=("$fd")
		echo rubbish >&"$fd"
	done
	run ask --max-time 5 "https://$HOST:$PORT/.well-known/reload-config"
	assert_output --partial 200
	assert_output --partial 200
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}

@test "check: the document that is served" {
	local url
	for url in "https://$HOST:$PORT" "https://$HOST:$PORT/.well-known/reload-config"; do
		run_tool 0 p2psip-overlay check --cacert "$DIR/web-root.crt" "$url"
		assert_regex "$output" "^$NAME.*sha256:$(sha256sum <"$DIR/overlay.xml" | cut -d' ' -f1)"
	done
	run_tool 69 p2psip-overlay check "$url"
	assert_regex "$stderr" '--cacert'
}

@test "a busy port is status 71, with the address and the option" {
	run_tool 71 p2psip-overlay serve --dir "$DIR"
	assert_regex "$stderr" "$HOST:$PORT"
	assert_regex "$stderr" '-l'
	run_tool 64 p2psip-overlay serve --dir "$DIR" -l nowhere
	run_tool 64 p2psip-overlay serve --dir "$DIR" --lifetime never
}

@test "connections that say nothing keep nobody out" {
	local fds=() fd
	for _ in {1..300}; do
		exec {fd}<>"/dev/tcp/$HOST/$PORT"
		fds+=("$fd")
	done
	run ask --max-time 8 "https://$HOST:$PORT/.well-known/reload-config"
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}
