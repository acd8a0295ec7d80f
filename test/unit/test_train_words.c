/* Words in training: a canonical word is a token that knows its clause, lies are told by order
 * alone, and a network that reads a bag of words is found out. */
#include <stdlib.h>

#include "base/file.h"
#include "fixture.h"
#include "model/clause_text.h"
#include "train/gaps.h"
#include "train/prompts.h"
#include "ztest.h"

enum { TOKENS_MOST = 30, TEXT = 8, TOKENS_ROOM = 64 };

static void all_worlds(struct worlds *w)
{
    *w = (struct worlds){0};
    for (int i = 0; world_at(i); i++)
        w->part[w->n++].world = world_at(i);
}

static struct tokenizer *words_tokenizer(const char *name)
{
    char *dir = path_join(ztest_tmp(), name);
    struct tokenizer *t = NULL;
    struct worlds w;
    struct err e = {0};

    all_worlds(&w);
    CHECK_INT(dir_make(dir, &e), 0);
    if (prompts_tokenizer(&t, &w, dir, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(dir);
    return t;
}

static int n_words(const char *s)
{
    int n = *s != 0;

    for (; *s; s++)
        n += *s == ' ';
    return n;
}

/* Every canonical word is one token with its boundary, so a caption is few of them. */
TEST(train_words_of_canonical_captions_are_tokens)
{
    struct tokenizer *t = words_tokenizer("whole-words");
    int most = 0;

    CHECK(tokenizer_id(t, PROMPTS_SEPARATOR) > 0);
    for (int i = 0; world_at(i); i++)
        for (uint64_t seed = 0; seed < 500; seed++) {
            struct world_scene s = {world_at(i), {0}};
            struct buf text = BUF_INIT;
            int32_t *ids;
            int n;

            s.world->sample(s.state, seed, NULL, 0);
            s.world->caption(s.state, &text);
            tokenizer_encode(t, buf_str(&text), text.len, &ids, &n);
            CHECK_INT(n, n_words(buf_str(&text)) + 1); /* and the end */
            for (int k = 0; k < n - 1; k++)
                CHECK(!strncmp(tokenizer_piece(t, ids[k]), "\xe2\x96\x81", 3) &&
                      tokenizer_piece(t, ids[k])[3]);
            most = n > most ? n : most;
            free(ids);
            buf_release(&text);
        }
    CHECK(most <= TOKENS_MOST && most > TOKENS_MOST / 2);
    tokenizer_free(&t);
}

/* A word that nobody knows falls apart, what stands around it does not. */
TEST(train_words_unknown_and_everyday)
{
    struct tokenizer *t = words_tokenizer("unknown-words");
    static const char text[] = "a red ball, 红色的球 qqq";
    static const char *const want[] = {"\xe2\x96\x81"
                                       "a",
                                       "\xe2\x96\x81red",
                                       "\xe2\x96\x81"
                                       "ball",
                                       ",",
                                       "\xe2\x96\x81",
                                       "红",
                                       "色",
                                       "的",
                                       "球",
                                       "\xe2\x96\x81"};
    int32_t *ids;
    int n;

    tokenizer_encode(t, text, strlen(text), &ids, &n);
    CHECK(n > 10);
    for (int i = 0; i < 10; i++)
        CHECK_STR(tokenizer_piece(t, ids[i]), want[i]);
    free(ids);
    tokenizer_free(&t);
}

TEST(train_words_of_another_version_are_refused)
{
    char *dir = path_join(ztest_tmp(), "other-words"), *path;
    struct tokenizer *t = words_tokenizer("other-words");
    struct worlds w;
    struct err e;

    tokenizer_free(&t);
    t = words_tokenizer("other-words"); /* what it wrote itself is taken */
    tokenizer_free(&t);
    path = path_join(dir, "tokenizer/tokenizer.json");
    CHECK_INT(tokenizer_write(path, (const char *const[]){"red"}, (double[]){-1}, 1, &e), 0);
    all_worlds(&w);
    CHECK_INT(prompts_tokenizer(&t, &w, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "tokenizer.json");
    CHECK_CONTAINS(e.msg, "--out");
    free(path);
    free(dir);
}

static int by_word(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The words of a text, sorted; cuts it. */
static int sorted_words(char *text, char *word[64])
{
    int n = 0;

    for (char *w = strtok(text, " "); w && n < 64; w = strtok(NULL, " "))
        word[n++] = w;
    qsort(word, (size_t)n, sizeof *word, by_word);
    return n;
}

/* How many words of one sorted list are not in the other. */
static int missing(char **a, int n, char **b, int m)
{
    int i = 0, j = 0, count = 0;

    while (i < n) {
        int c = j < m ? strcmp(a[i], b[j]) : -1;

        count += c < 0;
        i += c <= 0;
        j += c >= 0;
    }
    return count;
}

/* An exchange is told by order alone, but for the verb of another shape; one wrong word is one. */
TEST(train_words_lies)
{
    int exchanged = 0, wrong = 0;

    for (int i = 0; world_at(i); i++)
        for (uint64_t seed = 0; world_at(i)->lie && seed < 500; seed++) {
            struct world_scene s = {world_at(i), {0}};
            char *truth[64], *said[64];
            struct buf text = BUF_INIT;
            int n;

            s.world->sample(s.state, seed, NULL, 0);
            s.world->caption(s.state, &text);
            n = sorted_words(text.data, truth);
            for (int k = 0; k < N_LIES; k++) {
                struct buf other = BUF_INIT;

                if (s.world->lie(s.state, k, &other)) {
                    int m = sorted_words(other.data, said), lost = missing(truth, n, said, m);

                    CHECK_INT(m, n);
                    CHECK(k == LIE_WRONG ? lost == 1 : lost <= 1);
                    *(k == LIE_WRONG ? &wrong : &exchanged) += 1;
                } else {
                    CHECK_INT((int)other.len, 0);
                }
                buf_release(&other);
            }
            buf_release(&text);
        }
    CHECK(exchanged > 100 && wrong >= 500);
}

/* ---- the encoder ---- */

static void small_encoder(struct clause_text *m, int vocab, int separator)
{
    struct clause_text_config k;
    struct err e = {0};

    clause_text_config_default(&k);
    k.vocab = vocab;
    k.d_model = TEXT;
    k.d_kv = 4;
    k.d_ff = 12;
    k.heads = 2;
    k.separator = separator;
    CHECK_INT(clause_text_init(m, &k, &e), 0);
    weights_on_cpu(&m->weights, DT_F32, 0);
    weight_set_initialise(&m->weights, 3, NULL);
}

TEST(clause_text_roles)
{
    static const int32_t ids[10] = {5, 6, 9, 7, 9, 9, 8, 8, 8, 2};
    static const int64_t start[3] = {0, 8, 10};
    static const int32_t clause[10] = {0, 0, 1, 1, 2, 2, 2, 2, 0, 0},
                         place[10] = {0, 1, 0, 1, 0, 0, 1, 2, 0, 1};
    struct clause_text_config k = {.clauses = 3, .places = 3, .separator = 9};
    int32_t c[10], p[10];

    clause_text_roles(&k, ids, &(struct seq){2, start}, c, p);
    CHECK(!memcmp(c, clause, sizeof c) && !memcmp(p, place, sizeof p));
}

/* Two captions with the same words, one beside the other, as they are initialised: every word that
 * moved to another clause has another row, and none is influenced by the other caption. */
TEST(clause_text_rows_know_who_is_red)
{
    static const char *const text[2] = {"red ball ; blue box", "blue ball ; red box"};
    struct tokenizer *t = words_tokenizer("roles");
    struct clause_text m;
    struct cx cx;
    int32_t ids[TOKENS_ROOM];
    int64_t start[3] = {0};
    float both[TOKENS_ROOM * TEXT], alone[TOKENS_ROOM * TEXT];

    for (int i = 0; i < 2; i++) {
        int32_t *of;
        int n;

        tokenizer_encode(t, text[i], strlen(text[i]), &of, &n);
        memcpy(ids + start[i], of, sizeof *of * (size_t)n);
        start[i + 1] = start[i] + n;
        free(of);
    }
    small_encoder(&m, tokenizer_size(t), tokenizer_id(t, PROMPTS_SEPARATOR));
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    tensor_read_f32(&cx, clause_text_forward(&cx, &m, ids, &(struct seq){2, start}, NULL), both);
    int64_t second[2] = {0, start[2] - start[1]};
    tensor_read_f32(
        &cx, clause_text_forward(&cx, &m, ids + start[1], &(struct seq){1, second}, NULL), alone);
    CHECK(!memcmp(alone, both + start[1] * TEXT, sizeof *both * (size_t)(second[1] * TEXT)));
    CHECK_INT(ids[0], ids[start[1] + 3]); /* red */
    CHECK(ztest_rel_l2(both, alone + 3 * TEXT, TEXT) > 0.3);
    CHECK(!memcmp(both + TEXT, alone + TEXT, sizeof *both * TEXT)); /* the first ball */
    cx_release(&cx);
    clause_text_release(&m);
    tokenizer_free(&t);
}

TEST(clause_text_dry_run_knows_the_memory)
{
    static const int32_t ids[5] = {5, 6, 9, 7, 1};
    static const int64_t start[3] = {0, 3, 5};
    struct device *device[2] = {device_cpu(), device_null()};
    uint64_t peak[2];
    struct clause_text m;

    small_encoder(&m, 10, 9);
    for (int i = 0; i < 2; i++) {
        struct cx cx;

        cx_init(&cx, device[i], DT_BF16, NULL);
        clause_text_forward(&cx, &m, ids, &(struct seq){2, start}, NULL);
        cx_step_end(&cx);
        peak[i] = cx_peak_bytes(&cx);
        cx_release(&cx);
    }
    CHECK(peak[0] > 0);
    CHECK_INT((int64_t)peak[1], (int64_t)peak[0]);
    clause_text_release(&m);
}

/* ---- the judge ---- */

/* Records with an exchange come first, and they alone; else those with any lie. */
TEST(train_gaps_pick)
{
    /* texts of 4 records: the truth, exchanged, wrong; one token is the empty caption */
    static int64_t start[] = {0, 3, 4, 7, 10, 13, 16, 19, 20, 23, 26, 29, 32};
    struct prompts p = {.n = 12, .each = 3, .first = 50, .n_empty = 1, .start = start};
    int record[4];

    CHECK_INT(gaps_pick(record, 4, &p, 4), 2);
    CHECK(record[0] == 51 && record[1] == 53);
    CHECK_INT(gaps_pick(record, 1, &p, 4), 1);
    CHECK_INT(gaps_pick(record, 4, &p, 1), 1);
    CHECK_INT(record[0], 50);
    start[3] = 5; /* the first record has no lie at all */
    for (int i = 4; i < 13; i++)
        start[i] -= 2;
    CHECK_INT(gaps_pick(record, 4, &p, 1), 0);
}

static int judge(double exchanged, double wrong, int n, char *msg)
{
    struct gaps g = {.n = {n, n}};
    struct err e = {0};
    int rc;

    g.at[GAP_JUDGED].lie[LIE_EXCHANGED] = exchanged;
    g.at[GAP_JUDGED].lie[LIE_WRONG] = wrong;
    rc = gaps_judge(&g, 0.5, 100, &e);
    strcpy(msg, e.msg);
    return rc;
}

TEST(train_gaps_judge)
{
    char msg[sizeof(((struct err *)0)->msg)];

    CHECK_INT(judge(0.2, 0.4, 8, msg), 0);
    CHECK_INT(judge(0.19, 0.4, 8, msg), ERR_CHECK);
    CHECK_CONTAINS(msg, "exchanged");
    CHECK_CONTAINS(msg, "gap_steps");
    CHECK_INT(judge(0, 0, 8, msg), ERR_CHECK); /* not even words are read */
    CHECK_INT(judge(0.1, -0.1, 8, msg), ERR_CHECK);
    CHECK_INT(judge(0, 0.4, 0, msg), 0); /* no window could tell */
}
