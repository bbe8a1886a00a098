/* SPDX-License-Identifier: ISC */
/*
 * A member of the overlay that speaks SIP as another peer does: it has the peer
 * NODE-ID connect by AppAttach, says there what stdin has, and prints what
 * comes, until COUNT messages without a body have.
 *
 *	peersay [options] NODE-ID COUNT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/opt.h"
#include "cli/session.h"
#include "net/driver.h"
#include "net/sockaddr.h"
#include "net/tls.h"

enum { INPUT_MAX = 1 << 20 };

static const struct opt opts[] = {
	OPT_TOOL("peersay", "NODE-ID COUNT",
		 "Say SIP to a peer, as a peer does."),
	OPT_COMMON,
	OPT_END,
};

static struct buf input = BUF_INIT(INPUT_MAX), heard = BUF_INIT(INPUT_MAX);
static uint64_t count;
static bool over;

static void must(enum err r, const struct why *why)
{
	if (r == OK)
		return;
	opt_warn(NULL, r, why->text);
	exit(err_exit(r));
}

static void on_up(void *ctx, struct tls_link *l, struct cert *cert,
		  const struct ip_address_port *remote)
{
	(void)ctx;
	(void)cert;
	(void)remote;
	tls_link_send(l, buf_slice(&input));
}

static void on_bytes(void *ctx, struct tls_link *l, struct slice bytes)
{
	uint64_t n = 0;

	(void)ctx;
	(void)l;
	must(buf_append_slice(&heard, bytes), &(struct why){ "" });
	for (size_t i = 0; i + 4 <= heard.len; i++)
		n += memcmp(heard.p + i, "\r\n\r\n", 4) == 0;
	over = n >= count;
}

static void on_down(void *ctx, struct tls_link *l, enum err r,
		    const struct why *why)
{
	(void)ctx;
	(void)l;
	(void)r;
	(void)why;
	over = true;
}

static void read_input(void)
{
	uint8_t bytes[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, bytes, sizeof(bytes))) > 0)
		must(buf_append(&input, bytes, (size_t)n), &(struct why){ "" });
}

/* Near the peer that this one is linked with. */
static struct tls *listen_near(struct session *s, struct link_address *at,
			       struct why *why)
{
	const struct target_env *env = session_env(s);
	struct tls_config cfg = { .loop = loop_uv(session_loop(s)),
				  .crypto = env->crypto,
				  .overlay = env->overlay,
				  .signer = env->signer,
				  .calls = { on_up, on_bytes, on_down, NULL } };
	struct ip_address_port peer;
	struct tls *tls;

	if (driver_peers(session_driver(s), &peer, 1) == 0)
		must(ERR_NO_LINK, why);
	at->overlay_link = OVERLAY_LINK_TLS_TCP_FH_NO_ICE;
	must(sockaddr_towards(&peer, &at->address), why);
	must(tls_new(&tls, &cfg, why), why);
	must(tls_listen(tls, &at->address, why), why);
	return tls;
}

static void on_deadline(void *ctx)
{
	(void)ctx;
	must(ERR_TIMEOUT, &(struct why){ "" });
}

int main(int argc, char *argv[])
{
	const struct driver_owner nobody = { 0 };
	struct application own = { .number = APPLICATION_SIP, .n_listen = 1 };
	struct command c = { .type = CMD_PING };
	struct loop_deadline *deadline;
	struct link_address at = { 0 };
	struct destination to;
	const struct result *res;
	struct session *s;
	struct node_id id;
	struct tls *tls;
	struct why why = { "" };

	argv = opt_parse(opts, 2, 2, argc, argv);
	must(id_parse(&id, RING_ID_LEN, argv[0]), &why);
	must(text_u64(&count, argv[1], 1, 1000), &why);
	read_input();
	to = destination_node(&id);
	c.destination = (struct destination_list){ &to, 1 };
	must(session_open(&s, &why), &why);
	must(session_run(s, &c, &res, &why), &why);
	tls = listen_near(s, &at, &why);
	own.listen = &at;
	must(driver_serve(session_driver(s), &own, &nobody), &why);
	c.type = CMD_APP_ATTACH;
	c.application = APPLICATION_SIP;
	must(session_run(s, &c, &res, &why), &why);
	must(loop_deadline_new(session_loop(s), on_deadline, NULL, &deadline),
	     &why);
	loop_deadline_set(deadline, session_deadline(s));
	while (!over)
		loop_run_once(session_loop(s));
	if (fwrite(heard.p, 1, heard.len, stdout) != heard.len)
		must(ERR_SYS, &why);
	loop_deadline_free(deadline);
	tls_free(tls);
	session_close(s);
	buf_clear(&input);
	buf_clear(&heard);
	return 0;
}
