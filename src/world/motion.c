#include "world/motion.h"

#include <math.h>
#include <ode/ode.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define STEPS_PER_S 240

enum { MAX_CONTACTS = 8, CONE_DISCS = 5 };

struct engine {
    const struct scene *scene;
    dWorldID world;
    dSpaceID space;
    dJointGroupID contacts;
    dBodyID body[WORLD_MAX_BODIES]; /* NULL for bodies that do not move */
};

static pthread_mutex_t ode_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t ode_once = PTHREAD_ONCE_INIT;

/* The engine prints its solver's troubles; a capped step is not worth a line on stderr. */
static void silent(int number, const char *format, va_list ap)
{
    (void)number;
    (void)format;
    (void)ap;
}

/* The engine takes what it is given without a look. */
static void *ode_memory(dsizeint bytes)
{
    return xmalloc(bytes);
}

static void *ode_more(void *p, dsizeint old, dsizeint bytes)
{
    (void)old;
    return xrealloc(p, bytes);
}

static void ode_free(void *p, dsizeint bytes)
{
    (void)bytes;
    free(p);
}

static void start_ode(void)
{
    if (!dGetAllocHandler()) { /* else the host program has its own */
        dSetAllocHandler(ode_memory);
        dSetReallocHandler(ode_more);
        dSetFreeHandler(ode_free);
    }
    if (!dInitODE2(0))
        panic("out of memory: the physics engine does not start");
    dSetMessageHandler(silent);
}

static void body_rotation(const struct body *b, float rot[3][3])
{
    float cy = cosf(b->yaw), sy = sinf(b->yaw), ct = cosf(b->tilt), st = sinf(b->tilt);
    float m[3][3] = {{cy * ct, -sy, cy * st}, {sy * ct, cy, sy * st}, {-st, 0, ct}};

    memcpy(rot, m, sizeof m);
}

/* A cone is a stack of discs on one body: the engine knows no cones. */
static void add_cone(struct engine *g, dBodyID id, const struct body *b)
{
    double h = 2.0 * b->half[2] / CONE_DISCS;

    for (int i = 0; i < CONE_DISCS; i++) {
        double r = b->half[0] * (1 - (i + (i ? 0.5 : 0)) / CONE_DISCS);
        dGeomID geom = dCreateCylinder(g->space, r, h);

        dGeomSetData(geom, (void *)b);
        dGeomSetBody(geom, id);
        dGeomSetOffsetPosition(geom, 0, 0, -b->half[2] + (i + 0.5) * h);
    }
}

/* A glider that is to topple dominoes meets them at one point above its middle, as a ball would;
 * its flat side would only shift them. */
static void add_bumper(struct engine *g, dBodyID id, const struct body *b)
{
    double r = b->half[0], z = b->half[2];
    dGeomID foot = dCreateBox(g->space, 0.8 * r, 0.8 * r, 2 * z),
            bumper = dCreateSphere(g->space, r);

    dGeomSetData(foot, (void *)b);
    dGeomSetData(bumper, (void *)b);
    dGeomSetBody(foot, id);
    dGeomSetBody(bumper, id);
    dGeomSetOffsetPosition(bumper, 0, 0, 0.4 * z);
}

static void add_body(struct engine *g, int i)
{
    const struct body *b = &g->scene->body[i];
    dBodyID id = NULL;
    dGeomID geom = NULL;
    float rot[3][3];
    dMass mass;

    body_rotation(b, rot);
    dMatrix3 r = {rot[0][0], rot[0][1], rot[0][2], 0,         rot[1][0], rot[1][1],
                  rot[1][2], 0,         rot[2][0], rot[2][1], rot[2][2], 0};
    if (b->role == BODY_FREE) {
        id = g->body[i] = dBodyCreate(g->world);
        dBodySetPosition(id, b->pos[0], b->pos[1], b->pos[2]);
        dBodySetRotation(id, r);
        dBodySetLinearVel(id, b->vel[0], b->vel[1], b->vel[2]);
        if (b->prim == PRIM_SPHERE)
            dMassSetSphereTotal(&mass, b->mass, b->half[0]);
        else if (b->prim == PRIM_BOX)
            dMassSetBoxTotal(&mass, b->mass, 2 * b->half[0], 2 * b->half[1], 2 * b->half[2]);
        else
            dMassSetCylinderTotal(&mass, b->mass, 3, b->half[0], 2 * b->half[2]);
        dBodySetMass(id, &mass);
        if (b->prim == PRIM_SPHERE && b->pos[2] < b->half[2] + 0.1f) /* it rolls already */
            dBodySetAngularVel(id, 0, b->vel[0] / b->half[0], 0);
    }
    if (b->prim == PRIM_CONE && id && !b->upright) {
        add_cone(g, id, b);
        return;
    }
    if (b->upright && g->scene->facts.event == EVENT_DOMINO) {
        add_bumper(g, id, b);
        return;
    }
    if (b->prim == PRIM_SPHERE)
        geom = dCreateSphere(g->space, b->half[0]);
    else if (b->prim == PRIM_BOX || b->upright) /* such a glider meets others as a box */
        geom = dCreateBox(g->space, 2 * b->half[0], 2 * b->half[1], 2 * b->half[2]);
    else
        geom = dCreateCylinder(g->space, b->half[0], 2 * b->half[2]);
    dGeomSetData(geom, (void *)b);
    if (id) {
        dGeomSetBody(geom, id);
    } else {
        dGeomSetPosition(geom, b->pos[0], b->pos[1], b->pos[2]);
        dGeomSetRotation(geom, r);
    }
}

