/* hub.h - models in the cache of Hugging Face's hub: models--ORG--NAME with blobs, refs and
 * snapshots, whose files are links to blobs that are named after their SHA-256. */
#ifndef MODEL_HUB_H
#define MODEL_HUB_H

/* The folder of the snapshot that refs/main names, else of the only one; NULL: repo is no folder of
 * such a cache. The caller frees. */
char *hub_snapshot(const char *repo);
/* That of ORG/NAME in the cache of this user ($HF_HUB_CACHE, $HF_HOME/hub,
 * ~/.cache/huggingface/hub); NULL: it is not there. The caller frees. */
char *hub_find(const char *name);

#endif
