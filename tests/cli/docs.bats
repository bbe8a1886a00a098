# SPDX-License-Identifier: ISC
# Manual pages and completions are held to what --help says, and that comes from the
# table which also parses the options.

load helpers

setup()
{
	helpers_setup
	MAN=$SOURCE/man
	CONFIG_TOOLS=' p2psip-join p2psip-peer p2psip-overlay '
}

need_tool()
{
	[ -x "$BUILD/cmd/$1" ] || skip "$1 is not built"
}

# help_options COMMAND…: "-x --name" or "--name" a line, sorted.
help_options()
{
	"$@" --help | sed -nE \
		's/^ {2}(-[A-Za-z0-9], | {4})(--[a-z0-9-]+).*/\1\2/p' |
		sed -E 's/^ +//; s/, / /' | sort -u
}

# page_options PAGE [N]: the same of the .It lines of a page, of its Nth list of
# options only when N is given.
page_options()
{
	awk -v only="${2:-0}" '
		/^\.Bl / { options = 0 }
		/^\.It Fl/ {
			lists += !options
			options = 1
			if (only && lists != only)
				next
			if ($3 ~ /^-/) # no letter
				print "-" $3
			else if ($4 == ",")
				print "-" $3 " -" $5
			else
				print "-" $3
		}' "$1" | sort -u
}

page_of()
{
	ls "$MAN/$1".[18]
}

check_page()
{
	local tool=$1 expected
	need_tool "$tool"
	expected=$(page_options "$(page_of "$tool")"; page_options "$MAN/p2psip.7" 1
		[[ $CONFIG_TOOLS != *" $tool "* ]] || page_options "$MAN/p2psip.7" 2)
	assert_equal "$(all_help_options "$tool")" "$(sort -u <<<"$expected")"
}

# p2psip-overlay has options of its commands, too.
all_help_options()
{
	if [ "$1" = p2psip-overlay ]; then
		{
			help_options "$1"
			local command
			for command in init serve sign check adduser revoke; do
				help_options "$1" "$command"
			done
		} | sort -u
	else
		help_options "$1"
	fi
}

# completed WORD…: what bash would offer for the last word.
completed()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_p2psip "$1"
	printf '%s\n' "${COMPREPLY[@]}" | sort -u
}

check_completion()
{
	local tool=$1
	need_tool "$tool"
	# shellcheck source=/dev/null
	. "$SOURCE/completions/p2psip"
	assert_equal "$(completed "$tool" -)" \
		"$(help_options "$tool" | tr ' ' '\n' | sort -u)"
	assert_equal "$(completed "$tool" --jso)" --json
}

@test "manual page of p2psip-join" {
	check_page p2psip-join
}

@test "manual page of p2psip-put" {
	check_page p2psip-put
}

@test "manual page of p2psip-get" {
	check_page p2psip-get
}

@test "manual page of p2psip-del" {
	check_page p2psip-del
}

@test "manual page of p2psip-lookup" {
	check_page p2psip-lookup
}

@test "manual page of p2psip-route" {
	check_page p2psip-route
}

@test "manual page of p2psip-peer" {
	check_page p2psip-peer
}

@test "manual page of p2psip-overlay" {
	check_page p2psip-overlay
}

@test "completion of p2psip-join" {
	check_completion p2psip-join
}

@test "completion of p2psip-put" {
	check_completion p2psip-put
}

@test "completion of p2psip-get" {
	check_completion p2psip-get
}

@test "completion of p2psip-del" {
	check_completion p2psip-del
}

@test "completion of p2psip-lookup" {
	check_completion p2psip-lookup
}

@test "completion of p2psip-route" {
	check_completion p2psip-route
}

@test "completion of p2psip-peer" {
	check_completion p2psip-peer
}

@test "completion of p2psip-overlay" {
	check_completion p2psip-overlay
}

@test "the page of exit statuses has each of them" {
	local listed used
	listed=$(awk '/^\.Sh EXIT STATUS/ { on = 1; next } /^\.Sh/ { on = 0 }
		on && /^\.It [0-9]/ { print $2 }' "$MAN/p2psip.7" | sort -n)
	used=$({ echo 0; sed -nE 's/^E\([A-Z_0-9]+, ([0-9]+),.*/\1/p' \
		"$SOURCE/common/base/err.def"; } | sort -nu)
	assert_equal "$used" "$listed"
}

@test "STANDARDS has every choice that the sources name" {
	local n numbers
	numbers=$(grep -rhoE 'CHOICE[: ]+[0-9]+' "$SOURCE/common" "$SOURCE/cmd" |
		grep -oE '[0-9]+' | sort -nu)
	assert [ -n "$numbers" ]
	while read -r n; do
		grep -q "^\.It $n\.$" "$MAN/p2psip.7" || fail "choice $n is not there"
	done <<<"$numbers"
}

@test "ENVIRONMENT has every variable that --help names" {
	local tool v
	for tool in "${TOOLS[@]}"; do
		need_tool "$tool"
		for v in $("$tool" --help | grep -oE 'P2PSIP_[A-Z]+'); do
			grep -q "^\.It Ev $v$" "$MAN/p2psip.7" || fail "$v is not there"
		done
	done
}

@test "every tool says its version and its help, and ends with 0" {
	local tool
	for tool in "${TOOLS[@]}"; do
		need_tool "$tool"
		run_tool 0 "$tool" --version
		assert_output --regexp "^$tool [0-9]+\.[0-9]+"
		run_tool 0 "$tool" --help
		assert_equal "$stderr" ""
		run_tool 64 "$tool" --no-such-option
		assert_equal "$output" ""
	done
}
