/* SPDX-License-Identifier: ISC */
#ifndef NET_NOTIFY_H
#define NET_NOTIFY_H

/* Tells the service manager, if one listens at $NOTIFY_SOCKET: "READY=1" and so
 * on, sd_notify(3).  What cannot be told is lost: nobody waits for it. */
void notify_send(const char *state);

#endif
