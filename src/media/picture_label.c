/* picture_label.c - the AI-content label inside of pictures: an XMP packet with the field AIGC in
 * the name space of TC260, as GB 45438-2025 wants it in a file. Where XMP goes: PNG (iTXt, W3C PNG
 * 3rd ed. 11.3.3.4), JPEG (APP1, XMP part 3, 1.1.3), WebP (RFC 9649, 2.7.1.4). */
#include <stdlib.h>
#include <string.h>

#include "media/film_kind.h"

enum { PNG_HEAD = 33 /* signature and IHDR */, XMP_FLAG = 4 };

char *label_of_comment(const char *comment)
{
    const char *label = comment ? strstr(comment, "\"AIGC\": {") : NULL;
    const char *begin = label ? strchr(label, '{') : NULL, *end = begin ? strchr(begin, '}') : NULL;

    return end ? xstrndup(begin, (size_t)(end + 1 - begin)) : NULL;
}

static void say(struct buf *xmp, const char *label)
{
    buf_puts(xmp, "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF "
                  "xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\"><rdf:Description "
                  "rdf:about=\"\" xmlns:TC260=\"http://www.tc260.org.cn/ns/AIGC/1.0/\">"
                  "<TC260:AIGC>");
    buf_xml(xmp, label);
    buf_puts(xmp, "</TC260:AIGC></rdf:Description></rdf:RDF></x:xmpmeta>");
}

static void put(struct buf *b, uint64_t v, int bytes, int big)
{
    for (int i = 0; i < bytes; i++) {
        uint8_t byte = (uint8_t)(v >> 8 * (big ? bytes - 1 - i : i));
        buf_add(b, &byte, 1);
    }
}

/* PNG, annex D. */
static uint32_t crc_of(const char *p, size_t n)
{
    uint32_t crc = 0xffffffffu;

    for (size_t i = 0; i < n; i++) {
        crc ^= (uint8_t)p[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static void add_png(struct buf *out, const struct buf *file, const struct buf *xmp)
{
    static const char head[] = "iTXtXML:com.adobe.xmp\0\0\0\0"; /* and the end of the string */
    size_t from = out->len + PNG_HEAD + 4;

    buf_add(out, file->data, PNG_HEAD);
    put(out, sizeof head - 4 + xmp->len, 4, 1);
    buf_add(out, head, sizeof head);
    buf_add(out, xmp->data, xmp->len);
    put(out, crc_of((const char *)out->data + from, out->len - from), 4, 1);
    buf_add(out, (const char *)file->data + PNG_HEAD, file->len - PNG_HEAD);
}

static void add_jpeg(struct buf *out, const struct buf *file, const struct buf *xmp)
{
    static const char head[] = "http://ns.adobe.com/xap/1.0/";

    put(out, 0xffd8ffe1u, 4, 1);
    put(out, 2 + sizeof head + xmp->len, 2, 1);
    buf_add(out, head, sizeof head);
    buf_add(out, xmp->data, xmp->len);
    buf_add(out, (const char *)file->data + 2, file->len - 2);
}

/* Of the simple form VP8X has to be made. */
static void add_webp(struct buf *out, const struct buf *file, const struct picture *p,
                     const struct buf *xmp)
{
    const char *data = (const char *)file->data;
    int extended = !memcmp(data + 12, "VP8X", 4);
    size_t flags;

    buf_add(out, data, 12);
    if (extended)
        buf_add(out, data + 12, 18);
    else {
        buf_puts(out, "VP8X");
        put(out, 10, 4, 0);
        put(out, 0, 4, 0);
        put(out, (uint64_t)p->w - 1, 3, 0);
        put(out, (uint64_t)p->h - 1, 3, 0);
    }
    flags = 20;
    ((char *)out->data)[flags] = (char)(((char *)out->data)[flags] | XMP_FLAG);
    buf_add(out, data + (extended ? 30 : 12), file->len - (extended ? 30 : 12));
    buf_puts(out, "XMP ");
    put(out, xmp->len, 4, 0);
    buf_add(out, xmp->data, xmp->len);
    put(out, 0, (int)(xmp->len & 1), 0);
    for (int i = 0; i < 4; i++)
        ((char *)out->data)[4 + i] = (char)((out->len - 8) >> 8 * i);
}

void picture_label(struct buf *file, const struct picture *p, const char *label)
{
    struct buf out = BUF_INIT, xmp = BUF_INIT;
    const char *data = (const char *)file->data;

    say(&xmp, label);
    if (file->len > PNG_HEAD && !memcmp(data, "\x89PNG", 4))
        add_png(&out, file, &xmp);
    else if (file->len > 2 && !memcmp(data, "\xff\xd8", 2) && xmp.len < 60000)
        add_jpeg(&out, file, &xmp);
    else if (file->len > 30 && !memcmp(data + 8, "WEBP", 4))
        add_webp(&out, file, p, &xmp);
    if (out.len) {
        buf_release(file);
        *file = out;
    }
    buf_release(&xmp);
}
