// A live scene: begun, watched while it is drawn, given other words. What is known of it comes with the
// events of all films (films.js); its pictures by one answer that does not end.
import { Lost, beginLive, endLive, listLive, watchLive, wishLive } from "./api.js";
import { ofTab } from "./dom.js";

const WATCHED = "zoetrope-live";
const AGAIN_MS = 1000;

let scene = null; // as the server has it; null: there was none yet
let watching = null; // AbortController of the answer
const hearers = { change: new Set(), picture: new Set() };
export const on = (event, fn) => hearers[event].add(fn);
const tell = (event, ...what) => hearers[event].forEach((fn) => fn(...what));

export const now = () => scene;
export const isOn = () => Boolean(scene) && scene.status !== "ended";
export const isWatched = () => Boolean(watching);

// Figures of what this tab has seen.
export const figures = { since: 0, pictures: 0, wish: 0, wishedAt: 0, answer: 0 };

export function hear(said) {
    if (scene && said.id !== scene.id && BigInt(said.id.slice(5)) < BigInt(scene.id.slice(5))) return;
    scene = said;
    if (!isOn()) leave();
    tell("change", scene);
}

// The server knows none (any more).
function forget() {
    if (!scene) return;
    scene = null;
    leave();
}

// After a break, and at the start: what is on? This tab goes on watching what it watched.
export async function refresh() {
    const [said] = await listLive();
    if (said) hear(said);
    else forget();
    if (isOn() && ofTab.get(WATCHED) === scene.id) watch();
}

export async function begin(fields) {
    hear(await beginLive(fields));
    watch();
}

export async function wish(fields) {
    figures.wishedAt = performance.now();
    figures.answer = 0;
    figures.wish = Infinity; // until the server says its number
    const said = await wishLive(scene.id, fields);
    figures.wish = said.wish;
    hear(said);
}

export async function end() {
    const { id } = scene;
    leave();
    hear(await endLive(id));
}

export function leave() {
    ofTab.set(WATCHED, null);
    watching?.abort();
    watching = null;
    tell("change", scene);
}

function seen(picture, wished) {
    figures.pictures++;
    if (figures.wishedAt && wished >= figures.wish) {
        figures.answer = (performance.now() - figures.wishedAt) / 1000;
        figures.wishedAt = 0;
    }
    tell("picture", picture, wished);
}

// A page that is kept for the way back does not watch.
addEventListener("pagehide", () => {
    watching?.abort();
    watching = null;
});
addEventListener("pageshow", (e) => e.persisted && refresh().catch(() => {}));

// Until it ends or is left; a break is mended.
export async function watch() {
    if (watching || !isOn()) return;
    const stop = new AbortController();
    watching = stop;
    ofTab.set(WATCHED, scene.id);
    Object.assign(figures, { since: performance.now(), pictures: 0, wish: 0, wishedAt: 0, answer: 0 });
    tell("change", scene);
    while (watching === stop && isOn()) {
        try {
            await watchLive(scene.frames, stop.signal, seen);
        } catch (e) {
            if (stop.signal.aborted) return;
            if (!(e instanceof Lost)) break;
        }
        await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
    if (watching === stop) leave();
}
