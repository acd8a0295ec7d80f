/* The small parts of the service by themselves: forms, base64, HMAC, addresses, ranges, paths. */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/hash.h"
#include "serve/call.h"
#include "serve/http.h"
#include "serve/multipart.h"
#include "serve/sign.h"
#include "ztest.h"

#define TYPE "multipart/form-data; boundary=abc"
#define FIELD(name, value)                                                                         \
    "--abc\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"

TEST(serve_forms_are_read_whole)
{
    static const char file[] = FIELD("prompt", "a ball")
        FIELD("empty",
              "") "--abc\r\ncontent-type: image/png\r\ncontent-disposition: form-data; name=\"f\"; "
                  "filename=\"a\\\"b.png\"\r\n\r\n\r\n--ab\r\n--abd\0x\r\r\n--abc--\r\n";
    static const char head[] = "--abc\r\nContent-Disposition: form-data; name=\"f\"; filename=\"";
    struct buf named = BUF_INIT;
    static const char *const bad[] = {
        "",
        "--abc",
        "--abc\r\n",
        "x" FIELD("a", "b") "--abc--",
        FIELD("a", "b"),
        FIELD("a", "b") "--abc",
        "--abc\r\nContent-Disposition: form-data\r\n\r\nx\r\n--abc--",
        "--abc\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\nx\r\n--abc--",
        "--abc\r\nContent-Disposition: form-data; name=\"a\r\n\r\nx\r\n--abc--",
        "--abc\r\nContent-Disposition: form-data; "
        "name=\"a_name_that_is_longer_than_any_field_here\"\r\n\r\nx\r\n--abc--"};
    struct part p[MULTIPART_PARTS];

    CHECK_INT(multipart_read(TYPE, file, sizeof file - 1, p), 3);
    CHECK(!strcmp(p[0].name, "prompt") && p[0].bytes == 6 && !memcmp(p[0].data, "a ball", 6));
    CHECK(!strcmp(p[1].name, "empty") && p[1].bytes == 0);
    CHECK_STR(p[2].filename, "a\"b.png");
    CHECK_INT(p[2].bytes, 16);
    CHECK(!memcmp(p[2].data, "\r\n--ab\r\n--abd\0x\r", 16));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (multipart_read(TYPE, bad[i], strlen(bad[i]), p) != -1)
            ztest_fail(__FILE__, __LINE__, "%zu: %s", i, bad[i]);
    /* A file whose name is longer than any is a file all the same. */
    buf_puts(&named, head);
    for (int i = 0; i < 100; i++)
        buf_puts(&named, "\xe7\x90\x83");
    buf_puts(&named, ".png\"\r\n\r\nxyz\r\n--abc--");
    CHECK_INT(multipart_read(TYPE, named.data, named.len, p), 1);
    CHECK(!strncmp(p[0].filename, "\xe7\x90\x83", 3) && p[0].bytes == 3);
    buf_release(&named);
    CHECK_INT(multipart_read("multipart/form-data", file, sizeof file - 1, p), -1);
    CHECK_INT(multipart_read("multipart/form-data; boundary=\"abc\"", file, sizeof file - 1, p), 3);
    /* Cut anywhere: never read beyond what is there (a copy without anything behind it). */
    for (size_t n = 0; n < sizeof file - 1; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, file, n);
        int got = multipart_read(TYPE, copy, n, p);
        CHECK(got == -1 || n >= sizeof file - 3);
        free(copy);
    }
}

TEST(serve_base64_is_strict)
{
    /* RFC 4648, 10. */
    static const char *const rows[][2] = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"}};
    static const char *const bad[] = {
        "Z", "Zg=", "Zh==", "Zg==Zg==", "Z g=", "Zg*=", "====", "Zm9vY"};
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        buf_clear(&b);
        base64_encode(&b, rows[i][0], strlen(rows[i][0]));
        CHECK_STR(buf_str(&b), rows[i][1]);
        buf_clear(&b);
        CHECK(!base64_decode(&b, rows[i][1], strlen(rows[i][1]), 0));
        CHECK_STR(buf_str(&b), rows[i][0]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!base64_decode(&b, bad[i], strlen(bad[i]), 0))
            ztest_fail(__FILE__, __LINE__, "%s", bad[i]);
    buf_clear(&b);
    CHECK(!base64_decode(&b, "-_8", 3, 1) && !memcmp(b.data, "\xfb\xff", 2));
    CHECK(base64_decode(&b, "+/8", 3, 1));
    buf_release(&b);
}

TEST(serve_hmac_is_that_of_rfc_4231)
{
    uint8_t mac[32], key[131];
    char hex[65];

    hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    hex_of(mac, 32, hex);
    CHECK_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    hmac_sha256(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, mac);
    hex_of(mac, 32, hex);
    CHECK_STR(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(serve_signed_addresses_end)
{
    struct buf b = BUF_INIT;
    char expires[32], signature[64];

    sign_path(&b, "secret", "/files/1.mp4", 1000);
    CHECK_INT(sscanf(buf_str(&b), "?expires=%31[0-9]&signature=%63s", expires, signature), 2);
    CHECK(path_is_signed("secret", "/files/1.mp4", expires, signature, 1000));
    CHECK(!path_is_signed("secret", "/files/1.mp4", expires, signature, 1001));
    CHECK(!path_is_signed("secret", "/files/2.mp4", expires, signature, 1000));
    CHECK(!path_is_signed("secreT", "/files/1.mp4", expires, signature, 1000));
    CHECK(!path_is_signed("secret", "/files/1.mp4", "9999999999", signature, 1000));
    CHECK(!path_is_signed("secret", "/files/1.mp4", NULL, signature, 1000));
    CHECK(!path_is_signed("secret", "/files/1.mp4", expires, "", 1000));
    buf_release(&b);
}

TEST(serve_routes_take_one_part_for_each_mark)
{
    char arg[CALL_ARGS][CALL_ARG_BYTES];
    enum fault f;
    const struct route *r;

    r = route_find("GET", "/files/123.mp4", arg, &f);
    CHECK(r && !strcmp(arg[0], "123"));
    CHECK(!route_find("GET", "/files/.mp4", arg, &f) && f == FAULT_NOT_FOUND);
    r = route_find("GET", "/v1/videos/text2video", arg, &f);
    CHECK(r && r->style == STYLE_KLING);
    r = route_find("HEAD", "/v1/videos/video_1/content", arg, &f);
    CHECK(r && !strcmp(r->method, "GET") && !strcmp(arg[0], "video_1"));
    CHECK(!route_find("PUT", "/v1/videos", arg, &f) && f == FAULT_METHOD);
    CHECK(!route_find("GET", "/v1/videos/a/b/c", arg, &f) && f == FAULT_NOT_FOUND);
}
