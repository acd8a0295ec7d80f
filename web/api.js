// Talking with the server: one way to call it, one way to listen. /v1/videos is OpenAI's form, with
// fields of ours beside it (doc/SERVE.md).
import { ofTab } from "./dom.js";
import { lang, t } from "./strings.js";

const KEY = "zoetrope-key";

// What went wrong in the page's language, then what the server says, which speaks English.
function sayFault(status, message) {
    const known = { 400: "faultField", 403: "faultForbidden", 413: "faultLarge", 422: "faultPicture", 429: "faultJobs", 503: "faultBusy", 507: "faultDisk" }[status];
    if (!message) return t("unknownFault", { status });
    return lang() === "zh" && known ? `${t(known)}（${message}）` : message;
}

// The server said no. status, message, and the field that is wrong, where it says.
export class Refused extends Error {
    constructor(status, body) {
        const error = body?.error ?? {};
        const named = /^body: field (\w+): /.exec(error.message ?? "");
        super(sayFault(status, error.message?.replace(/^body: field /, "")));
        this.status = status;
        this.field = error.param ?? named?.[1] ?? null;
    }
}

// There was no answer.
export class Lost extends Error {}

let askForKey = null; // (wrong) => promise of a key
let asking = null;
export function onKeyWanted(fn) {
    askForKey = fn;
}

function newKey() {
    asking ??= askForKey(ofTab.get(KEY) !== null).then((key) => {
        ofTab.set(KEY, key);
        asking = null;
    });
    return asking;
}

// Answers a Response that is ok. A server that wants a key gets it: who calls need not know.
async function request(method, path, { body, signal, accept } = {}) {
    for (;;) {
        const key = ofTab.get(KEY);
        const headers = {};
        if (accept) headers.Accept = accept;
        if (key) headers.Authorization = `Bearer ${key}`;
        if (typeof body === "string") headers["Content-Type"] = "application/json";
        let answer;
        try {
            answer = await fetch(path, { method, headers, body, signal, cache: "no-store" });
        } catch (e) {
            if (signal?.aborted) throw e;
            throw new Lost(e.message);
        }
        if (answer.ok) return answer;
        if (answer.status === 401 && askForKey) {
            if (key === ofTab.get(KEY)) await newKey();
            continue;
        }
        if (answer.status === 502 || answer.status === 504) throw new Lost(answer.statusText);
        throw new Refused(answer.status, await answer.json().catch(() => null));
    }
}

async function json(method, path, options) {
    const answer = await request(method, path, options);
    try {
        return await answer.json();
    } catch (e) {
        throw new Lost(e.message); // it broke off
    }
}

// A film as the page knows it. What the server does not say is null.
export function readFilm(v) {
    const states = { queued: "queued", in_progress: "running", completed: "done", failed: "failed" };
    const cancelled = v.status === "failed" && v.error?.code === "cancelled";
    return {
        id: v.id,
        state: cancelled ? "cancelled" : states[v.status],
        prompt: v.prompt ?? "",
        negative: v.negative_prompt ?? "",
        model: v.model ?? "",
        created: v.created_at ?? 0,
        part: (v.progress ?? 0) / 100,
        stage: v.stage ?? "",
        step: v.step ?? 0,
        steps: v.steps ?? null,
        left: v.eta ?? null,
        ahead: v.queue_position ?? null,
        preview: v.preview_url ? local(v.preview_url) : null,
        film: v.url ? local(v.url) : null,
        still: v.pictures > 0,
        seed: v.seed ?? null,
        size: v.size ?? "",
        seconds: v.seconds ?? "",
        guidance: v.guidance ?? null,
        camera: v.camera ?? "",
        motion: v.motion ?? 1,
        fps: v.fps ?? null,
        draft: v.draft === true,
        error: v.error?.message ?? "",
        readAs: v.canonical_prompt ?? "",
        unknown: v.unknown_words ? v.unknown_words.split(", ") : [],
        note: v.note ?? "",
    };
}

// Addresses are absolute, for clients; the page takes them from where it came from itself.
function local(address) {
    const url = new URL(address, location.href);
    return url.pathname + url.search;
}

export async function listFilms(after, limit) {
    const query = new URLSearchParams({ limit: String(limit), order: "desc" });
    if (after) query.set("after", after);
    const list = await json("GET", `v1/videos?${query}`);
    return { films: list.data.map(readFilm), more: Boolean(list.has_more) };
}

// fields: an object of strings; pictures: { name: File }.
export async function makeFilm(fields, pictures) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    for (const [name, file] of Object.entries(pictures)) if (file) form.set(name, file, file.name || "picture.png");
    return readFilm(await json("POST", "v1/videos", { body: form }));
}

// A new film that begins where this one ends.
export async function extendFilm(film) {
    const body = { video: { id: film.id }, prompt: film.prompt, seconds: film.still ? undefined : film.seconds };
    return readFilm(await json("POST", "v1/videos/extensions", { body: JSON.stringify(body) }));
}

// A film of the same recipe, pictures too, but for these fields: another seed, or all steps of a draft.
export const remixFilm = async (id, fields) =>
    readFilm(await json("POST", `v1/videos/${id}/remix`, { body: JSON.stringify(fields) }));
