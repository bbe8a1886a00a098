# SPDX-License-Identifier: ISC
# p2psip-overlay's commands that end at once: init, sign, check, adduser, revoke.

load helpers

NAME=overlay.example.org

setup()
{
	helpers_setup
	DIR=$BATS_TEST_TMPDIR/overlay
	PASS=$BATS_TEST_TMPDIR/pass
	echo secret >"$PASS"
}

init()
{
	p2psip-overlay init --dir "$DIR" "$@" "$NAME"
}

# field N of what check prints: name, sequence, expiration, fingerprint.
checked()
{
	p2psip-overlay check "$DIR/overlay.xml" | cut -f"$1"
}

edit()
{
	sed -i "$1" "$DIR/overlay.xml"
}

@test "init makes an overlay that passes the check, and prints nothing" {
	run_tool 0 p2psip-overlay init --dir "$DIR" "$NAME"
	assert_equal "$output$stderr" ''
	run_tool 0 p2psip-overlay check "$DIR/overlay.xml"
	assert_regex "$output" $'^overlay\\.example\\.org\t1\t20[0-9T:-]+Z\tsha256:[0-9a-f]{64}$'
}

@test "init keeps its keys to itself" {
	init
	assert_equal "$(stat -c %a "$DIR")" 700
	local key
	for key in ca signer web web-root; do
		assert_equal "$(stat -c %a "$DIR/$key.key")" 600
	done
	assert_equal "$(stat -c %a "$DIR/accounts.sqlite")" 600
}

@test "init's document is valid to the RFC's grammar for xmllint, too" { # 6940-11.1-R1
	command -v xmllint >/dev/null || skip 'xmllint is missing'
	init --bootstrap 192.0.2.1:7000 --bootstrap '[2001:db8::1]:7001'
	run_tool 0 xmllint --noout --relaxng "$SOURCE/common/conf/overlay.rng" \
		"$DIR/overlay.xml"
	grep -q '^<?xml version="1.0" encoding="UTF-8"?>' "$DIR/overlay.xml"
}

@test "init: addresses, several bootstrap nodes" {
	init --bootstrap 192.0.2.1:7000 --bootstrap '[2001:db8::1]:7001' \
		--serve 192.0.2.3:444
	grep -q '<bootstrap-node address="192.0.2.1" port="7000"/>' "$DIR/overlay.xml"
	grep -q '<bootstrap-node address="2001:db8::1" port="7001"/>' "$DIR/overlay.xml"
	grep -q 'https://192.0.2.3:444/enroll' "$DIR/overlay.xml"
}

@test "init: keys of every type" {
	local type
	for type in p256 rsa2048 ed25519; do
		run_tool 0 p2psip-overlay init --dir "$DIR.$type" --key "$type" "$NAME"
		run_tool 0 p2psip-overlay check "$DIR.$type/overlay.xml"
		run_tool 0 p2psip-overlay sign --dir "$DIR.$type"
		run_tool 0 p2psip-overlay check "$DIR.$type/overlay.xml"
	done
	run_tool 64 p2psip-overlay init --dir "$DIR" --key dsa "$NAME"
}

@test "init --self-signed: the document permits it, and names no server" {
	init --self-signed
	grep -q '<self-signed-permitted digest="sha256">true<' "$DIR/overlay.xml"
	run_tool 1 grep enrollment-server "$DIR/overlay.xml"
}

@test "init does not touch an overlay that is there" {
	init
	cp -r "$DIR" "$DIR.before"
	run_tool 73 p2psip-overlay init --dir "$DIR" "$NAME"
	assert_regex "$stderr" '--dir'
	diff -r "$DIR" "$DIR.before"
}

@test "init: what is no name, no address" { # 6940-6.3.2-R3
	run_tool 64 p2psip-overlay init --dir "$DIR" 'over_lay'
	run_tool 64 p2psip-overlay init --dir "$DIR" '../x'
	run_tool 64 p2psip-overlay init --dir "$DIR" --bootstrap host.example "$NAME"
	run_tool 64 p2psip-overlay init --dir "$DIR" --serve :443 "$NAME"
	run_tool 64 p2psip-overlay init --dir "$DIR"
	assert_not_exist "$DIR"
}

@test "init where nobody may write" {
	[ "$(id -u)" -ne 0 ] || skip 'root writes everywhere'
	mkdir -m 0500 "$BATS_TEST_TMPDIR/ro"
	run_tool 73 p2psip-overlay init --dir "$BATS_TEST_TMPDIR/ro/x" "$NAME"
}

@test "no command, an unknown command, options before and behind it" {
	run_tool 64 p2psip-overlay
	run_tool 64 p2psip-overlay found
	assert_regex "$stderr" "'found'"
	run_tool 0 p2psip-overlay -q init --dir "$DIR" "$NAME"
	run_tool 0 p2psip-overlay check -j "$DIR/overlay.xml"
	assert_regex "$output" '"sequence": ?1[,}]'
}

@test "sign: the next sequence, the operator's bytes otherwise as they were" {
	init
	edit 's|<no-ice>|<!-- my note -->  <no-ice>|'
	run_tool 78 p2psip-overlay check "$DIR/overlay.xml"
	assert_regex "$stderr" 'changed since'
	run_tool 0 p2psip-overlay sign --dir "$DIR"
	assert_equal "$output$stderr" ''
	assert_equal "$(checked 2)" 2
	grep -q '<!-- my note -->  <no-ice>' "$DIR/overlay.xml"
	(cd "$DIR" && p2psip-overlay sign)
	assert_equal "$(checked 2)" 3
}

