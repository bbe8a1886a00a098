/* SPDX-License-Identifier: ISC */
/* Owns: when bindings are written to their file, and read.  Does not own: their
 * text (bindfile.c), what is bound (registrar.c). */
#include "sip/keep.h"

#include <stdlib.h>
#include <unistd.h>

#include "conf/file.h"
#include "sip/bindfile.h"

struct keep {
	struct keep_config cfg;
	struct loop_deadline *timer;
	uint64_t saved; /* registrar_changes() that are in the file */
	bool restored, ended;
};

static bool on_address(void *ctx, uint32_t socket, struct ip_address_port *out)
{
	const struct keep *k = ctx;
	const struct flow f = { .socket = socket };
	enum sipnet_type type;

	return sipnet_local(k->cfg.net, &f, &type, out) && type == SIPNET_UDP;
}

static bool on_socket(void *ctx, const struct ip_address_port *a, uint32_t *out)
{
	const struct keep *k = ctx;

	return sipnet_find(k->cfg.net, SIPNET_UDP, a, out);
}

static struct bindfile_env env_of(struct keep *k)
{
	struct now now = loop_now();

	return (struct bindfile_env){ .mono_us = now.mono_us,
				      .unix_us = now.unix_ms * 1000,
				      .address = on_address,
				      .socket = on_socket,
				      .ctx = k };
}

static void save(struct keep *k)
{
	struct bindfile_env env = env_of(k);
	struct buf text = BUF_INIT(BINDFILE_MAX);
	uint64_t changes = registrar_changes(k->cfg.registrar);
	struct registrar_user *u = NULL;
	struct why why = { "" };
	enum err r = OK;

	if (changes == k->saved)
		return;
	while (r == OK && (u = registrar_next(k->cfg.registrar, u)) != NULL)
		r = bindfile_write(&text, registrar_user_aor(u),
				   registrar_bindings(u), &env);
	if (r == OK)
		r = file_write(k->cfg.path, buf_slice(&text), 0600, &why);
	if (r != OK)
		log_line(k->cfg.log, LOG_WARN,
			 "sip: what is registered could not be kept: %s: %s",
			 err_text(r), why.text);
	k->saved = changes; /* a disk that is full is not asked all the time */
	buf_clear(&text);
}

static void on_timer(void *ctx)
{
	struct keep *k = ctx;

	if (k->restored && !k->ended)
		save(k);
	loop_deadline_set(k->timer, loop_now().mono_us +
					    UINT64_C(1000000) * KEEP_EVERY_S);
}

enum err keep_new(struct keep **out, const struct keep_config *cfg)
{
	struct keep *k = calloc(1, sizeof(*k));
	enum err r;

	if (k == NULL)
		return ERR_NOMEM;
	k->cfg = *cfg;
	if ((r = loop_deadline_new(cfg->loop, on_timer, k, &k->timer)) != OK) {
		free(k);
		return r;
	}
	on_timer(k);
	*out = k;
	return OK;
}

static enum err take_all(struct keep *k, struct slice rest, size_t *n)
{
	struct bindfile_env env = env_of(k);
	struct binding *b;
	struct slice aor;
	enum err r;

	while ((r = bindfile_next(&rest, &env, &aor, &b)) == OK)
		if (b != NULL)
			*n += registrar_restore_take(k->cfg.registrar, aor, b);
	return r == ERR_NOT_FOUND ? OK : r;
}

void keep_restore(struct keep *k)
{
	struct buf text = BUF_INIT(BINDFILE_MAX);
	struct why why = { "" };
	size_t n = 0;
	enum err r = OK;

	if (k->restored)
		return;
	k->restored = true;
	if (access(k->cfg.path, F_OK) == 0 &&
	    (r = file_read(&text, k->cfg.path, &why)) == OK)
		r = take_all(k, buf_slice(&text), &n);
	buf_clear(&text);
	if (r != OK)
		log_line(k->cfg.log, LOG_WARN, "sip: %s: %s: %s", k->cfg.path,
			 err_text(r), why.text);
	if (n == 0)
		return;
	log_line(k->cfg.log, LOG_INFO, "sip: %zu contacts of before", n);
	registrar_restored(k->cfg.registrar, loop_now().mono_us);
}

void keep_end(struct keep *k)
{
	if (k->restored && !k->ended)
		save(k);
	k->ended = true;
}

void keep_free(struct keep *k)
{
	if (k == NULL)
		return;
	loop_deadline_free(k->timer);
	free(k);
}
