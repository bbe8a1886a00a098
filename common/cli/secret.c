/* SPDX-License-Identifier: ISC */
/*
 * Passwords from a file, a terminal or a pipe.  What they open is not known
 * here.
 */
#include "cli/secret.h"

#include <readpassphrase.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/file.h"

static enum err ask(char *line, const char *prompt, struct why *why)
{
	if (readpassphrase(prompt, line, SECRET_MAX, RPP_REQUIRE_TTY) == NULL)
		return why_err(why, ERR_NOINPUT, "the terminal: no password");
	return OK;
}

static enum err ask_all(struct buf *out, const char *prompt, bool is_new,
			struct why *why)
{
	char first[SECRET_MAX], second[SECRET_MAX];
	enum err r;

	if ((r = ask(first, prompt, why)) == OK && is_new &&
	    (r = ask(second, "The same again: ", why)) == OK &&
	    strcmp(first, second) != 0)
		r = why_err(why, ERR_DATA, "the two passwords differ");
	if (r == OK)
		r = buf_append(out, first, strlen(first));
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
	return r;
}

enum err secret_read(struct buf *out, const char *file, const char *prompt,
		     bool is_new, struct why *why)
{
	const uint8_t *newline;
	enum err r;

	if (file == NULL && isatty(STDIN_FILENO))
		r = ask_all(out, prompt, is_new, why);
	else
		r = file_read(out, file == NULL ? "-" : file, why);
	if (r != OK)
		return r;
	newline = out->len == 0 ? NULL : memchr(out->p, '\n', out->len);
	if (newline != NULL)
		out->len = (size_t)(newline - out->p);
	if (out->len > 0 && out->p[out->len - 1] == '\r')
		out->len--;
	if (out->len == 0)
		return why_err(why, ERR_DATA, "the password is empty%s",
			       file == NULL ? ": -p names its file" : "");
	if (out->len > SECRET_MAX || !text_is_utf8(buf_slice(out)))
		return why_err(why, ERR_DATA,
			       "the password is too long or not UTF-8");
	return OK;
}
