// What is said of a film, and what can be done with it: the same below the stage and in the viewer.
import { readCamera, sayCamera } from "./camera.js";
import { el, icon } from "./dom.js";
import { sayTime, t } from "./strings.js";

// One line for a film that waits or is drawn.
export function sayState(film) {
    if (film.state === "queued") {
        if (film.ahead === null) return t("waiting");
        return film.ahead > 0 ? t("waitingAhead", { n: film.ahead }) : t("waitingNext");
    }
    if (film.stage === "sampling" && film.step) {
        // A long film is drawn in windows, each with all steps.
        return film.step > film.steps ? t("samplingOn", { n: film.step }) : t("sampling", { n: film.step, of: film.steps });
    }
    if (film.stage === "drawing") return t("drawing");
    return t(film.part > 0.98 ? "finishing" : "starting");
}

export const sayLeft = (film) => (film.left > 0 ? t("left", { time: sayTime(film.left) }) : "");

// In the page's language, where it is of plain moves.
function inWords(camera) {
    const values = readCamera(camera);
    return (values && sayCamera(values)) || camera;
}

export function facts(film) {
    const parts = [
        film.size.replace("x", " × "),
        film.seconds && !film.still && t("secondsOf", { n: Math.round(Number(film.seconds) * 10) / 10 }),
        film.seed !== null && `${t("seed")} ${film.seed}`,
        film.steps && `${t("steps")} ${film.steps}`,
        film.fps > 0 && !film.still && t("fpsOf", { n: Math.round(film.fps * 10) / 10 }),
        film.camera && film.camera !== "none" && `${t("camera")}: ${inWords(film.camera)}`,
        film.motion !== 1 && `${t("motion")} ${film.motion}`,
        film.draft && t("draft"),
        film.model !== "default" && film.model,
    ];
    return el("p", { class: "facts" }, ...parts.filter(Boolean).map((part) => el("span", { text: part })));
}

// What the model made of the words and pictures. Null when there is nothing to say of it.
export function understanding(film) {
    const note = film.note && el("p", {}, el("span", { class: "key", text: t("note") }), film.note);
    if (!film.unknown.length) return note ? el("div", { class: "understanding" }, note) : null;
    const words = film.unknown.map((word) => el("mark", { text: word }));
    return el(
        "div",
        { class: "understanding" },
        el("p", {}, el("span", { class: "key", text: t("notUnderstood") }), ...words),
        film.readAs && el("p", {}, el("span", { class: "key", text: t("readAs") }), el("code", { text: film.readAs })),
        note,
    );
}

export function actionButton(name, picture, run, props = {}) {
    return el(
        "button",
        { type: "button", class: "act", title: `${t(name)}: ${t(`${name}Hint`)}`, "data-act": name, on: { click: run }, ...props },
        icon(picture),
        el("span", { text: t(name) }),
    );
}

// Deleting is asked once more, in the same place.
function removeButton(run) {
    let timer = 0;
    const label = el("span", { text: t("remove") });
    const node = el("button", { type: "button", class: "act", title: t("remove"), "data-act": "remove" }, icon("remove"), label);
    const calm = () => {
        clearTimeout(timer);
        label.textContent = t("remove");
        node.classList.remove("sure");
    };
    node.addEventListener("click", () => {
        if (node.classList.contains("sure")) return run();
        label.textContent = t("removeSure");
        node.classList.add("sure");
        timer = setTimeout(calm, 4000);
    });
    node.addEventListener("blur", calm);
    return node;
}

// does: what a click does, { finish, again, take, useLast, extend, remove }.
export function actions(film, does) {
    const has = film.state === "done";
    const name = `${film.prompt.trim().slice(0, 40).replace(/[^\p{L}\p{N}]+/gu, "-") || "film"}.${film.still ? "png" : "mp4"}`;
    return el(
        "div",
        { class: "actions" },
        has && film.draft && actionButton("finish", "finish", () => does.finish(film)),
        actionButton("again", "again", () => does.again(film)),
        actionButton("take", "dice", () => does.take(film)),
        has && !film.still && actionButton("useLast", "frame", () => does.useLast(film)),
        has && actionButton("extend", "extend", () => does.extend(film)),
        has &&
            el(
                "a",
                { class: "act", href: film.film, download: name, title: t("download"), "data-act": "download" },
                icon("download"),
                el("span", { text: t("download") }),
            ),
        removeButton(() => does.remove(film)),
    );
}
