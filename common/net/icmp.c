/* SPDX-License-Identifier: ISC */
/* Owns: errors that routers and hosts send back, as Linux tells them. */
#include "net/icmp.h"

#include <errno.h>
#include <netinet/in.h>
#include <time.h> /* of which the next one wants struct timespec */
#include <linux/errqueue.h>

#include "net/sockaddr.h"

enum { CONTROL_MAX = 512 };

void icmp_hear(int fd, bool ipv6)
{
	const int on = 1;

	/* An option that is missing makes things slower, not wrong. */
	(void)setsockopt(fd, ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
			 ipv6 ? IPV6_RECVERR : IP_RECVERR, &on, sizeof(on));
}

int icmp_error(struct msghdr *m)
{
	const struct sock_extended_err *e;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL;
	     h = CMSG_NXTHDR(m, h)) {
		if (!(h->cmsg_level == IPPROTO_IP &&
		      h->cmsg_type == IP_RECVERR) &&
		    !(h->cmsg_level == IPPROTO_IPV6 &&
		      h->cmsg_type == IPV6_RECVERR))
			continue;
		e = (const void *)CMSG_DATA(h);
		if (e->ee_origin == SO_EE_ORIGIN_ICMP ||
		    e->ee_origin == SO_EE_ORIGIN_ICMP6)
			return (int)e->ee_errno;
	}
	return 0;
}

bool icmp_next(int fd, struct ip_address_port *to)
{
	union {
		struct cmsghdr aligned;
		char bytes[CONTROL_MAX];
	} control;
	struct sockaddr_storage sa = { 0 };
	struct msghdr m = { .msg_name = &sa,
			    .msg_namelen = sizeof(sa),
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	int e;

	*to = (struct ip_address_port){ 0 };
	if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return errno == EINTR;
	e = icmp_error(&m);
	if ((e == ECONNREFUSED || e == EHOSTUNREACH || e == ENETUNREACH) &&
	    sockaddr_read(to, &sa) != OK)
		*to = (struct ip_address_port){ 0 };
	return true;
}
