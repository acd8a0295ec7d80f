/* net.h - one HTTP request to another machine, with a deadline, caps, and rules on where it may go.
 *
 * Redirects are followed here, one request each, so that every rule holds for every one of them:
 * - https only; plain http reaches this machine alone, unless NET_PLAIN allows it.
 * - NET_PUBLIC: no connection to an address that is private, local, reserved or this machine,
 *   looked at after names are resolved, in the moment of connecting; proxies of the environment are
 *   not used then, as they would resolve names elsewhere.
 * - `token` goes to the scheme, host and port of the first address alone; fields go along.
 * - https never becomes http.
 * An answer with any status is an answer (0); whether 404 is a failure is the caller's to say.
 *
 * Thread-safety: any number of requests at once, each by itself. Environment: https_proxy,
 * no_proxy, and SSL_CERT_FILE as libcurl reads them. */
#ifndef NET_NET_H
#define NET_NET_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

enum net_rule {
    NET_PLAIN = 1,  /* http to other machines too */
    NET_PUBLIC = 2, /* public addresses only */
};

struct net_answer {
    int status;         /* of HTTP, 200 and so on */
    int64_t body_bytes; /* that the answer announces; -1: it does not say */
    int64_t took_bytes; /* of the body that came */
    char *url;          /* where it came from in the end */
    struct buf fields;  /* "name: value\n" of the last answer, names in lower case */
    struct buf earlier; /* the same of the redirects before it */
    struct buf body;    /* what no `take` took; of a refusal at most 64 KiB */
};

struct net_request {
    const char *url;
    const char *method;       /* NULL: GET, or POST where there is a body */
    const char *const *field; /* "Name: value", NULL at the end; may be NULL */
    const char *token;        /* "Authorization: Bearer TOKEN"; NULL or "": none */
    const void *body;         /* NULL: none; its type is the caller's to say in `field` */
    size_t body_n_bytes;
    FILE *body_file;    /* instead of body: so many bytes from where it stands */
    int64_t most_bytes; /* of the answer's body; more is ERR_FORMAT; 0: NET_MOST_BYTES */
    double most_s;      /* for all of it; 0: no limit */
    double connect_s;   /* for each connection; 0: NET_CONNECT_S */
    double stall_s;     /* without a byte; 0: NET_STALL_S */
    int redirects;      /* that are followed, none with a body; 0: an answer of 3xx is the answer */
    unsigned rules;     /* of enum net_rule */
    /* Where an answer has status 2xx: called once before its body, then for each piece of it.
     * Nonzero with e set gives that error. Either may be NULL. */
    int (*begin)(void *user, const struct net_answer *a, struct err *e);
    int (*take)(void *user, const void *data, size_t bytes, struct err *e);
    void *user;
    /* Nonzero: ERR_CANCEL within a second or so; may be NULL. Read by an atomic load, so that
     * another thread may set it by an atomic store, and a signal handler as it likes. */
    const volatile sig_atomic_t *stop;
};

enum { NET_MOST_BYTES = 16 << 20, NET_CONNECT_S = 20, NET_STALL_S = 60 };

/* Ask and wait. *a is filled in either way and is to be given to net_answer_release. ERR_USAGE: the
 * address is none, or one of the rules forbids it. ERR_IO: no connection, no answer in time, cut
 * short. ERR_FORMAT: more than most_bytes. ERR_CANCEL. Messages name the address without what
 * stands behind its question mark, and never the token. */
NODISCARD int net_request(struct net_answer *a, const struct net_request *r, struct err *e);
void net_answer_release(struct net_answer *a);
/* Value of a field (name in lower case) of the last answer, NULL without it; the caller frees.
 * net_field_any looks at the redirects before it too, the last first. */
char *net_field(const struct net_answer *a, const char *name);
char *net_field_any(const struct net_answer *a, const char *name);

/* 1: this build can ask. */
int net_present(void);

/* ---- rules, without a connection ---- */

/* 1: the address of a struct sockaddr_in or sockaddr_in6 is this machine's loopback. */
int net_is_loopback(const void *sockaddr);
/* 1: an address of the public internet (RFC 6890 and what holds such an address inside). */
int net_is_public(const void *sockaddr);
/* The part of an address for messages: up to '?' or '#', at most size - 1 bytes. */
void net_shown(char *out, size_t size, const char *url);

#endif