@test "sign: after 65534 comes 0" { # 6940-6.3.2.1-R2
	init
	edit 's|sequence="1"|sequence="65533"|'
	run_tool 0 p2psip-overlay sign --dir "$DIR"
	assert_equal "$(checked 2)" 65534
	run_tool 0 p2psip-overlay sign --dir "$DIR"
	assert_equal "$(checked 2)" 0
}

@test "sign: a document that is about to expire lives on, another keeps its date" {
	init
	local before
	before=$(checked 3)
	p2psip-overlay sign --dir "$DIR"
	assert_equal "$(checked 3)" "$before"
	edit 's|expiration="[^"]*"|expiration="2020-01-01T00:00:00Z"|'
	run_tool 78 p2psip-overlay check "$DIR/overlay.xml"
	p2psip-overlay sign --dir "$DIR"
	assert_regex "$(checked 3)" '^20[2-9][0-9]-'
}

@test "sign --expires" {
	init
	p2psip-overlay sign --dir "$DIR" --expires 2d
	assert_equal "$(checked 3 | cut -dT -f1)" "$(date -u -d '+2 days' +%F)"
	run_tool 64 p2psip-overlay sign --dir "$DIR" --expires soon
}

@test "sign: what would not be accepted is not written" {
	init
	edit 's|<max-message-size>60000<|<max-message-size>1<|'
	cp "$DIR/overlay.xml" "$BATS_TEST_TMPDIR/edited"
	run_tool 78 p2psip-overlay sign --dir "$DIR"
	assert_regex "$stderr" 'line [0-9]+: <max-message-size>'
	cmp "$DIR/overlay.xml" "$BATS_TEST_TMPDIR/edited"
	edit 's|<max-message-size>1<|<max-message-size><|'
	run_tool 78 p2psip-overlay sign --dir "$DIR"
	run_tool 66 p2psip-overlay sign --dir "$BATS_TEST_TMPDIR"
}

@test "check: tampered, with a DOCTYPE, unreadable, of another overlay" {
	init
	sed 's|<no-ice>true|<no-ice>false|' "$DIR/overlay.xml" >"$DIR/bad.xml"
	run_tool 78 p2psip-overlay check "$DIR/bad.xml"
	sed 's|<overlay |<!DOCTYPE overlay><overlay |' "$DIR/overlay.xml" >"$DIR/bad.xml"
	run_tool 78 p2psip-overlay check "$DIR/bad.xml"
	assert_regex "$stderr" 'DOCTYPE'
	assert_equal "$output" ''
	run_tool 66 p2psip-overlay check "$DIR/none.xml"
	run_tool 78 p2psip-overlay check -o other.example.org "$DIR/overlay.xml"
	run_tool 78 p2psip-overlay check /dev/null
	head -c 2000000 /dev/zero >"$DIR/bad.xml"
	run_tool 65 p2psip-overlay check "$DIR/bad.xml"
	run_tool 0 p2psip-overlay check - <"$DIR/overlay.xml"
}

@test "adduser: from a file or a pipe, once" { # 6940-13.3-R1
	init
	run_tool 0 p2psip-overlay adduser --dir "$DIR" -p "$PASS" "alice@$NAME"
	assert_equal "$output$stderr" ''
	run_tool 65 p2psip-overlay adduser --dir "$DIR" -p "$PASS" alice
	assert_regex "$stderr" "alice@$NAME has an account"
	run_tool 0 p2psip-overlay adduser --dir "$DIR" bob@other.example <"$PASS"
	run_tool 65 p2psip-overlay adduser --dir "$DIR" carol </dev/null
	run_tool 66 p2psip-overlay adduser --dir "$DIR" -p "$DIR/none" carol
	printf '\xff\n' >"$DIR/latin"
	run_tool 65 p2psip-overlay adduser --dir "$DIR" -p "$DIR/latin" carol # 6940-11.3-R3
	run_tool 1 grep -q secret "$DIR/accounts.sqlite"
}

@test "adduser: only names that a certificate may carry" { # 6940-11.3-R9
	init
	run_tool 64 p2psip-overlay adduser --dir "$DIR" -p "$PASS" $'a\tb@x'
	run_tool 64 p2psip-overlay adduser --dir "$DIR" -p "$PASS" 'ällie@x'
	run_tool 64 p2psip-overlay adduser --dir "$DIR" -p "$PASS" \
		"$(printf 'a%.0s' {1..300})"
	run_tool 64 p2psip-overlay adduser --dir "$DIR" -p "$PASS" ''
}

@test "revoke: a Node-ID goes into the signed document" { # 6940-11.1-R11
	init
	run_tool 0 p2psip-overlay revoke --dir "$DIR" 00112233445566778899aabbccddeeff
	grep -q '<bad-node>00112233445566778899aabbccddeeff</bad-node>' "$DIR/overlay.xml"
	assert_equal "$(checked 2)" 2
	run_tool 1 p2psip-overlay revoke --dir "$DIR" nobody
	assert_equal "$(checked 2)" 2
}
