// Talking with the server: one way to call it, one way to listen. /v1/videos is OpenAI's form, with
// fields of ours beside it (doc/SERVE.md).
import { ofTab } from "./dom.js";
import { t } from "./strings.js";

const KEY = "zoetrope-key";

// The server said no. status, message, and the field that is wrong, where it says.
export class Refused extends Error {
    constructor(status, body) {
        const error = body?.error ?? {};
        const named = /^body: field (\w+): /.exec(error.message ?? "");
        super(error.message?.replace(/^body: field /, "") || t("unknownFault", { status }));
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
