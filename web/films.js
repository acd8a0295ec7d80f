// All films this page knows, the newest first, as the server has them: it is asked at the start and
// after each break, and tells what changes in between. Nothing of it is kept in the browser.
import {
    Lost,
    cancelFilm,
    changeFilm,
    deleteFilm,
    extendFilm,
    getFilm,
    listFilms,
    listen,
    makeFilm,
    readFilm,
    readLive,
    remixFilm,
} from "./api.js";
import * as live from "./live.js";

const PAGE = 24;
const EVENTS = "v1/events";
const BACK_OFF_MS = [500, 1000, 2000, 4000, 8000, 15000];

const films = new Map(); // by id
let more = false;
let online = true;
let loaded = false;
const hearers = { change: new Set(), online: new Set() };

export const on = (event, fn) => hearers[event].add(fn);
export const off = (event, fn) => hearers[event].delete(fn);
const tell = (event, ...what) => hearers[event].forEach((fn) => fn(...what));

export const isOver = (film) => film.state === "done" || film.state === "failed" || film.state === "cancelled";
export const get = (id) => films.get(id) ?? null;
export const hasMore = () => more;
export const isLoaded = () => loaded;

const rank = (film) => film.id.padStart(40, "0"); // ids are numbers that grow
const order = (a, b) => b.created - a.created || (rank(a) < rank(b) ? 1 : -1);
export const all = () => [...films.values()].sort(order);
export const gallery = () => all().filter(isOver);

// The film that is drawn, then those that wait, by their turn.
export function queue() {
    const place = (f) => (f.state === "running" ? -1 : (f.ahead ?? 1e9));
    return all().filter((f) => !isOver(f)).sort((a, b) => place(a) - place(b) || -order(a, b));
}

// Events are the newest word on a film. An answer to something else may be older than an event that
// overtook it, so it counts only for films of which nothing was heard since it was asked for.
let now = 0;
const heardAt = new Map();
const heardSince = (id, then) => (heardAt.get(id) ?? 0) > then;

function put(film) {
    const before = films.get(film.id) ?? null;
    films.set(film.id, film);
    heardAt.set(film.id, ++now);
    tell("change", film, before);
}

async function putAnswer(asked) {
    const then = now;
    const film = await asked;
    if (!heardSince(film.id, then)) put(film);
    return films.get(film.id);
}

function drop(id) {
    const before = films.get(id);
    heardAt.set(id, ++now);
    if (!before) return;
    films.delete(id);
    tell("change", null, before);
}

// The newest page again. What it should hold and does not is gone.
async function refresh() {
    const then = now;
    const page = await listFilms(null, PAGE);
    const seen = new Set(page.films.map((f) => f.id));
    const oldest = page.films.at(-1);
    for (const film of all()) {
        const gone = !seen.has(film.id) && (!page.more || order(film, oldest) < 0);
        if (gone && !heardSince(film.id, then)) drop(film.id);
    }
    if (!loaded || !page.more) more = page.more;
    loaded = true;
    page.films.filter((f) => !heardSince(f.id, then)).forEach(put);
    if (!page.films.length) tell("change", null, null);
}

export async function loadMore() {
    const then = now;
    const page = await listFilms(all().at(-1)?.id, PAGE);
    more = page.more;
    page.films.filter((f) => !heardSince(f.id, then)).forEach(put);
    tell("change", null, null);
}

export const make = (fields, pictures) => putAnswer(makeFilm(fields, pictures));
export const extend = (film) => putAnswer(extendFilm(film));
export const remix = (id, fields) => putAnswer(remixFilm(id, fields));
export const reload = (id) => putAnswer(getFilm(id));
export const cancel = (id) => putAnswer(cancelFilm(id));

export async function remove(id) {
    await deleteFilm(id);
    drop(id);
}

// To another place in the queue, 0 is next; the others move too.
export async function move(id, place) {
    await changeFilm(id, { queue_position: place });
    await refresh();
}

// ---- the connection ----

function setOnline(now) {
    if (now === online) return;
    online = now;
    tell("online", now);
}

let wake = () => {};
const pause = (ms) =>
    new Promise((done) => {
        const timer = setTimeout(done, ms);
        wake = () => {
            clearTimeout(timer);
            done();
        };
    });
export const tryNow = () => wake();

function hear(name, data) {
    const value = JSON.parse(data);
    if (name === "deleted") drop(value.id);
    else if (name === "video") put(readFilm(value));
    else if (name === "live") live.hear(readLive(value));
}

// Listens for ever. A break is told when the first attempt to mend it fails, so that a server that
// ends a stream in good order goes unnoticed.
export async function keepListening() {
    for (let failures = 0; ; ) {
        const stop = new AbortController();
        try {
            await listen(EVENTS, {
                signal: stop.signal,
                onOpen: () => {
                    Promise.all([refresh(), live.refresh()]).then(
                        () => {
                            failures = 0;
                            setOnline(true);
                        },
                        () => stop.abort(),
                    );
                },
                onEvent: hear,
            });
            failures = Math.max(failures, 1);
        } catch (e) {
            failures++;
            if (failures > 1 || !loaded || !(e instanceof Lost)) setOnline(false);
        }
        const most = BACK_OFF_MS[Math.min(failures, BACK_OFF_MS.length) - 1];
        await pause(most * (0.7 + 0.3 * Math.random()));
    }
}
addEventListener("online", () => wake());
