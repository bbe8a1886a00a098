/* SPDX-License-Identifier: ISC */
/*
 * A writer that does not wait: over one connection LANES stores at a time, each
 * lane at a key of its own ("k0", "k1", ...) of the user's dictionary.  The
 * values are the numbers from FIRST to LAST, filled up to SIZE bytes.
 *
 *	pump [options] LANES FIRST LAST SIZE
 *
 * For every store that was acknowledged a line: key, tab, number.  Ends when
 *all are, or with the first link that goes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/entry.h"
#include "cli/target.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "net/anchor.h"
#include "net/driver.h"

enum { LANES_MAX = 256, SIZE_MAX_HERE = 4096 };

static const struct opt opts[] = {
	OPT_TOOL("pump", "LANES FIRST LAST SIZE",
		 "Store many values at a time."),
	OPT_COMMON,
	OPT_END,
};

struct pump;

struct lane {
	struct pump *pump;
	char key[16];
	char value[SIZE_MAX_HERE + 1];
	struct store_item item;
	uint64_t number;
};

struct pump {
	struct home home;
	struct overlay *overlay;
	struct crypto *crypto;
	struct signer *signer;
	struct entry entry;
	struct loop *loop;
	struct driver *driver;
	struct target target;
	struct lane lanes[LANES_MAX];
	uint64_t n_lanes, next, last, size;
};

static void must(enum err r, const struct why *why)
{
	if (r == OK)
		return;
	opt_warn(NULL, r, why->text);
	exit(err_exit(r));
}

static void on_done(void *ctx, const struct result *res);

static void store_next(struct lane *l)
{
	struct pump *p = l->pump;
	struct command c = { .type = CMD_STORE,
			     .resource = p->target.resource,
			     .items = &l->item,
			     .n_items = 1 };
	int len;

	if (p->next > p->last)
		return;
	l->number = p->next++;
	memset(l->value, '.', sizeof(l->value));
	len = snprintf(l->value, sizeof(l->value), "%llu ",
		       (unsigned long long)l->number);
	if ((uint64_t)len < p->size) {
		l->value[len] = '.';
		len = (int)p->size;
	}
	l->item = (struct store_item){ .kind = p->target.kind->id,
				       .exists = true,
				       .key = slice_str(l->key),
				       .value = slice_of(l->value, (size_t)len),
				       .lifetime_s = 3600 };
	must(driver_command(p->driver, &c, on_done, l), &(struct why){ "" });
}

static void on_done(void *ctx, const struct result *res)
{
	struct lane *l = ctx;

	if (res->err == OK)
		printf("%s\t%llu\n", l->key, (unsigned long long)l->number);
	else if (res->err == ERR_LINK_CLOSED || res->err == ERR_NO_LINK)
		must(res->err, &(struct why){ "" });
	store_next(l);
}

static void on_started(void *ctx, const struct result *res)
{
	struct pump *p = ctx;
	struct why why = { "" };

	(void)why_err(&why, res->err, "%s", driver_reason(p->driver));
	must(res->err, &why);
}

static void identify(struct pump *p, struct why *why)
{
	struct home_identity id = { 0 };
	struct signer_args args;

	must(home_load_identity(&p->home, opt_common.user, &id, why), why);
	args = (struct signer_args){ .key = buf_slice(&id.key),
				     .cert = buf_slice(&id.cert),
				     .checked = true };
	must(signer_open(&p->signer, p->crypto, &args, why), why);
	home_identity_clear(&id);
}

static void enter(struct pump *p, struct why *why)
{
	struct driver_config cfg = { .role = ROLE_CLIENT,
				     .deadline_us = NEVER };
	struct target_opts names = { .kind = "USER-DICT", .key = "k" };
	struct target_env env;

	must(loop_new(&p->loop), why);
	must(home_open(&p->home, opt_common.home, opt_common.overlay, why),
	     why);
	must(home_load_overlay(&p->home, loop_now().unix_ms, &p->overlay, why),
	     why);
	must(anchor_open(p->overlay, &p->crypto), why);
	identify(p, why);
	must(entry_find(&p->entry, &p->home, p->overlay, NEVER, why), why);
	env = (struct target_env){ p->overlay, p->crypto, p->signer };
	must(target_init(&p->target, &names, &env, why), why);
	must(target_resource(&p->target, &names, NULL, &env, why), why);
	cfg.loop = p->loop;
	cfg.overlay = p->overlay;
	cfg.crypto = p->crypto;
	cfg.signer = p->signer;
	cfg.bootstrap = p->entry.v;
	cfg.n_bootstrap = p->entry.n;
	must(driver_new(&p->driver, &cfg, why), why);
	must(driver_command(p->driver, &(struct command){ .type = CMD_START },
			    on_started, p),
	     why);
}

int main(int argc, char *argv[])
{
	static struct pump p;
	struct why why = { "" };

	argv = opt_parse(opts, 4, 4, argc, argv);
	must(text_u64(&p.n_lanes, argv[0], 1, LANES_MAX), &why);
	must(text_u64(&p.next, argv[1], 0, UINT64_MAX), &why);
	must(text_u64(&p.last, argv[2], 0, UINT64_MAX), &why);
	must(text_u64(&p.size, argv[3], 0, SIZE_MAX_HERE), &why);
	setvbuf(stdout, NULL, _IOLBF, 0);
	enter(&p, &why);
	for (uint64_t i = 0; i < p.n_lanes; i++) {
		p.lanes[i].pump = &p;
		snprintf(p.lanes[i].key, sizeof(p.lanes[i].key), "k%u",
			 (unsigned)i);
		store_next(&p.lanes[i]);
	}
	must(driver_run(p.driver), &why);
	driver_free(p.driver);
	target_clear(&p.target);
	signer_close(p.signer, p.crypto);
	openssl_free(p.crypto);
	overlay_free(p.overlay);
	home_close(&p.home);
	loop_free(p.loop);
	return 0;
}
