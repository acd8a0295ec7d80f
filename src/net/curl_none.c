/* curl_none.c - what a build without libcurl answers. */
#include <string.h>

#include "net/net.h"

int net_request(struct net_answer *a, const struct net_request *r, struct err *e)
{
    char shown[256];

    *a = (struct net_answer){.body_bytes = -1};
    net_shown(shown, sizeof shown, r->url);
    return err_set(e, ERR_IO,
                   "%s: requests to other machines are not in this build (build again after: "
                   "apt-get install libcurl4-openssl-dev)",
                   shown);
}

int net_present(void)
{
    return 0;
}
