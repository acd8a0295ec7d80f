#include "train/loop.h"

#include <math.h>
#include <stdarg.h>

#include "base/clock.h"
#include "train/checkpoint.h"
#include "train/curve.h"

void run_log(const struct run *run, const char *fmt, ...)
{
    if (!run->log)
        return;
    va_list args;
    va_start(args, fmt);
    vfprintf(run->log, fmt, args);
    va_end(args);
    fputc('\n', run->log);
    fflush(run->log);
}

double loop_rate(const struct loop *l, int64_t step)
{
    if (step < l->warmup)
        return (double)(step + 1) / (double)(l->warmup + 1);
    double left = (double)(l->steps - step), tail = l->decay * (double)l->steps;
    return left < tail ? left / tail : 1;
}

struct progress_state {
    struct curve curve;
    struct checkpoint check;
    double saved_s, tick_s, step_s; /* time of the last checkpoint, of the last line, per step */
    int64_t tick_step;
};

static int save(const struct loop *l, const struct run *run, struct progress_state *p,
                struct err *e)
{
    int rc = curve_sync(&p->curve, e);
    if (rc)
        return rc;
    p->check.step = l->optim->step;
    p->check.curve_bytes = p->curve.bytes;
    if ((rc = checkpoint_save(run->dir, &p->check, l->optim, e)))
        return rc;
    p->saved_s = clock_s();
    return 0;
}

static int add_row(const struct loop *l, struct progress_state *p, double loss, double rate,
                   int look, struct err *e)
{
    struct buf line = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &line, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "step", l->optim->step);
    jsonw_real(&w, "loss", loss);
    jsonw_real(&w, "grad_norm", l->optim->grad_norm);
    jsonw_real(&w, "rate", rate);
    int rc = 0;
    if (look) {
        optim_swap_ema(l->optim);
        rc = l->evaluate(l->arg, l->optim->step, &w, e);
        optim_swap_ema(l->optim);
    }
    jsonw_end_object(&w);
    if (!rc)
        rc = curve_add(&p->curve, buf_str(&line), e);
    buf_release(&line);
    return rc;
}

static void report(const struct loop *l, const struct run *run, struct progress_state *p)
{
    double now = clock_s();
    int64_t done = l->optim->step - p->tick_step;
    if (done > 0)
        p->step_s = (now - p->tick_s) / (double)done;
    p->tick_s = now;
    p->tick_step = l->optim->step;
    char eta[32];
    format_duration(eta, sizeof(eta), p->step_s * (double)(l->steps - l->optim->step));
    run_log(run, "%s %lld/%lld  loss %.4g  grad %.3g  %.3f s/step  %s left", l->stage,
            (long long)l->optim->step, (long long)l->steps, p->check.loss_mean, l->optim->grad_norm,
            p->step_s, eta);
}

static int one_step(struct loop *l, const struct run *run, struct progress_state *p, struct err *e)
{
    int64_t step = l->optim->step;
    double loss = 0, rate = loop_rate(l, step);
    int rc = l->gradients(l->arg, step, &loss, e);
    if (rc)
        return rc;
    if (!isfinite(loss))
        return err_set(e, ERR_DEVICE, "%s: the loss of step %lld is not finite", l->stage,
                       (long long)step + 1);
    if ((rc = optim_step(l->optim, l->kernels, l->kcx, rate, e)))
        return err_prefix(e, "%s", l->stage);
    p->check.loss_mean += (loss - p->check.loss_mean) * fmax(0.02, 1 / (double)(step + 1));
    step++;
    int look = l->evaluate_every && (step % l->evaluate_every == 0 || step == l->steps);
    if ((rc = add_row(l, p, loss, rate, look, e)))
        return rc;
    if (step % l->report_every == 0 || step == l->steps)
        report(l, run, p);
    return 0;
}

static int steps(struct loop *l, const struct run *run, struct progress_state *p, struct err *e)
{
    while (l->optim->step < l->steps) {
        int rc = one_step(l, run, p, e);
        if (rc)
            return rc;
        int stop = run->stop && *run->stop, last = l->optim->step == l->steps;
        if ((stop || last || clock_s() - p->saved_s >= run->checkpoint_s) &&
            (rc = save(l, run, p, e)))
            return rc;
        if (stop && !last)
            return err_set(e, ERR_CANCEL,
                           "%s: stopped after step %lld; --resume auto goes on from there",
                           l->stage, (long long)l->optim->step);
    }
    return 0;
}

int loop_run(struct loop *l, const struct run *run, struct err *e)
{
    struct progress_state p = {.check = {.stage = l->stage, .config_hash = run->config_hash}};
    if (run->resume) {
        struct err broken;
        int rc = checkpoint_load(run->dir, &p.check, l->optim, &broken, e);
        if (rc < 0)
            return rc;
        if (broken.code)
            run_log(run, "%s: a checkpoint is broken, the one before it is taken: %s", l->stage,
                    broken.msg);
        if (rc)
            run_log(run, "%s: resumed at step %lld", l->stage, (long long)l->optim->step);
    }
    int rc = curve_open(&p.curve, run->dir, l->stage, p.check.curve_bytes, e);
    if (rc)
        return rc;
    p.saved_s = p.tick_s = clock_s();
    p.tick_step = l->optim->step;
    rc = steps(l, run, &p, e);
    curve_close(&p.curve);
    struct err plot = {0};
    if (curve_plot(run->dir, l->stage, &plot))
        run_log(run, "%s: no plot: %s", l->stage, plot.msg);
    return rc;
}
