#include "serve/keys.h"

#include <pthread.h>
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
    const char *tenant;          /* of `tenant` of keys once it holds; until then of its table */
    char *key, *access, *secret; /* key or access and secret may be NULL */
    struct buf webhook;          /* the bytes of the secret; empty: none */
    int jobs, priority;
};

/* What the file says. */
struct table {
    struct key *row;
    char **worker; /* their keys */
    int n, n_workers;
};

struct keys {
    char *path; /* NULL: everyone is "local" */
    pthread_rwlock_t lock;
    struct table now;
    char **tenant; /* all names that were ever in the file: others keep them */
    int n_tenants;
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

static void take_workers(struct table *k, struct jval rows)
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
    struct table *k = arg;
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

/* names: of a table that never held. */
static void release(struct table *t, int names)
{
    for (int i = 0; i < t->n; i++) {
        if (names)
            free((char *)t->row[i].tenant);
        free(t->row[i].key);
        free(t->row[i].access);
        free(t->row[i].secret);
        buf_release(&t->row[i].webhook);
    }
    for (int i = 0; i < t->n_workers; i++)
        free(t->worker[i]);
    free(t->worker);
    free(t->row);
}

/* The name as it was before, which takes the place of this one, or this one from now on. */
static const char *keep_name(struct keys *k, const char *name)
{
    for (int i = 0; i < k->n_tenants; i++)
        if (!strcmp(k->tenant[i], name)) {
            free((char *)name);
            return k->tenant[i];
        }
    k->tenant = xrealloc(k->tenant, (size_t)(k->n_tenants + 1) * sizeof *k->tenant);
    return k->tenant[k->n_tenants++] = (char *)name;
}

int keys_reload(struct keys *k, struct err *e)
{
    struct table t = {0}, old;
    int rc = k->path ? jdoc_take(k->path, MOST_FILE, take_rows, &t, e) : 0;

    if (rc || !k->path) {
        release(&t, 1);
        return rc;
    }
    pthread_rwlock_wrlock(&k->lock);
    for (int i = 0; i < t.n; i++)
        t.row[i].tenant = keep_name(k, t.row[i].tenant);
    old = k->now;
    k->now = t;
    pthread_rwlock_unlock(&k->lock);
    release(&old, 0);
    return 0;
}

int keys_open(struct keys **out, const char *path, struct err *e)
{
    struct keys *k = xcalloc(1, sizeof *k);

    k->path = path ? xstrdup(path) : NULL;
    pthread_rwlock_init(&k->lock, NULL);
    int rc = keys_reload(k, e);
    if (rc)
        keys_free(&k);
    *out = k;
    return rc;
}

void keys_free(struct keys **k)
{
    if (!*k)
        return;
    release(&(*k)->now, 0);
    for (int i = 0; i < (*k)->n_tenants; i++)
        free((*k)->tenant[i]);
    free((*k)->tenant);
    free((*k)->path);
    pthread_rwlock_destroy(&(*k)->lock);
    free(*k);
    *k = NULL;
}

int keys_are_asked_for(const struct keys *k)
{
    return k->path != NULL;
}

/* The first row of the tenant, NULL: none; the lock is the caller's to give back. */
static const struct key *row_of(struct keys *k, const char *tenant)
{
    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; i < k->now.n; i++)
        if (!strcmp(k->now.row[i].tenant, tenant))
            return &k->now.row[i];
    return NULL;
}

const char *keys_tenant(struct keys *k, const char *name)
{
    const struct key *row = row_of(k, name);
    const char *tenant = row ? row->tenant : NULL;

    pthread_rwlock_unlock(&k->lock);
    return tenant || k->path || strcmp(name, LOCAL) ? tenant : LOCAL;
}

int keys_webhook_secret(struct keys *k, const char *tenant, struct buf *out)
{
    int there = 0;

    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; !there && i < k->now.n; i++) {
        const struct key *row = &k->now.row[i];

        there = !strcmp(row->tenant, tenant) && row->webhook.len;
        if (there)
            buf_add(out, row->webhook.data, row->webhook.len);
    }
    pthread_rwlock_unlock(&k->lock);
    return there;
}

int keys_priority(struct keys *k, const char *tenant)
{
    const struct key *row = row_of(k, tenant);
    int priority = row ? row->priority : 0;

    pthread_rwlock_unlock(&k->lock);
    return priority;
}

int keys_jobs(struct keys *k, const char *tenant)
{
    const struct key *row = row_of(k, tenant);
    int jobs = row ? row->jobs : JOBS;

    pthread_rwlock_unlock(&k->lock);
    return jobs;
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

static const struct key *by_key(const struct table *k, const char *token)
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

static enum key_answer by_token(const struct table *k, const char *token, int64_t now_s,
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

enum key_answer keys_check(struct keys *k, const char *authorization, int64_t now_s,
                           const char **tenant)
{
    enum key_answer why;
    const char *token;

    *tenant = LOCAL;
    if (!k->path)
        return KEY_OK;
    *tenant = NULL;
    token = bearer_of(authorization, &why);
    if (!token)
        return why;
    pthread_rwlock_rdlock(&k->lock);
    const struct key *key = by_key(&k->now, token);
    *tenant = key ? key->tenant : NULL;
    why = key ? KEY_OK : by_token(&k->now, token, now_s, tenant);
    pthread_rwlock_unlock(&k->lock);
    return why;
}

enum key_answer keys_check_worker(struct keys *k, const char *authorization)
{
    enum key_answer why = KEY_OK;
    const char *token = k->path ? bearer_of(authorization, &why) : NULL;
    int ok = 0;

    if (!token)
        return why;
    pthread_rwlock_rdlock(&k->lock);
    for (int i = 0; i < k->now.n_workers; i++)
        ok |= same_key(k->now.worker[i], token);
    pthread_rwlock_unlock(&k->lock);
    return ok ? KEY_OK : KEY_INVALID;
}
