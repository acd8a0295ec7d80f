/* The motion brush of the service: masks and paths of Kling's form, of OpenAI's, and of files. */
#include <stdlib.h>

#include "base/base64.h"
#include "base/file.h"
#include "fixture.h"
#include "media/picture.h"
#include "serve/jobs.h"
#include "serving.h"
#include "ztest.h"

/* A picture whose upper rows are of that value; its other rows are black. */
static char *rows_base64(int w, int h, int rows, int value)
{
    struct picture p;
    struct buf png = BUF_INIT, text = BUF_INIT;
    char *path = ztest_in_tmp("white.png");

    picture_init(&p, w, h);
    memset(p.rgb, 0, (size_t)w * (size_t)h * 3);
    memset(p.rgb, value, (size_t)w * (size_t)rows * 3);
    CHECK(!picture_save(&p, path, NULL) && !file_read(&png, path, 1 << 20, NULL));
    base64_encode(&text, png.data, png.len);
    picture_release(&p);
    buf_release(&png);
    free(path);
    return buf_take(&text);
}

static char *white_base64(int w, int h)
{
    return rows_base64(w, h, h / 2, 255);
}

/* n points of `masks` masks beside a picture in that field. */
static void ask_masks(struct serving *s, const char *path, const char *field, const char *image,
                      const char *mask, int masks, int n, const char *more, struct answer *a)
{
    struct buf json = BUF_INIT;

    buf_printf(&json, "{\"prompt\":\"a red ball rolls\",\"%s\":\"%s\",%s\"dynamic_masks\":[", field,
               image, more);
    for (int i = 0; i < masks; i++) {
        buf_printf(&json, "%s{\"mask\":\"%s\",\"trajectories\":[", i ? "," : "", mask);
        for (int k = 0; k < n; k++)
            buf_printf(&json, "%s{\"x\":%d,\"y\":10}", k ? "," : "", k);
        buf_puts(&json, "]}");
    }
    buf_puts(&json, "]}");
    serving_post(s, path, buf_str(&json), a);
    buf_release(&json);
}

static void ask_brush(struct serving *s, const char *image, const char *mask, int masks, int n,
                      const char *more, struct answer *a)
{
    ask_masks(s, "/v1/videos/image2video", "image", image, mask, masks, n, more, a);
}

TEST(serve_kling_masks_become_a_brush)
{
    struct serving s;
    struct answer a = {0};
    char *image = rows_base64(64, 48, 48, 90), *mask = white_base64(64, 48),
         *small = white_base64(64, 46);

    fixture_need_media();
    serving_options(&s, "kling-brush");
    serving_start(&s);
    free(serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"seconds\":50}"));
    ask_brush(&s, image, mask, 6, 77, "", &a);
    CHECK_INT(a.status, 200);
    ask_brush(&s, image, mask, 1, 1, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "1 points; 2 to 77"));
    ask_brush(&s, image, mask, 1, 78, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "78 points; 2 to 77"));
    ask_brush(&s, image, mask, 7, 2, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "at most 6 masks"));
    ask_brush(&s, image, small, 1, 2, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "64x46 pixels; the image has 64x48"));
    ask_brush(&s, image, mask, 1, 2,
              "\"camera_control\":{\"type\":\"simple\",\"config\":{\"pan\":5}},", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "exclude each other"));
    answer_release(&a);
    serving_stop(&s, 0);
    free(image);
    free(mask);
    free(small);
}

/* A part of a form: text, or the bytes of a base64 text as a file. */
static void add_part(struct buf *form, const char *name, const char *text, int file)
{
    struct buf bytes = BUF_INIT;

    if (file)
        CHECK(!base64_decode(&bytes, text, strlen(text), 0));
    buf_printf(form, "--x\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n", name,
               file ? "; filename=\"a.png\"\r\nContent-Type: image/png" : "");
    buf_add(form, file ? bytes.data : text, file ? bytes.len : strlen(text));
    buf_puts(form, "\r\n");
    buf_release(&bytes);
}

static void send_form(const struct serving *s, struct buf *form, struct answer *a)
{
    struct buf b = BUF_INIT;

    add_part(form, "prompt", "a red ball rolls", 0);
    add_part(form, "seed", "7", 0);
    buf_puts(form, "--x--\r\n");
    buf_printf(&b,
               "POST /v1/videos HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %zu\r\n\r\n",
               form->len);
    buf_add(&b, form->data, form->len);
    answer_release(a);
    serving_raw(s, b.data, b.len, a);
    buf_release(&b);
    buf_release(form);
}

/* What the store keeps of the film of this answer, but for its id. The caller frees. */
static char *kept_params(const struct answer *a, const char *data)
{
    struct jobs *store;
    struct job j;
    struct err e;
    char *id = answer_text(a, "id");

    CHECK(!jobs_open(&store, data, &e));
    CHECK_INT(jobs_get(store, "local", atoll(strrchr(id, '_') + 1), &j, &e), 1);
    char *params = xstrdup(j.params);
    job_release(&j);
    jobs_close(&store);
    free(id);
    return params;
}

#define POINTS "\"trajectories\":[{\"x\":1,\"y\":2},{\"x\":30,\"y\":2}]"
#define MASK_FILES "dynamic_masks[][mask]"

