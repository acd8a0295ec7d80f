#include "serve/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "format/json.h"
#include "serve/sign.h"

enum {
    MOST_FILE = 1 << 20,
    MOST_KEYS = 10000,
    MOST_TOKEN = 4096,
    LEAST_KEY = 16,
    JOBS = 1000,      /* of a tenant whose row does not say */
    LIFE_S = 30 * 60, /* of a token, as Kling has it */
    LEEWAY_S = 60
};
static const char LOCAL[] = "local";

struct key {
    char *tenant, *key, *access, *secret; /* key or access and secret may be NULL */
    struct buf webhook;                   /* the bytes of the secret; empty: none */
    int jobs, priority;
};

struct keys {
    struct key *row;
    char **worker; /* their keys */
    int n, n_workers, asked;
};

static char *text_or_null(struct jval row, const char *name)
{
    const char *s = j_string_or(row, name, "");

    return *s ? xstrdup(s) : NULL;
}

static void read_webhook(struct jval row, struct key *to)
{
    static const char prefix[] = "whsec_";
    const char *text = j_string_or(row, "webhook_secret", "");
    size_t n = strlen(prefix);

    if (*text &&
        (strncmp(text, prefix, n) || base64_decode(&to->webhook, text + n, strlen(text + n), 0) ||
         to->webhook.len < 16))
        j_fail(row, "webhook_secret", "whsec_ and base64 of 16 bytes or more");
}

static void take_workers(struct keys *k, struct jval rows)
{
    static const char *const names[] = {"name", "key"};
    int n = j_len(rows);

    if (n > MOST_KEYS) {
        j_fail(rows, NULL, "an array of at most %d keys", MOST_KEYS);
        return;
    }
    k->worker = xcalloc((size_t)n + 1, sizeof *k->worker);
    for (k->n_workers = 0; k->n_workers < n; k->n_workers++) {
        struct jval row = j_at_object(rows, k->n_workers);
        const char *key = j_string(row, "key");

        j_known(row, names, sizeof names / sizeof *names);
        k->worker[k->n_workers] = xstrdup(key);
        if (strlen(key) < LEAST_KEY)
            j_fail(row, "key", "%d characters or more", LEAST_KEY);
    }
}

static void take_rows(void *arg, struct jval root)
{
    static const char *const names[] = {"tenant",         "key",  "access_key", "secret_key",
                                        "webhook_secret", "jobs", "priority"};
    struct keys *k = arg;
    struct jval rows = j_array(root, "keys");
    int n = j_len(rows);

    if (n < 1 || n > MOST_KEYS) {
        j_fail(root, "keys", "an array of 1 to %d keys", MOST_KEYS);
        return;
    }
    if (j_has(root, "workers"))
        take_workers(k, j_array(root, "workers"));
    k->row = xcalloc((size_t)n, sizeof *k->row);
    for (k->n = 0; k->n < n; k->n++) {
        struct jval row = j_at_object(rows, k->n);
        struct key *to = &k->row[k->n];

        j_known(row, names, sizeof names / sizeof *names);
        to->tenant = xstrdup(j_string(row, "tenant"));
        to->key = text_or_null(row, "key");
        to->access = text_or_null(row, "access_key");
        to->secret = text_or_null(row, "secret_key");
        read_webhook(row, to);
        to->jobs = (int)j_int_or(row, "jobs", 0, 1000000, JOBS);
        to->priority = (int)j_int_or(row, "priority", -100, 100, 0);
        if (!*to->tenant || strlen(to->tenant) > 64)
            j_fail(row, "tenant", "a name of 1 to 64 bytes");
        if ((to->key && strlen(to->key) < LEAST_KEY) ||
            (to->secret && strlen(to->secret) < LEAST_KEY))
            j_fail(row, "key", "%d characters or more, of key and secret_key", LEAST_KEY);
        if (!to->key && !(to->access && to->secret))
            j_fail(row, "key", "a key, or an access_key and a secret_key");
    }
}

int keys_open(struct keys **out, const char *path, struct err *e)
{
    struct keys *k = xcalloc(1, sizeof *k);
    int rc = 0;

    k->asked = path != NULL;
    if (path)
        rc = jdoc_take(path, MOST_FILE, take_rows, k, e);
    if (rc)
        keys_free(&k);
    *out = k;
    return rc;
}

void keys_free(struct keys **k)
{
    if (!*k)
        return;
    for (int i = 0; i < (*k)->n; i++) {
        free((*k)->row[i].tenant);
        free((*k)->row[i].key);
        free((*k)->row[i].access);
        free((*k)->row[i].secret);
        buf_release(&(*k)->row[i].webhook);
    }
    for (int i = 0; i < (*k)->n_workers; i++)
        free((*k)->worker[i]);
    free((*k)->worker);
    free((*k)->row);
    free(*k);
    *k = NULL;
}

int keys_are_asked_for(const struct keys *k)
{
    return k->asked;
}

const char *keys_tenant(const struct keys *k, const char *name)
{
    for (int i = 0; i < k->n; i++)
        if (!strcmp(k->row[i].tenant, name))
            return k->row[i].tenant;
    return !k->asked && !strcmp(name, LOCAL) ? LOCAL : NULL;
}

const void *keys_webhook_secret(const struct keys *k, const char *tenant, size_t *n)
{
    for (int i = 0; i < k->n; i++)
        if (!strcmp(k->row[i].tenant, tenant) && k->row[i].webhook.len) {
            *n = k->row[i].webhook.len;
            return k->row[i].webhook.data;
        }
    return NULL;
}

