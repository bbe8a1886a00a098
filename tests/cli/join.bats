# SPDX-License-Identifier: ISC
# p2psip-join up to the door: documents, trust, certificates.  No peer runs here, so
# that the best it can end with is status 69 and a home that is complete.

load helpers

NAME=overlay.example.org

setup()
{
	helpers_setup
	DIR=$BATS_TEST_TMPDIR/overlay
	HOST=$(loopback 1)
	PORT=$(free_port "$HOST" 8443)
	URL=https://$HOST:$PORT/.well-known/reload-config
	ROOT=$DIR/web-root.crt
	H=$HOMES/home
	PASS=$BATS_TEST_TMPDIR/pass
	echo secret >"$PASS"
	p2psip-overlay init --dir "$DIR" --serve "$HOST:$PORT" \
		--bootstrap "$(loopback 2):1" "$NAME"
	p2psip-overlay adduser --dir "$DIR" -p "$PASS" alice
	p2psip-overlay adduser --dir "$DIR" -p "$PASS" bob
}

serve()
{
	start_daemon server p2psip-overlay serve --dir "$DIR" "$@"
	daemon_says server 'serving .*https://'
}

# join STATUS ARGUMENT…: as alice, with her password.
join()
{
	local expected=$1
	shift
	run_tool "$expected" p2psip-join -T 5 -d "$H" --cacert "$ROOT" -u alice \
		-p "$PASS" "$@"
}

cert()
{
	cat "$H/$NAME/users/${1:-alice}@$NAME/cert.pem"
}

node_id()
{
	cert "$@" | openssl x509 -noout -ext subjectAltName |
		sed -n 's|.*0110\([0-9a-f]*\)@.*|\1|p'
}

# A web server that says what is in FILE.http to whoever comes, once; what it was
# asked is in $BATS_TEST_TMPDIR/web.out.
web()
{
	mkfifo "$BATS_TEST_TMPDIR/answer"
	# shellcheck disable=SC2094 # a pipe
	openssl s_server -quiet -accept "$HOST:$PORT" -naccept "${2:-1}" \
		-cert "$DIR/web.crt" -key "$DIR/web.key" \
		<>"$BATS_TEST_TMPDIR/answer" >"$BATS_TEST_TMPDIR/web.out" \
		2>"$BATS_TEST_TMPDIR/web.err" 3>&- &
	PIDS[web]=$!
	wait_until nc_listens
	answer_web "$1" &
	PIDS[answer]=$!
	touch "$BATS_TEST_TMPDIR/answer.err"
}

nc_listens()
{
	[ -n "$(ss -Hltn "src $HOST:$PORT")" ]
}

asked()
{
	[ -s "$BATS_TEST_TMPDIR/web.out" ]
}

answer_web()
{
	until grep -qa -- "${WEB_END:-[-][-]$'\r'}" "$BATS_TEST_TMPDIR/web.out"; do
		read -rt 0.05 <> <(:) || :
	done
	cat "$1" >"$BATS_TEST_TMPDIR/answer"
}

http()
{
	local body=$1 type=$2 status=${3:-200 OK}
	printf 'HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n' \
		"$status" "$type" "$(stat -c %s "$body")"
	cat "$body"
}

@test "from a URL: the home is complete, although no peer answers yet" { # 6940-11.2-R1
	serve
	join 69 -c "$URL"
	assert_equal "$output" ''
	assert_regex "$stderr" 'refused'
	cmp "$DIR/overlay.xml" "$H/$NAME/overlay.xml"
	assert_regex "$(node_id)" '^[0-9a-f]{32}$'
	run_tool 0 find "$H" -perm /077
	assert_equal "$output" ''
	# Again, and from cron: the same identity, no password needed.
	local before
	before=$(cert)
	run_tool 69 env -i PATH="$PATH" HOME="$HOME" p2psip-join -q -T 5 -d "$H"
	assert_equal "$(cert)" "$before"
}

@test "the home is where XDG says, else in ~/.local/state" {
	serve
	run_tool 69 p2psip-join -T 5 -c "$URL" --cacert "$ROOT" -u alice -p "$PASS"
	assert_exist "$HOME/.local/state/p2psip/$NAME/overlay.bin"
	XDG_STATE_HOME=$HOMES/x run_tool 69 p2psip-join -T 5 -c "$URL" \
		--cacert "$ROOT" -u alice -p "$PASS"
	assert_exist "$HOMES/x/p2psip/$NAME/overlay.bin"
}