/* Files of a form are the same brush as text of JSON, in the order in which they come. */
TEST(serve_videos_masks_are_files_of_a_form)
{
    char *image = rows_base64(64, 48, 48, 90), *one = white_base64(64, 48),
         *two = rows_base64(64, 48, 40, 255);
    char *data = ztest_in_tmp("form-brush");
    struct serving s;
    struct answer a = {0};
    struct buf f = BUF_INIT;

    fixture_need_media();
    serving_options(&s, "form-brush");
    s.o.workers = 0;
    serving_start(&s);
    char *json = xasprintf("{\"prompt\":\"a red ball rolls\",\"seed\":7,\"input_reference\":\"%s\","
                           "\"static_mask\":\"%s\",\"dynamic_masks\":[{\"mask\":\"%s\"," POINTS
                           "},{\"mask\":\"%s\"," POINTS "}]}",
                           image, two, one, two);
    serving_post(&s, "/v1/videos", json, &a);
    CHECK_INT(a.status, 200);
    struct answer text = a;
    a = (struct answer){0};
    add_part(&f, "input_reference", image, 1);
    add_part(&f, "static_mask", two, 1);
    add_part(&f, MASK_FILES, one, 1);
    add_part(&f, MASK_FILES, two, 1);
    add_part(&f, "dynamic_masks", "[{" POINTS "},{" POINTS "}]", 0);
    send_form(&s, &f, &a);
    CHECK_INT(a.status, 200);
    serving_stop(&s, 0);
    char *as_text = kept_params(&text, data), *as_files = kept_params(&a, data);
    CHECK_CONTAINS(as_text, "dynamic_masks");
    CHECK_STR(as_files, as_text);
    answer_release(&a), answer_release(&text);
    free(image), free(one), free(two), free(data), free(json);
    free(as_text), free(as_files);
}

TEST(serve_videos_masks_of_a_form_that_are_wrong)
{
    char *image = rows_base64(64, 48, 48, 90), *one = white_base64(64, 48);
    char *small = white_base64(64, 46);
    struct serving s;
    struct answer a = {0};
    struct buf f = BUF_INIT;

    fixture_need_media();
    serving_options(&s, "form-brush-wrong");
    s.o.workers = 0;
    serving_start(&s);
    add_part(&f, "input_reference", image, 1);
    add_part(&f, MASK_FILES, one, 1);
    add_part(&f, "dynamic_masks", "[{" POINTS "},{" POINTS "}]", 0);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "objects with a mask, or as many files"));
    add_part(&f, "input_reference", image, 1);
    add_part(&f, MASK_FILES, one, 1);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "0 of its objects want a file"));
    add_part(&f, "input_reference", image, 1);
    add_part(&f, "static_mask", small, 1);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "64x46 pixels; the image has 64x48"));
    add_part(&f, "input_reference", image, 1);
    add_part(&f, "dynamic_masks", "[{", 0);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "the text of an array in JSON"));
    add_part(&f, "static_mask", one, 1);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "masks belong to an image"));
    add_part(&f, "mask", one, 1);
    send_form(&s, &f, &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "mask: no file of this name is read"));
    answer_release(&a);
    serving_stop(&s, 0);
    free(image), free(one), free(small);
}

/* The same masks in OpenAI's form, down to the recipe inside the film. */
TEST(serve_videos_masks_become_a_brush)
{
    static const char field[] = "input_reference", path[] = "/v1/videos";
    static const char *const wrong[][3] = {
        {"", "\"dynamic_masks\":{}", "an array of at most 6 masks"},
        {"", "\"static_mask\":[]", "static_mask: a picture, as text"},
        {"", "\"static_mask\":\"AAAA\"", "input_reference: masks belong to an image"},
        {"", "\"brush\":{}", "is read as dynamic_masks"},
        {"/plan", "\"dynamic_masks\":[]", "beside input_reference"}};
    struct serving s;
    struct answer a = {0};
    char *image = rows_base64(64, 48, 48, 90), *mask = white_base64(64, 48),
         *small = white_base64(64, 46);
    char *black = rows_base64(64, 48, 24, 0);

    fixture_need_media();
    serving_options(&s, "openai-brush");
    serving_start(&s);
    ask_masks(&s, path, field, image, mask, 6, 77, "\"steps\":1,\"frames\":5,", &a);
    CHECK_INT(a.status, 200);
    ask_masks(&s, path, field, image, black, 1, 2, "", &a); /* as the library reads it */
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "is black"));
    ask_masks(&s, path, field, image, mask, 1, 1, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "1 points; 2 to 77"));
    ask_masks(&s, path, field, image, mask, 1, 78, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "78 points; 2 to 77"));
    ask_masks(&s, path, field, image, mask, 7, 2, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "at most 6 masks"));
    ask_masks(&s, path, field, image, small, 1, 2, "", &a);
    CHECK(a.status == 400 && strstr(buf_str(&a.body), "64x46 pixels; the image has 64x48"));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *body = xasprintf("{\"prompt\":\"a ball\",%s}", wrong[i][1]);
        char *to = xasprintf("%s%s", path, wrong[i][0]);

        serving_post(&s, to, body, &a);
        if (a.status != 400 || !strstr(buf_str(&a.body), wrong[i][2]))
            ztest_fail(__FILE__, __LINE__, "%s %s: %s", to, wrong[i][1], buf_str(&a.body));
        free(body), free(to);
    }
    answer_release(&a);
    serving_stop(&s, 0);
    free(image), free(mask), free(small), free(black);
}