int keys_priority(const struct keys *k, const char *tenant)
{
    for (int i = 0; i < k->n; i++)
        if (!strcmp(k->row[i].tenant, tenant))
            return k->row[i].priority;
    return 0;
}

int keys_jobs(const struct keys *k, const char *tenant)
{
    for (int i = 0; i < k->n; i++)
        if (!strcmp(k->row[i].tenant, tenant))
            return k->row[i].jobs;
    return JOBS;
}

/* ---- static keys ---- */

/* MACs are compared, so that neither length nor contents of a key show in the time. */
static int same_key(const char *key, const char *token)
{
    uint8_t given[32], mine[32];

    hmac_sha256("key", 3, token, strlen(token), given);
    hmac_sha256("key", 3, key, strlen(key), mine);
    return same_bytes(given, mine, sizeof mine);
}

static const struct key *by_key(const struct keys *k, const char *token)
{
    const struct key *found = NULL;

    for (int i = 0; i < k->n; i++)
        if (k->row[i].key && same_key(k->row[i].key, token))
            found = &k->row[i];
    return found;
}

/* ---- tokens ---- */

struct claims {
    char alg[16], iss[256];
    int64_t exp, nbf;
};

static int read_part(const char *text, size_t n, struct jdoc **doc)
{
    struct buf json = BUF_INIT;
    int rc = base64_decode(&json, text, n, 1);

    if (!rc)
        rc = jdoc_parse(doc, buf_str(&json), json.len, "token", NULL);
    buf_release(&json);
    return rc;
}

static int read_claims(const char *token, size_t head, size_t body, struct claims *c)
{
    struct jdoc *h = NULL, *b = NULL;
    const int64_t far = INT64_C(1) << 52;
    int rc = read_part(token, head, &h);

    if (!rc)
        rc = read_part(token + head + 1, body, &b);
    if (!rc) {
        struct jval root = jdoc_root(b);

        snprintf(c->alg, sizeof c->alg, "%s", j_string(jdoc_root(h), "alg"));
        snprintf(c->iss, sizeof c->iss, "%s", j_string(root, "iss"));
        c->exp = j_int(root, "exp", 0, far);
        c->nbf = j_int_or(root, "nbf", 0, far, 0);
        rc = jdoc_status(h, NULL) || jdoc_status(b, NULL);
    }
    jdoc_close(&h);
    jdoc_close(&b);
    return rc;
}

static int signature_holds(const char *secret, const char *token, size_t signed_bytes)
{
    struct buf given = BUF_INIT;
    const char *text = token + signed_bytes + 1;
    uint8_t mine[32];
    int ok;

    hmac_sha256(secret, strlen(secret), token, signed_bytes, mine);
    ok = !base64_decode(&given, text, strlen(text), 1) && given.len == sizeof mine &&
         same_bytes(given.data, mine, sizeof mine);
    buf_release(&given);
    return ok;
}

static enum key_answer by_token(const struct keys *k, const char *token, int64_t now_s,
                                const char **tenant)
{
    const char *dot = strchr(token, '.'), *dot2 = dot ? strchr(dot + 1, '.') : NULL;
    const struct key *key = NULL;
    struct claims c = {0};

    if (!dot2 || strchr(dot2 + 1, '.') ||
        read_claims(token, (size_t)(dot - token), (size_t)(dot2 - dot - 1), &c) ||
        strcmp(c.alg, "HS256"))
        return KEY_INVALID;
    for (int i = 0; i < k->n; i++)
        if (k->row[i].access && !strcmp(k->row[i].access, c.iss))
            key = &k->row[i];
    if (!key || !key->secret || !signature_holds(key->secret, token, (size_t)(dot2 - token)))
        return KEY_INVALID;
    if (c.nbf > now_s + LEEWAY_S)
        return KEY_NOT_YET;
    if (c.exp + LEEWAY_S < now_s)
        return KEY_EXPIRED;
    if (c.exp > now_s + LIFE_S + LEEWAY_S)
        return KEY_INVALID;
    *tenant = key->tenant;
    return KEY_OK;
}

/* What stands behind "Bearer"; NULL: *why. */
static const char *bearer_of(const char *authorization, enum key_answer *why)
{
    static const char scheme[] = "Bearer ";
    const char *token = authorization ? authorization + sizeof scheme - 1 : "";

    *why = KEY_EMPTY;
    if (!authorization || !*authorization)
        return NULL;
    if (strncasecmp(authorization, scheme, sizeof scheme - 1))
        *why = KEY_INVALID;
    else if (*token && strlen(token) <= MOST_TOKEN)
        return token;
    else if (*token)
        *why = KEY_INVALID;
    return NULL;
}

enum key_answer keys_check(const struct keys *k, const char *authorization, int64_t now_s,
                           const char **tenant)
{
    enum key_answer why;
    const struct key *key;
    const char *token;

    *tenant = LOCAL;
    if (!k->asked)
        return KEY_OK;
    *tenant = NULL;
    token = bearer_of(authorization, &why);
    if (!token)
        return why;
    key = by_key(k, token);
    if (!key)
        return by_token(k, token, now_s, tenant);
    *tenant = key->tenant;
    return KEY_OK;
}

enum key_answer keys_check_worker(const struct keys *k, const char *authorization)
{
    enum key_answer why = KEY_OK;
    const char *token = k->asked ? bearer_of(authorization, &why) : NULL;
    int ok = 0;

    if (!token)
        return why;
    for (int i = 0; i < k->n_workers; i++)
        ok |= same_key(k->worker[i], token);
    return ok ? KEY_OK : KEY_INVALID;
}