@test "by DNS: SRV, the address it names, a certificate of the overlay's name" { # 6940-11.2-R2
	serve
	start_daemon dns "$BUILD/tests/cli/dns-server" "$(loopback 3)" \
		"_reload-config._tcp.$NAME SRV 20 0 1 nowhere.test" \
		"_reload-config._tcp.$NAME SRV 10 0 1 closed.test" \
		"_reload-config._tcp.$NAME SRV 15 0 $PORT conf.test" \
		"closed.test A $HOST" "conf.test A $HOST"
	daemon_says dns 'listening'
	P2PSIP_DNS=$(sed 's/.* //' "$BATS_TEST_TMPDIR/dns.err")
	export P2PSIP_DNS
	join 69 "$NAME"
	cmp "$DIR/overlay.xml" "$H/$NAME/overlay.xml"
	# 6940-11.2-R4: the overlay's name, not the target's.
	start_daemon dns2 "$BUILD/tests/cli/dns-server" "$(loopback 3)" \
		"_reload-config._tcp.other.example SRV 1 0 $PORT conf.test" \
		"conf.test A $HOST"
	daemon_says dns2 'listening'
	P2PSIP_DNS=$(sed 's/.* //' "$BATS_TEST_TMPDIR/dns2.err")
	join 69 -d "$HOMES/other" other.example
	assert_regex "$stderr" 'other.example'
	assert_not_exist "$HOMES/other"
	join 69 -d "$HOMES/other" none.example
	assert_regex "$stderr" '_reload-config._tcp.none.example'
}

@test "whom the server's certificate names, and who vouches for it" { # 6940-11.2-R4
	serve -l "$(loopback 5):$PORT"
	join 69 -c "https://$(loopback 5):$PORT/.well-known/reload-config"
	assert_regex "$stderr" 'TLS'
	assert_not_exist "$H"
	stop_daemon server
	serve
	run_tool 69 p2psip-join -T 5 -d "$H" -c "$URL" -u alice -p "$PASS"
	assert_regex "$stderr" '--cacert'
	join 69 --cacert "$DIR/ca.crt" -c "$URL"
	assert_regex "$stderr" 'TLS'
	run_tool 64 p2psip-join -d "$H" -c "http://$HOST:$PORT/" -u alice # 6940-11.2-R3
	assert_not_exist "$H"
}

@test "from a file: its fingerprint is told" { # 6940-4.1-D1
	serve
	join 69 -c "$DIR/overlay.xml"
	assert_regex "$stderr" \
		"sha256:$(sha256sum <"$DIR/overlay.xml" | cut -d' ' -f1)"
	join 66 -c "$DIR/none.xml" -d "$HOMES/none"
	assert_not_exist "$HOMES/none"
}

@test "documents that are not acceptable leave nothing behind" { # 6940-11.2-R5
	local bad=$BATS_TEST_TMPDIR/bad.xml
	sed 's|<overlay |<!DOCTYPE overlay><overlay |' "$DIR/overlay.xml" >"$bad"
	join 78 -c "$bad"
	sed 's|<no-ice>true|<no-ice>false|' "$DIR/overlay.xml" >"$bad"
	join 78 -c "$bad"
	head -c 500 "$DIR/overlay.xml" >"$bad"
	join 78 -c "$bad"
	join 78 -c "$DIR/overlay.xml" other.example.org
	cp -r "$DIR" "$BATS_TEST_TMPDIR/o"
	sed -i 's|<no-ice>|<mandatory-extension>urn:x</mandatory-extension><no-ice>|' \
		"$BATS_TEST_TMPDIR/o/overlay.xml"
	# Not even the operator gets it signed here: 6940-11.1-R12.
	run_tool 78 p2psip-overlay sign --dir "$BATS_TEST_TMPDIR/o"
	assert_regex "$stderr" 'urn:x'
	assert_not_exist "$H"
}