// What a film of these fields would be; nothing is ordered.
export const planFilm = async (fields, signal) => {
    const v = await json("POST", "v1/videos/plan", { body: JSON.stringify(fields), signal });
    return { ...readFilm(v), takes: v.takes ?? 0 };
};

// ---- the live scene ----

export const readLive = (v) => ({
    id: v.id,
    status: v.status,
    prompt: v.prompt ?? "",
    camera: v.camera ?? "",
    unknown: v.unknown_words ? v.unknown_words.split(", ") : [],
    readAs: v.canonical_prompt ?? "",
    wish: v.wish ?? 0,
    seen: v.seen ?? 0,
    yieldsIn: v.yields_in ?? null,
    ended: v.ended ?? null,
    frames: local(v.frames_url),
});
export const listLive = async () => (await json("GET", "v1/live")).data.map(readLive);
export const beginLive = async (fields) => readLive(await json("POST", "v1/live", { body: JSON.stringify(fields) }));
export const wishLive = async (id, fields) => readLive(await json("POST", `v1/live/${id}`, { body: JSON.stringify(fields) }));
export const endLive = async (id) => readLive(await json("DELETE", `v1/live/${id}`));

const HEAD_END = [13, 10, 13, 10];
function findHeadEnd(bytes, from) {
    for (let i = from; i + 4 <= bytes.length; i++) if (HEAD_END.every((b, k) => bytes[i + k] === b)) return i + 4;
    return -1;
}

// The parts of multipart/x-mixed-replace that are whole; the rest, and the newest of them: { jpeg, wish }.
function takeParts(bytes) {
    let at = 0;
    let newest = null;
    for (;;) {
        const body = findHeadEnd(bytes, at);
        if (body < 0) break;
        const head = new TextDecoder().decode(bytes.subarray(at, body));
        const length = Number(/Content-Length: (\d+)/i.exec(head)?.[1] ?? NaN);
        if (!(length >= 0)) throw new Lost("no part");
        if (body + length > bytes.length) break;
        newest = { jpeg: bytes.slice(body, body + length), wish: Number(/X-Wish: (\d+)/i.exec(head)?.[1] ?? 0) };
        at = body + length;
    }
    return { rest: bytes.slice(at), newest };
}

// onPicture(ImageBitmap, wish) for each picture that can be shown in time, until the answer ends.
export async function watchLive(path, signal, onPicture) {
    const reader = (await request("GET", path, { signal })).body.getReader();
    let rest = new Uint8Array(0);
    for (;;) {
        const { done, value } = await reader.read().catch((e) => {
            throw new Lost(e.message);
        });
        if (done) return;
        const bytes = new Uint8Array(rest.length + value.length);
        bytes.set(rest);
        bytes.set(value, rest.length);
        const parts = takeParts(bytes);
        rest = parts.rest;
        if (!parts.newest) continue;
        const picture = await createImageBitmap(new Blob([parts.newest.jpeg], { type: "image/jpeg" }));
        if (signal.aborted) return;
        onPicture(picture, parts.newest.wish);
    }
}

export const getFilm = async (id) => readFilm(await json("GET", `v1/videos/${id}`));
export const deleteFilm = (id) => request("DELETE", `v1/videos/${id}`);
export const cancelFilm = async (id) => readFilm(await json("POST", `v1/videos/${id}/cancel`));
export const changeFilm = async (id, fields) => readFilm(await json("PATCH", `v1/videos/${id}`, { body: JSON.stringify(fields) }));
export const listModels = async () => (await json("GET", "v1/models")).data ?? [];

// Listens to `path` until it ends. onOpen() when the server answers, onEvent(name, data, id) for each
// event. EventSource cannot send a key; this can. Throws Lost when nothing was heard for too long:
// a server sends a comment now and then.
const SILENCE_MS = 45000;
export async function listen(path, { onOpen, onEvent, signal }) {
    const stop = new AbortController();
    const end = () => stop.abort();
    signal.addEventListener("abort", end);
    let alarm = setTimeout(end, SILENCE_MS);
    try {
        const answer = await request("GET", path, { signal: stop.signal, accept: "text/event-stream" });
        onOpen();
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = "";
        for (;;) {
            const { done, value } = await reader.read();
            if (done) return;
            clearTimeout(alarm);
            alarm = setTimeout(end, SILENCE_MS);
            const blocks = (rest + value).split("\n\n");
            rest = blocks.pop();
            for (const block of blocks) readEvent(block, onEvent);
        }
    } catch (e) {
        if (signal.aborted || e instanceof Refused) throw e;
        throw new Lost(e.message);
    } finally {
        clearTimeout(alarm);
        signal.removeEventListener("abort", end);
    }
}

function readEvent(block, onEvent) {
    let name = "message";
    let id = null;
    const data = [];
    for (const line of block.split("\n")) {
        const colon = line.indexOf(":");
        if (colon <= 0) continue;
        const value = line.slice(colon + 1).replace(/^ /, "");
        const field = line.slice(0, colon);
        if (field === "event") name = value;
        else if (field === "data") data.push(value);
        else if (field === "id") id = value;
    }
    if (data.length) onEvent(name, data.join("\n"), id);
}

// A picture for a canvas.
export async function loadPicture(address) {
    const answer = await request("GET", address);
    return createImageBitmap(await answer.blob());
}
