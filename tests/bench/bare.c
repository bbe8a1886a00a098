/* SPDX-License-Identifier: ISC */
/*
 * The least that a secure one-shot can cost, to compare p2psip-get with: one
 *mutual TLS 1.3 handshake, one echo of 1 KB, one ECDSA signature and one
 *verification.
 *
 *	bare serve PORT CA CERT KEY		until killed; prints "ready"
 *	bare get PORT CA CERT KEY
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>

enum { ECHO_LEN = 1024 };

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bare: %s\n", what);
	exit(1);
}

static SSL_CTX *context(const SSL_METHOD *method, char *argv[])
{
	SSL_CTX *c = SSL_CTX_new(method);

	must(c != NULL, "no context");
	SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
	must(SSL_CTX_load_verify_locations(c, argv[3], NULL) == 1, argv[3]);
	must(SSL_CTX_use_certificate_file(c, argv[4], SSL_FILETYPE_PEM) == 1,
	     argv[4]);
	must(SSL_CTX_use_PrivateKey_file(c, argv[5], SSL_FILETYPE_PEM) == 1,
	     argv[5]);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_num_tickets(c, 0);
	return c;
}

static struct sockaddr_in address(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
}

static void serve(char *argv[])
{
	struct sockaddr_in a = address(argv[2]);
	SSL_CTX *c = context(TLS_server_method(), argv);
	int l = socket(AF_INET, SOCK_STREAM, 0), on = 1, s, n;
	char buf[ECHO_LEN];
	SSL *ssl;

	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	must(bind(l, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		     listen(l, 64) == 0,
	     "cannot listen");
	printf("ready\n");
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	while ((s = accept(l, NULL, NULL)) >= 0) {
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		ssl = SSL_new(c);
		must(ssl != NULL && SSL_set_fd(ssl, s) == 1, "no connection");
		if (SSL_accept(ssl) == 1)
			while ((n = SSL_read(ssl, buf, sizeof(buf))) > 0 &&
			       SSL_write(ssl, buf, n) == n)
				;
		SSL_free(ssl);
		close(s);
	}
}

static void sign_and_verify(SSL_CTX *c, const char *data)
{
	EVP_PKEY *key = SSL_CTX_get0_privatekey(c);
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	const unsigned char *in = (const unsigned char *)data;
	unsigned char sig[256];
	size_t len = sizeof(sig);

	must(EVP_DigestSignInit(m, NULL, EVP_sha256(), NULL, key) == 1 &&
		     EVP_DigestSign(m, sig, &len, in, ECHO_LEN) == 1,
	     "cannot sign");
	EVP_MD_CTX_reset(m);
	must(EVP_DigestVerifyInit(m, NULL, EVP_sha256(), NULL, key) == 1 &&
		     EVP_DigestVerify(m, sig, len, in, ECHO_LEN) == 1,
	     "does not verify");
	EVP_MD_CTX_free(m);
}

static void get(char *argv[])
{
	struct sockaddr_in a = address(argv[2]);
	SSL_CTX *c = context(TLS_client_method(), argv);
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1, n, got = 0;
	char out[ECHO_LEN] = "echo", in[ECHO_LEN];
	SSL *ssl = SSL_new(c);

	must(connect(s, (struct sockaddr *)&a, sizeof(a)) == 0, "no server");
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	must(ssl != NULL && SSL_set_fd(ssl, s) == 1 && SSL_connect(ssl) == 1,
	     "no handshake");
	must(SSL_write(ssl, out, ECHO_LEN) == ECHO_LEN, "cannot send");
	while (got < ECHO_LEN &&
	       (n = SSL_read(ssl, in + got, ECHO_LEN - got)) > 0)
		got += n;
	must(got == ECHO_LEN && memcmp(in, out, ECHO_LEN) == 0, "no echo");
	sign_and_verify(c, in);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	close(s);
	SSL_CTX_free(c);
}

int main(int argc, char *argv[])
{
	must(argc == 6, "usage: bare serve|get PORT CA CERT KEY");
	if (strcmp(argv[1], "serve") == 0)
		serve(argv);
	else
		get(argv);
	return 0;
}
