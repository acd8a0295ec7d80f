/* zoetrope live: an endless scene, shown while it is drawn. Written on the public header. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "cmd.h"
#include "generate_say.h"
#include "live_player.h"
#include "zoetrope.h"

static const char HELP[] =
    "zoetrope live -p TEXT [options of generate]\n\n"
    "An endless scene, shown while it is drawn: in the terminal, or with -o - as y4m on stdout.\n"
    "A line that is typed (or comes on stdin) says what is seen next; arrows, + and - move the\n"
    "camera, 0 lets it be, q ends. Of lines on stdin \"camera: zoom in 5\" moves the camera.\n\n"
    "  -o, --output -       y4m on stdout, in real time\n"
    "      --for SECONDS    end after so many\n"
    "Other options are those of generate; unless said otherwise --frames 17 (of a window: shorter\n"
    "ones obey sooner), --steps 4, --size native, --fps 24 and, on the CPU, --type int8.\n\n"
    "examples:\n"
    "  zoetrope live \"waves crash against the cliffs\"\n"
    "  zoetrope live -p \"a girl plays on a lawn\" -o - | ffplay -\n"
    "  (sleep 5; echo \"a lighthouse at night\"; cat) | zoetrope live -p \"a coast\" -o - | mpv -";

struct live_args {
    zt_job *job;
    int pipe, help, own_type;
    double stop_s;
};

static int set(struct live_args *a, const char *name, const char *value, struct err *e)
{
    if (!strcmp(name, "output")) {
        a->pipe = !strcmp(value, "-");
        return a->pipe ? 0
                       : err_set(e, ERR_USAGE,
                                 "output %s: live goes to the terminal or, with -, "
                                 "to stdout",
                                 value);
    }
    if (!strcmp(name, "for"))
        return parse_real(value, &a->stop_s) || !(a->stop_s > 0)
                   ? err_set(e, ERR_USAGE, "for \"%s\" is not allowed: seconds above 0", value)
                   : 0;
    a->own_type |= !strcmp(name, "type") || !strcmp(name, "device");
    return e->code = zt_job_set(a->job, name, value, e->msg, sizeof e->msg);
}

static int parse(struct live_args *a, int argc, char **argv, struct err *e)
{
    static const char *const usual[][2] = {
        {"frames", "17"}, {"steps", "4"}, {"size", "native"}, {"fps", "24"}};
    int rc = 0;

    for (int i = 0; i < 4 && !rc; i++)
        rc = set(a, usual[i][0], usual[i][1], e);
    for (int i = 1; i < argc && !rc && !a->help; i++) {
        char *s = argv[i], *equals = !strncmp(s, "--", 2) ? strchr(s, '=') : NULL;
        const char *name = !strncmp(s, "--", 2) ? s + 2
                           : *s == '-'          ? cmd_option_of_letter(s + 1)
                                                : "prompt";

        a->help = !strcmp(s, "--help") || !strcmp(s, "-h");
        if (a->help)
            break;
        if (!name || (*s != '-' && !cmd_is_prompt(s)))
            return err_set(e, ERR_USAGE,
                           name ? "\"%s\" is one word; write -p \"%s\"" : "no option %s", s, s);
        if (equals)
            *equals = 0;
        const char *value = equals ? equals + 1 : *s != '-' ? s : argv[++i];
        if (!value && (cmd_is_option(name, NULL) || !strcmp(name, "for")))
            return err_set(e, ERR_USAGE, "%s wants a value", s);
        rc = set(a, name, value ? value : "", e);
    }
    return rc || a->own_type ? rc : set(a, "type", "int8", e); /* in half the time, 48 dB alike */
}

static zt_job *running; /* for the signal handler alone */

static void stop_job(void)
{
    zt_job_turn(running);
}

static int draw(struct live_args *a, struct err *e)
{
    struct player *player;
    int rc = e->code = zt_job_plan(a->job, e->msg, sizeof e->msg), end;
    struct err failed = {0};

    if (!rc)
        say_settled(a->job);
    if (!rc)
        rc = player_new(&player, a->job, a->pipe, a->stop_s, e);
    if (rc)
        return rc;
    running = a->job;
    cmd_on_stop(stop_job);
    cmd_catch_signals();
    zt_job_on_frame(a->job, player_frame, player);
    rc = e->code = zt_job_live(a->job, player_turn, player, e->msg, sizeof e->msg);
    end = player_end(&player, &failed);
    if (rc == ERR_CANCEL) /* the player wants no more */
        rc = 0;
    if (!rc && end) {
        *e = failed;
        rc = end;
    }
    return rc;
}

int cmd_live(int argc, char **argv)
{
    struct live_args a = {0};
    struct err e = {0};
    int status = EXIT_OK;

    zt_job_new(&a.job, NULL);
    if (parse(&a, argc, argv, &e))
        status = cmd_usage("live", "%s", e.msg);
    else if (a.help)
        puts(HELP);
    else if (draw(&a, &e))
        status = cmd_fail(&e);
    cmd_on_stop(NULL);
    zt_job_free(&a.job);
    return status;
}
