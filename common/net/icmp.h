/* SPDX-License-Identifier: ISC */
#ifndef NET_ICMP_H
#define NET_ICMP_H

#include <sys/socket.h>

#include "wire/attach.h"

/* What ICMP says of datagrams that were sent: in the socket's queue of errors,
 * and, once, as the error of the next call. */

/* From now on; where the system has no such thing, never. */
void icmp_hear(int fd, bool ipv6);
/* The error in a message of the queue; 0 when it is of another kind. */
int icmp_error(struct msghdr *m);
/*
 * Takes the queue's next: to whom nothing can be sent, as the port, host or
 * network is none; `type` 0 (ADDRESS_NONE) when it says something else.  False
 * when the queue is empty.
 */
bool icmp_next(int fd, struct ip_address_port *to);

#endif