static void near_pair(void *data, dGeomID ga, dGeomID gb)
{
    struct engine *g = data;
    const struct body *a = dGeomGetData(ga), *b = dGeomGetData(gb);
    dBodyID ia = dGeomGetBody(ga), ib = dGeomGetBody(gb);
    dContact contact[MAX_CONTACTS];
    int n;

    if ((!ia && !ib) || ia == ib)
        return;
    memset(contact, 0, sizeof contact);
    n = dCollide(ga, gb, MAX_CONTACTS, &contact[0].geom, sizeof contact[0]);
    for (int i = 0; i < n; i++) {
        dSurfaceParameters *p = &contact[i].surface;

        p->mode = dContactBounce | dContactApprox1 | dContactSoftCFM | dContactSoftERP;
        p->mu = a && b ? sqrt((double)a->friction * b->friction) : (a ? a : b)->friction;
        p->bounce = a && b ? fmax(a->bounce, b->bounce) : (a ? a : b)->bounce;
        p->bounce_vel = 0.3;
        p->soft_cfm = 1e-5;
        p->soft_erp = 0.3;
        dJointAttach(dJointCreateContact(g->world, g->contacts, &contact[i]), ia, ib);
    }
}

static void engine_open(struct engine *g, const struct scene *s)
{
    memset(g, 0, sizeof *g);
    g->scene = s;
    dRandSetSeed((unsigned long)(s->seed & 0xffffffff));
    g->world = dWorldCreate();
    g->space = dSimpleSpaceCreate(NULL);
    g->contacts = dJointGroupCreate(0);
    dWorldSetGravity(g->world, 0, 0, -WORLD_GRAVITY);
    dWorldSetQuickStepNumIterations(g->world, 30);
    dCreatePlane(g->space, 0, 0, 1, 0);
    for (int i = 0; i < s->n_bodies; i++)
        add_body(g, i);
}

static void engine_close(struct engine *g)
{
    dJointGroupDestroy(g->contacts);
    dSpaceDestroy(g->space);
    dWorldDestroy(g->world);
}

static void engine_step(struct engine *g)
{
    dSpaceCollide(g->space, g, near_pair);
    if (!dWorldQuickStep(g->world, 1.0 / STEPS_PER_S)) /* the bodies have not moved */
        panic("out of memory: a step of %d bodies", g->scene->n_bodies);
    dJointGroupEmpty(g->contacts);
}

static void read_pose(const struct engine *g, int i, struct pose *p)
{
    const dReal *x = dBodyGetPosition(g->body[i]), *v = dBodyGetLinearVel(g->body[i]);
    const dReal *r = dBodyGetRotation(g->body[i]);

    for (int k = 0; k < 3; k++) {
        p->pos[k] = (float)x[k];
        p->vel[k] = (float)v[k];
        for (int j = 0; j < 3; j++)
            p->rot[k][j] = (float)r[4 * k + j];
    }
}

/* Frames fall between steps at most rates: move on along the velocity for the rest. */
static void run_engine(const struct scene *s, int n_frames, double fps, struct pose *out)
{
    struct engine g;
    long done = 0;

    pthread_once(&ode_once, start_ode);
    pthread_mutex_lock(&ode_lock);
    dAllocateODEDataForThread(dAllocateMaskAll);
    engine_open(&g, s);
    for (int f = 0; f < n_frames; f++) {
        long due = (long)floor(f / fps * STEPS_PER_S + 1e-6);
        float rest = (float)(f / fps - (double)due / STEPS_PER_S);

        for (; done < due; done++)
            engine_step(&g);
        for (int i = 0; i < s->n_bodies; i++) {
            struct pose *p = &out[f * s->n_bodies + i];

            if (!g.body[i])
                continue;
            read_pose(&g, i, p);
            for (int k = 0; k < 3; k++)
                p->pos[k] += rest * p->vel[k];
        }
    }
    engine_close(&g);
    pthread_mutex_unlock(&ode_lock);
}

static void mirror_pose(struct pose *p)
{
    p->pos[0] = -p->pos[0];
    p->vel[0] = -p->vel[0];
    for (int k = 1; k < 3; k++) {
        p->rot[0][k] = -p->rot[0][k];
        p->rot[k][0] = -p->rot[k][0];
    }
}

/* Even motion, then a steady slowing down to rest over the last quarter of the way. */
static void glide(const struct body *b, double t, struct pose *p)
{
    double v = sqrt((double)b->vel[0] * b->vel[0] + (double)b->vel[1] * b->vel[1]);
    double brake = b->way / 4, even_s = (b->way - brake) / v, brake_s = 2 * brake / v;
    double u =
        fmin(fmax((t - even_s) / brake_s, 0), 1); /* share of the slowing down that is over */
    double gone = t < even_s ? v * t : b->way - brake * (1 - u) * (1 - u);

    for (int k = 0; k < 3; k++) {
        p->vel[k] = (float)(b->vel[k] * (1 - u));
        p->pos[k] = b->pos[k] + (float)(b->vel[k] / v * gone);
    }
}

void motion_run(const struct scene *s, int n_frames, double fps, struct pose *out)
{
    int free_bodies = 0;

    ZT_ASSERT(n_frames > 0 && fps > 0);
    for (int f = 0; f < n_frames; f++) {
        for (int i = 0; i < s->n_bodies; i++) {
            const struct body *b = &s->body[i];
            struct pose *p = &out[f * s->n_bodies + i];

            free_bodies += b->role == BODY_FREE;
            memcpy(p->pos, b->pos, sizeof p->pos);
            memset(p->vel, 0, sizeof p->vel);
            if (b->role == BODY_GLIDES)
                glide(b, f / fps, p);
            body_rotation(b, p->rot);
        }
    }
    if (free_bodies)
        run_engine(s, n_frames, fps, out);
    for (int i = 0; s->mirror && i < n_frames * s->n_bodies; i++)
        mirror_pose(&out[i]);
}
