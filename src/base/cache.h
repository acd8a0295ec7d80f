/* cache.h - small texts that cost much to find out, kept in the user's cache folder:
 * $XDG_CACHE_HOME/zoetrope, else $HOME/.cache/zoetrope. What cannot be kept is found out again, so
 * nothing here fails. Any thread, any number of processes. */
#ifndef BASE_CACHE_H
#define BASE_CACHE_H

#include <stddef.h>

/* The text that was kept under key, of less than `size` bytes. 1: found. */
int cache_get(const char *key, char *out, size_t size);
void cache_put(const char *key, const char *text);
/* The path of a folder in it, which need not be there; NULL: there is no cache folder. The caller
 * frees. */
char *cache_folder(const char *name);

#endif
