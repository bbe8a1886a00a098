/* SPDX-License-Identifier: ISC */
/* p2psip-put: sign and store values.  RFC 6940 s7.4.1. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/opt.h"
#include "cli/sip_text.h"
#include "cli/write.h"

static struct target_opts names;
static const char *lifetime, *generation, *file;
static bool verify;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-put", "[RESOURCE [VALUE]]",
		 "Sign a value and store it in the overlay."),
	OPT_TARGET(names),
	OPT_STR('l', "lifetime", "TIME", &lifetime,
		"how long it is kept: 30, 15m, 12h, 7d; default 24h"),
	OPT_STR('g', "generation", "N", &generation,
		"only if this is the generation counter there"),
	OPT_STR('f', "file", "FILE", &file, "read the value from FILE"),
	OPT_FLAG(0, "verify", &verify,
		 "ask two replicas for it before saying that it is stored"),
	OPT_COMMON,
	OPT_END,
};

enum { VALUE_MAX = 16 << 20 };

static enum err read_all(int fd, struct buf *out, const char *name,
			 struct why *why)
{
	uint8_t chunk[65536];
	ssize_t n;
	enum err r;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return why_err(why, ERR_NOINPUT, "%s: %s", name,
				       strerror(errno));
		if ((r = buf_append(out, chunk, (size_t)n)) != OK)
			return why_err(why, r == ERR_LIMIT ? ERR_DATA : r,
				       "%s: more than %d bytes", name,
				       VALUE_MAX);
	}
	return OK;
}

/* The value's bytes: the operand, -f, or standard input. */
static enum err read_value(struct buf *out, const char *operand,
			   struct why *why)
{
	enum err r;
	int fd;

	if (operand != NULL)
		return buf_append_slice(out, slice_str(operand));
	if (file == NULL)
		return read_all(STDIN_FILENO, out, "standard input", why);
	if ((fd = open(file, O_RDONLY | O_CLOEXEC)) < 0)
		return why_err(why, ERR_NOINPUT, "%s: %s", file,
			       strerror(errno));
	r = read_all(fd, out, file, why);
	close(fd);
	return r;
}

static void parse_options(struct store_item *item, char *const argv[])
{
	item->lifetime_s = WRITE_LIFETIME_S;
	if (lifetime != NULL &&
	    (text_duration_s(&item->lifetime_s, lifetime) != OK ||
	     item->lifetime_s == 0))
		opt_usage("--lifetime: '%s' is no time", lifetime);
	if (generation != NULL &&
	    text_u64(&item->generation, generation, 1, UINT64_MAX) != OK)
		opt_usage("--generation: '%s' is no counter", generation);
	if (file != NULL && argv[0] != NULL && argv[1] != NULL)
		opt_usage("VALUE and --file exclude each other");
}

/* What the value looks like on the wire. */
static enum err encode_value(struct write *w, struct buf *value,
			     struct buf *wire, struct why *why)
{
	struct slice text = buf_slice(value);
	enum err r;

	w->item.value = text;
	if (w->target.kind->id != KIND_SIP_REGISTRATION)
		return OK;
	if (text.len > 0 && text.p[text.len - 1] == '\n') /* echo's */
		text.len--;
	r = sip_text_parse(wire, text, session_wire(w->session), why);
	w->item.value = buf_slice(wire);
	return r;
}

/* The overlay judges by the Kind; what no message can carry is not sent. */
static enum err check_size(const struct write *w, struct why *why)
{
	uint32_t max = session_env(w->session)->overlay->max_message_size;

	if (w->item.value.len <= max)
		return OK;
	return why_err(why, ERR_DATA_TOO_LARGE,
		       "a value of %zu bytes; a message of this overlay has at "
		       "most %u",
		       w->item.value.len, (unsigned)max);
}

int main(int argc, char *argv[])
{
	struct buf value = BUF_INIT(VALUE_MAX), wire = BUF_INIT(VALUE_MAX);
	struct write w = { .item.exists = true };
	struct why why = { "" };
	enum err r;

	argv = opt_parse(opts, 0, 2, argc, argv);
	parse_options(&w.item, argv);
	if ((r = read_value(&value, argv[0] != NULL ? argv[1] : NULL, &why)) !=
		    OK ||
	    (r = write_open(&w, &names, argv[0], &why)) != OK ||
	    (r = encode_value(&w, &value, &wire, &why)) != OK ||
	    (r = check_size(&w, &why)) != OK ||
	    (r = write_store(&w, &why)) != OK ||
	    (verify && (r = write_verify(&w, &why)) != OK))
		goto out;
	r = write_report(&w, &why);
out:
	if (r != OK)
		opt_warn(argv[0], r, why.text);
	write_close(&w);
	buf_clear(&value);
	buf_clear(&wire);
	return err_exit(r);
}
