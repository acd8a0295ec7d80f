/* thread.h - a pool of threads that runs numbered items.
 *
 * Determinism: items are independent, and which thread runs which item must not change any
 * result; nothing here ever sums across threads. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

struct threads;

/* n >= 1 threads including the caller. Never NULL. */
struct threads *threads_new(int n);
void threads_free(struct threads **th);
int threads_count(const struct threads *th);

/* Run fn(arg, item, worker) for item 0..n_items-1, on the caller and the pool; returns when all are
 * done. worker is 0..threads_count-1 and unique among the items running at one moment (index of
 * per-thread scratch). th == NULL or nested calls run all items on the caller with worker 0. */
void threads_run(struct threads *th, int n_items, void (*fn)(void *arg, int item, int worker),
                 void *arg);

#endif