@test "a second document: newer, and by a signer of the first" { # 6940-4.1-D1
	serve
	join 69 -c "$URL"
	cp "$H/$NAME/overlay.xml" "$BATS_TEST_TMPDIR/one"
	p2psip-overlay sign --dir "$DIR"
	run_tool 0 p2psip-join -d "$H" --update
	assert_equal "$output$stderr" ''
	cmp "$DIR/overlay.xml" "$H/$NAME/overlay.xml"
	# Older ones change nothing.
	cp "$H/$NAME/overlay.bin" "$BATS_TEST_TMPDIR/bin"
	run_tool 78 p2psip-join -d "$H" --update -c "$BATS_TEST_TMPDIR/one"
	assert_regex "$stderr" 'sequence 1, in use is 2'
	cmp "$H/$NAME/overlay.bin" "$BATS_TEST_TMPDIR/bin"
	# Another's signature: the name is the same, the signer is not.
	p2psip-overlay init --dir "$BATS_TEST_TMPDIR/rogue" --serve "$HOST:$PORT" "$NAME"
	sed -i 's|sequence="1"|sequence="500"|' "$BATS_TEST_TMPDIR/rogue/overlay.xml"
	p2psip-overlay sign --dir "$BATS_TEST_TMPDIR/rogue"
	join 78 -c "$BATS_TEST_TMPDIR/rogue/overlay.xml"
	assert_regex "$stderr" 'signature'
	cmp "$H/$NAME/overlay.bin" "$BATS_TEST_TMPDIR/bin"
	# What came from the overlay is judged the same way, and thrown away.
	cp "$BATS_TEST_TMPDIR/rogue/overlay.xml" "$H/$NAME/update.xml"
	run_tool 0 p2psip-join -d "$H" --update
	cmp "$H/$NAME/overlay.bin" "$BATS_TEST_TMPDIR/bin"
	assert_not_exist "$H/$NAME/update.xml"
	p2psip-overlay sign --dir "$DIR"
	cp "$DIR/overlay.xml" "$H/$NAME/update.xml"
	stop_daemon server
	run_tool 0 p2psip-join -d "$H" --update
	cmp "$DIR/overlay.xml" "$H/$NAME/overlay.xml"
	assert_not_exist "$H/$NAME/update.xml"
}

@test "an unsigned second document is refused" { # 6940-4.1-D1
	serve
	join 69 -c "$URL"
	p2psip-overlay sign --dir "$DIR"
	sed '/<signature>/d' "$DIR/overlay.xml" >"$BATS_TEST_TMPDIR/unsigned"
	join 78 -c "$BATS_TEST_TMPDIR/unsigned"
	assert_regex "$stderr" 'signature'
}

@test "the request, to the letter" { # 6940-11.3-R2
	p2psip-overlay sign --dir "$DIR"
	echo foo >"$BATS_TEST_TMPDIR/foo"
	http "$BATS_TEST_TMPDIR/foo" text/plain '403 Forbidden' \
		>"$BATS_TEST_TMPDIR/foo.http"
	web "$BATS_TEST_TMPDIR/foo.http"
	join 69 -c "$DIR/overlay.xml" --node-ids 3
	# 6940-11.3-R12: a token that nobody knows.
	assert_regex "$stderr" 'unknown reason'
	local asked=$BATS_TEST_TMPDIR/web.out
	grep -qa $'^POST /enroll HTTP/1.1\r$' "$asked"
	grep -qa "^Host: $NAME:$PORT" "$asked"
	grep -qa $'^Accept: application/pkix-cert\r$' "$asked" # 6940-11.3-R4
	grep -qa '^Content-Type: multipart/form-data; boundary=' "$asked"
	local part
	for part in username password nodeids csr; do # 6940-11.3-R3
		grep -qa "^Content-Disposition: form-data; name=\"$part\"" "$asked"
	done
	grep -qa $'^Content-Type: application/pkcs10\r$' "$asked"
	grep -qa $'^3\r$' "$asked"
	grep -qa $'^secret\r$' "$asked"
	grep -qa "^alice@$NAME" "$asked"
}

