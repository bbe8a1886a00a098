/* SPDX-License-Identifier: ISC */
/*
 * A bad network for tests: bad-network HOSTS MTU.  Makes hosts 10.0.0.1 up,
 * each a network namespace whose only way out is a TUN device, prints the
 * process ID that holds each, a line each, and carries packets between them
 * until stdin ends.  A line "LOSS DELAY JITTER" on stdin says how, from then
 * on: percent, and milliseconds each way; jitter lets packets overtake each
 * other.  At the end it prints "packets N lost N fragments N".
 *
 * Linux has this as sch_netem, a module that containers seldom have.  The
 * caller may make namespaces: unshare -rn.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HOSTS_MAX = 16, PACKET_MAX = 2048, QUEUE_MAX = 20000 };

struct packet {
	struct packet *next;
	uint64_t at_us;
	int to;
	size_t len;
	uint8_t p[PACKET_MAX];
};

static int tun[HOSTS_MAX];
static int n_hosts;
static struct packet *queue; /* by time */
static int n_queued;
static unsigned loss, delay_ms, jitter_ms;
static uint64_t seed = 1;
static unsigned long n_packets, n_lost, n_fragments;

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static unsigned chance(unsigned n)
{
	seed = seed * UINT64_C(6364136223846793005) +
	       UINT64_C(1442695040888963407);
	return n == 0 ? 0 : (unsigned)(seed >> 33) % n;
}

/* ---- hosts ---- */

static void set_address(struct ifreq *r, uint32_t address)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(address) };

	memcpy(&r->ifr_addr, &a, sizeof(a));
}

static void raise_link(int s, const char *name)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	r.ifr_flags = IFF_UP;
	must(ioctl(s, SIOCSIFFLAGS, &r) == 0, "up");
}

static int open_tun(int host, int mtu)
{
	struct ifreq r = { 0 };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK), s;

	must(fd >= 0, "/dev/net/tun");
	snprintf(r.ifr_name, sizeof(r.ifr_name), "net0");
	r.ifr_flags = IFF_TUN | IFF_NO_PI;
	must(ioctl(fd, TUNSETIFF, &r) == 0, "TUNSETIFF");
	must((s = socket(AF_INET, SOCK_DGRAM, 0)) >= 0, "socket");
	r.ifr_mtu = mtu;
	must(ioctl(s, SIOCSIFMTU, &r) == 0, "mtu");
	set_address(&r, UINT32_C(0x0a000000) + (uint32_t)host);
	must(ioctl(s, SIOCSIFADDR, &r) == 0, "address");
	set_address(&r, UINT32_C(0xffffff00));
	must(ioctl(s, SIOCSIFNETMASK, &r) == 0, "netmask");
	raise_link(s, "net0");
	raise_link(s, "lo");
	close(s);
	return fd;
}

static void pass_fd(int socket, int fd)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };

	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	must(sendmsg(socket, &m, 0) == 1, "sendmsg");
}

static int take_fd(int socket)
{
	union {
		struct cmsghdr h;
		char room[CMSG_SPACE(sizeof(int))];
	} c = { 0 };
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	int fd;

	if (recvmsg(socket, &m, 0) != 1)
		exit(1); /* the host has said why */
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

static void make_host(int i, int mtu)
{
	int pair[2];
	pid_t pid;

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
	must((pid = fork()) >= 0, "fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(pair[0]);
		must(unshare(CLONE_NEWNET) == 0, "unshare");
		pass_fd(pair[1], open_tun(i + 1, mtu));
		for (;;)
			pause();
	}
	close(pair[1]);
	tun[i] = take_fd(pair[0]);
	close(pair[0]);
	printf("%d\n", (int)pid);
}

/* ---- packets ---- */

static void enqueue(int to, const uint8_t *p, size_t len)
{
	struct packet *q = malloc(sizeof(*q)), **at = &queue;

	must(q != NULL, "memory");
	q->at_us = now_us() +
		   (delay_ms + (uint64_t)chance(jitter_ms + 1)) * 1000;
	q->to = to;
	q->len = len;
	memcpy(q->p, p, len);
	while (*at != NULL && (*at)->at_us <= q->at_us)
		at = &(*at)->next;
	q->next = *at;
	*at = q;
	n_queued++;
}

static void take(int from)
{
	uint8_t p[PACKET_MAX];
	struct ip h;
	uint32_t to;
	ssize_t n;

	while ((n = read(tun[from], p, sizeof(p))) > 0) {
		memcpy(&h, p, sizeof(h));
		if ((size_t)n < sizeof(h) || h.ip_v != 4)
			continue; /* IPv6 looking for neighbours */
		to = ntohl(h.ip_dst.s_addr) - UINT32_C(0x0a000001);
		if (to >= (uint32_t)n_hosts)
			continue;
		n_packets++;
		n_fragments += (ntohs(h.ip_off) & (IP_MF | IP_OFFMASK)) != 0;
		if (chance(100) < loss || n_queued == QUEUE_MAX)
			n_lost++;
		else
			enqueue((int)to, p, (size_t)n);
	}
}

static void give(void)
{
	struct packet *q;
	ssize_t n;

	while ((q = queue) != NULL && q->at_us <= now_us()) {
		n = write(tun[q->to], q->p, q->len);
		(void)n; /* a network may lose it */
		queue = q->next;
		n_queued--;
		free(q);
	}
}

static int wait_ms(void)
{
	uint64_t now = now_us();

	if (queue == NULL)
		return -1;
	return queue->at_us <= now ? 0 : (int)((queue->at_us - now) / 1000 + 1);
}

int main(int argc, char *argv[])
{
	struct pollfd f[HOSTS_MAX + 1];
	char line[64];

	n_hosts = argc == 3 ? atoi(argv[1]) : 0;
	if (n_hosts < 1 || n_hosts > HOSTS_MAX) {
		fprintf(stderr, "usage: bad-network HOSTS MTU\n");
		return 64;
	}
	for (int i = 0; i < n_hosts; i++)
		make_host(i, atoi(argv[2]));
	fflush(stdout);
	for (;;) {
		f[n_hosts] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
		for (int i = 0; i < n_hosts; i++)
			f[i] = (struct pollfd){ tun[i], POLLIN, 0 };
		poll(f, (nfds_t)n_hosts + 1, wait_ms());
		for (int i = 0; i < n_hosts; i++)
			if (f[i].revents != 0)
				take(i);
		give();
		if (f[n_hosts].revents == 0)
			continue;
		if (fgets(line, sizeof(line), stdin) == NULL)
			break;
		if (sscanf(line, "%u %u %u", &loss, &delay_ms, &jitter_ms) != 3)
			break;
	}
	printf("packets %lu lost %lu fragments %lu\n", n_packets, n_lost,
	       n_fragments);
	return 0;
}
