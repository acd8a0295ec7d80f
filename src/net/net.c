#include "net/net.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* ---- addresses ---- */

struct range4 {
    uint32_t base;
    int bits;
};

/* IANA's registry of special addresses: what is not "globally reachable", and multicast. */
static const struct range4 SPECIAL4[] = {
    {0x00000000, 8},  /* this network */
    {0x0a000000, 8},  /* private */
    {0x64400000, 10}, /* shared by carriers */
    {0x7f000000, 8},  /* loopback */
    {0xa9fe0000, 16}, /* link-local: services of clouds about the machine */
    {0xac100000, 12}, /* private */
    {0xc0000000, 24}, /* protocol assignments */
    {0xc0000200, 24}, /* documentation */
    {0xc0586300, 24}, /* 6to4 relays */
    {0xc0a80000, 16}, /* private */
    {0xc6120000, 15}, /* benchmarking */
    {0xc6336400, 24}, /* documentation */
    {0xcb007100, 24}, /* documentation */
    {0xe0000000, 3},  /* multicast, reserved, broadcast */
};

static int public4(uint32_t a)
{
    for (size_t i = 0; i < sizeof SPECIAL4 / sizeof *SPECIAL4; i++)
        if ((a ^ SPECIAL4[i].base) >> (32 - SPECIAL4[i].bits) == 0)
            return 0;
    return 1;
}

static uint32_t read4(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* An IPv4 address inside: mapped, translated (NAT64) or 6to4; 0 without one. */
static int inner4(const uint8_t a[16], uint32_t *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t compatible[12] = {0};
    static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};

    if (!memcmp(a, mapped, 12) || !memcmp(a, nat64, 12) ||
        (!memcmp(a, compatible, 12) && read4(a + 12) > 1)) {
        *out = read4(a + 12);
        return 1;
    }
    if (a[0] == 0x20 && a[1] == 0x02) {
        *out = read4(a + 2);
        return 1;
    }
    return 0;
}

static int public6(const uint8_t a[16])
{
    uint32_t v4;

    if (inner4(a, &v4))
        return public4(v4);
    if ((a[0] & 0xe0) != 0x20) /* global unicast is 2000::/3 */
        return 0;
    if (a[0] == 0x20 && a[1] == 0x01 && (a[2] & 0xfe) == 0) /* 2001::/23: Teredo and the like */
        return 0;
    if (a[0] == 0x20 && a[1] == 0x01 && a[2] == 0x0d && a[3] == 0xb8) /* documentation */
        return 0;
    return !(a[0] == 0x3f && a[1] == 0xff); /* documentation is in 3fff::/20 */
}

/* Kinds of sockaddr differ in size; they are copied, so that none is read through another's type.
 */
static int family_of_address(const void *sockaddr)
{
    sa_family_t family;

    memcpy(&family, (const char *)sockaddr + offsetof(struct sockaddr, sa_family), sizeof family);
    return family;
}

int net_is_public(const void *sockaddr)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    switch (family_of_address(sockaddr)) {
    case AF_INET:
        memcpy(&v4, sockaddr, sizeof v4);
        return public4(ntohl(v4.sin_addr.s_addr));
    case AF_INET6:
        memcpy(&v6, sockaddr, sizeof v6);
        return public6(v6.sin6_addr.s6_addr);
    }
    return 0;
}

int net_is_loopback(const void *sockaddr)
{
    static const uint8_t one[16] = {[15] = 1};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    uint32_t inner;

    switch (family_of_address(sockaddr)) {
    case AF_INET:
        memcpy(&v4, sockaddr, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    case AF_INET6:
        memcpy(&v6, sockaddr, sizeof v6);
        if (!memcmp(v6.sin6_addr.s6_addr, one, 16))
            return 1;
        return inner4(v6.sin6_addr.s6_addr, &inner) && inner >> 24 == 127;
    }
    return 0;
}

/* ---- answers ---- */

void net_shown(char *out, size_t size, const char *url)
{
    size_t n = strcspn(url, "?#");

    if (n > size - 1)
        n = size - 1;
    memcpy(out, url, n);
    out[n] = '\0';
}

void net_answer_release(struct net_answer *a)
{
    free(a->url);
    buf_release(&a->fields);
    buf_release(&a->earlier);
    buf_release(&a->body);
    *a = (struct net_answer){0};
}

static char *find_field(const struct buf *fields, const char *name)
{
    size_t n = strlen(name);

    for (const char *at = buf_str(fields); *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (!strncmp(at, name, n) && at[n] == ':') {
            at += n + 1;
            at += strspn(at, " \t");
            return xstrndup(at, strcspn(at, "\n"));
        }
    return NULL;
}

char *net_field(const struct net_answer *a, const char *name)
{
    return find_field(&a->fields, name);
}

char *net_field_any(const struct net_answer *a, const char *name)
{
    char *value = find_field(&a->fields, name);

    return value ? value : find_field(&a->earlier, name);
}