@test "one Node-ID is asked for without saying so" { # 6940-11.3-R4
	echo failed_authentication >"$BATS_TEST_TMPDIR/t"
	http "$BATS_TEST_TMPDIR/t" text/plain '403 Forbidden' >"$BATS_TEST_TMPDIR/t.http"
	web "$BATS_TEST_TMPDIR/t.http"
	join 77 -c "$DIR/overlay.xml"
	run_tool 1 grep -qa nodeids "$BATS_TEST_TMPDIR/web.out"
}

@test "a certificate of another authority is refused" { # 6940-11.3-R12
	p2psip-overlay init --dir "$BATS_TEST_TMPDIR/rogue" "$NAME"
	openssl x509 -in "$BATS_TEST_TMPDIR/rogue/signer.crt" -outform DER \
		-out "$BATS_TEST_TMPDIR/cert"
	http "$BATS_TEST_TMPDIR/cert" application/pkix-cert >"$BATS_TEST_TMPDIR/c.http"
	web "$BATS_TEST_TMPDIR/c.http"
	join 76 -c "$DIR/overlay.xml"
	assert_regex "$stderr" 'certificate'
	assert_not_exist "$H/$NAME/users/alice@$NAME/cert.pem"
}

@test "each refusal of the server: its status, and no certificate" { # 6940-11.3-R1
	serve
	echo wrong >"$BATS_TEST_TMPDIR/wrong"
	join 77 -c "$URL" -p "$BATS_TEST_TMPDIR/wrong"
	assert_regex "$stderr" 'failed_authentication'
	run_tool 77 p2psip-join -d "$H" -u nobody -p "$PASS"
	join 77 --node-ids 5
	assert_regex "$stderr" 'Node-IDs_not_available'
	run_tool 0 find "$H" -name cert.pem
	assert_equal "$output" ''
	run_tool 66 p2psip-join -d "$H" -u alice -p "$BATS_TEST_TMPDIR/none"
	run_tool 65 p2psip-join -d "$H" -u alice </dev/null
	run_tool 64 p2psip-join -d "$H" -p "$PASS"
	assert_regex "$stderr" '-u NAME'
	run_tool 64 p2psip-join -d "$H" -u alice --node-ids 0 -p "$PASS"
}

@test "several Node-IDs in one certificate" {
	serve
	join 69 -c "$URL" --node-ids 3
	assert_equal "$(cert | openssl x509 -noout -ext subjectAltName |
		grep -o 'URI:' | wc -l)" 3
	local before
	before=$(cert)
	join 69
	assert_equal "$(cert)" "$before"
}

@test "the server cannot be reached: the key waits for the next time" {
	join 69 -c "$DIR/overlay.xml"
	assert_regex "$stderr" 'web server'
	local key
	key=$(cat "$H/$NAME/users/alice@$NAME/key.pem")
	serve
	join 69
	assert_equal "$(cat "$H/$NAME/users/alice@$NAME/key.pem")" "$key"
	assert_regex "$(node_id)" '^[0-9a-f]{32}$'
}

@test "renewal: asked for, or a third of its life before the end; the same Node-ID" {
	serve --lifetime 10m # and an hour back: two thirds are over
	join 69 -c "$URL"
	local first id
	first=$(cert) id=$(node_id)
	join 69
	assert_not_equal "$(cert)" "$first"
	assert_equal "$(node_id)" "$id"
	stop_daemon server
	serve --lifetime 10h
	join 69
	first=$(cert)
	join 69
	assert_equal "$(cert)" "$first"
	join 69 --renew
	assert_not_equal "$(cert)" "$first"
	assert_equal "$(node_id)" "$id"
}

@test "a revoked identity" { # 6940-11.1-R11
	serve
	run_tool 69 p2psip-join -d "$H" -c "$URL" --cacert "$ROOT" -u bob -p "$PASS"
	local id
	id=$(node_id bob)
	p2psip-overlay revoke --dir "$DIR" bob
	run_tool 77 p2psip-join -d "$H" -c "$URL" -p "$PASS"
	assert_regex "$stderr" 'revoked'
	run_tool 77 p2psip-join -d "$H" --renew -p "$PASS"
	echo secret | p2psip-overlay adduser --dir "$DIR" bob
	run_tool 69 p2psip-join -d "$H" --renew -p "$PASS"
	assert_not_equal "$(node_id bob)" "$id"
}

