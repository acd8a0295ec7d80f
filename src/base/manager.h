/* manager.h - who started the server, if that is systemd or speaks like it: sockets that it opened
 * (sd_listen_fds(3)) and what it is told (sd_notify(3)). Without libsystemd: both are a few bytes.
 * Sockets are taken out of the environment, so that no child believes them its own. */
#ifndef BASE_MANAGER_H
#define BASE_MANAGER_H

#include "base/err.h"

/* The socket to listen at, -1: none was given. ERR_USAGE: more than one. */
NODISCARD int manager_socket(int *fd, struct err *e);
/* "READY=1", "STOPPING=1", "WATCHDOG=1"; several by line feeds. Nobody asked: nothing. */
void manager_say(const char *text);
/* So often it wants to hear WATCHDOG=1, 0: not at all. */
double manager_watchdog_s(void);

#endif