@test "two users, two overlays in one home: which one is asked for" {
	serve
	join 69 -c "$URL"
	run_tool 69 p2psip-join -d "$H" -u bob -p "$PASS"
	run_tool 64 p2psip-join -d "$H"
	assert_regex "$stderr" '-u'
	run_tool 69 p2psip-join -d "$H" -u bob -c "https://$HOST:$PORT"
	run_tool 69 p2psip-get -d "$H" -u bob
	run_tool 0 p2psip-peer -d "$H" -u bob --check-config
	p2psip-overlay init --dir "$BATS_TEST_TMPDIR/second" --self-signed b.example
	run_tool 69 p2psip-join -d "$H" -c "$BATS_TEST_TMPDIR/second/overlay.xml" -u carol
	run_tool 64 p2psip-join -d "$H" -u bob
	assert_regex "$stderr" '-o'
	run_tool 69 p2psip-join -d "$H" -o b.example
	run_tool 69 p2psip-join -d "$H" b.example
}

@test "self-signed, where the document permits it" { # 6940-11.3.1-R1
	p2psip-overlay init --dir "$BATS_TEST_TMPDIR/self" --self-signed b.example
	run_tool 69 p2psip-join -d "$H" -c "$BATS_TEST_TMPDIR/self/overlay.xml" -u carol
	local pem=$H/b.example/users/carol@b.example/cert.pem
	# 6940-11.3.1-R2: the digest of the key says the Node-ID.
	assert_equal "$(openssl x509 -in "$pem" -noout -ext subjectAltName |
		sed -n 's|.*0110\([0-9a-f]*\)@.*|\1|p')" \
		"$(openssl x509 -in "$pem" -noout -pubkey |
			openssl pkey -pubin -outform DER | sha256sum | head -c 32)"
}

@test "a home that others can read, one that cannot be made" {
	serve
	join 69 -c "$URL"
	chmod 755 "$H"
	join 73
	chmod 700 "$H"
	chmod 644 "$H/$NAME/users/alice@$NAME/key.pem"
	join 73
	assert_regex "$stderr" 'key.pem'
	run_tool 73 p2psip-join -d /dev/null/x -c "$URL" --cacert "$ROOT" -u alice \
		-p "$PASS"
}

@test "an expired document: replaced by a newer one, else said to be expired" { # 6940-11.1-R3
	serve
	p2psip-overlay sign --dir "$DIR" --expires 3s
	join 69 -c "$URL"
	stop_daemon server
	wait_until expired
	run_tool 78 p2psip-get -d "$H" x
	assert_regex "$stderr" 'expired'
	run_tool 78 p2psip-join -d "$H"
	assert_regex "$stderr" 'expired'
	p2psip-overlay sign --dir "$DIR"
	serve
	join 69
	cmp "$DIR/overlay.xml" "$H/$NAME/overlay.xml"
}

expired()
{
	! p2psip-overlay check "$DIR/overlay.xml" 2>/dev/null
}

@test "-T is the end of the whole run" {
	WEB_END=never web "$PASS"
	run_tool 75 p2psip-join -T 0.3 -d "$H" -c "$URL" --cacert "$ROOT" -u alice \
		-p "$PASS"
}

@test "a bootstrap host: unknown beside one that is there, and no DNS in time" {
	need python3
	unshare -rnm true 2>/dev/null || skip "no namespaces can be made here"
	serve
	join 69 -c "$URL"
	run_tool 69 p2psip-get -d "$H" -b nowhere.invalid -b "$HOST:1"
	assert_regex "$stderr" 'refused'
	echo 'nameserver 127.0.0.1' >"$BATS_TEST_TMPDIR/resolv.conf"
	# shellcheck disable=SC2016 # for the inner shell
	TOOL_TIMEOUT=5 run_tool 69 unshare -rnm sh -ec 'ip link set lo up
		mount --bind "$1" /etc/resolv.conf
		shift && exec python3 -c "import socket, subprocess, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((\"127.0.0.1\", 53))
sys.exit(subprocess.call(sys.argv[1:]))" "$@"' sh "$BATS_TEST_TMPDIR/resolv.conf" \
		p2psip-get -d "$H" -T 0.2 -b host.example
	assert_regex "$stderr" 'host.example: no answer in time'
}
