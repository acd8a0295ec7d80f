// The stage in the middle: nothing yet, a film that is drawn, a film that plays, or a live scene.
import { loadPicture } from "./api.js";
import { calm, $, el, setPart } from "./dom.js";
import { CameraKeys } from "./camera.js";
import { Canvas, drawIdle, drawStill, drawWork } from "./drawing.js";
import { actionButton, actions, facts, sayLeft, sayState, understanding } from "./film.js";
import * as films from "./films.js";
import * as live from "./live.js";
import { Player } from "./player.js";
import { t } from "./strings.js";

export class Stage {
    constructor(root, does) {
        this.root = root;
        this.does = does;
        this.id = null;
        this.shown = "";
        this.canvas = new Canvas($(".canvas", root));
        this.glow = $(".glow", root).getContext("2d");
        this.player = new Player($(".screen", root), $(".slits", root));
        this.pictures = { now: null, before: null, since: 0, url: null, wanted: null };
        films.on("change", (film, before) => this.heard(film, before));
        this.keys = new CameraKeys($(".camera-keys", root), (move) => does.moveCamera(move));
        this.keys.draw("");
        live.on("change", () => this.draw());
        live.on("picture", (picture) => this.livePicture(picture));
        setInterval(() => this.live && this.sayLive(), 500);
        setInterval(() => this.light(), 250);
    }

    // Show this film from now on; null: nothing. A live scene that is watched comes first.
    show(id, { play = true } = {}) {
        if (id !== this.id) {
            this.id = id;
            this.pictures = { now: null, before: null, since: 0, url: null, wanted: null };
        }
        this.play = play;
        this.draw();
    }

    heard(film, before) {
        if (!film && before?.id === this.id) this.show(null);
        else if (film?.id === this.id) this.draw();
    }

    draw() {
        const film = films.get(this.id);
        this.live = live.isWatched();
        const mode = this.live ? "live" : !film ? "idle" : film.state === "done" ? "film" : films.isOver(film) ? "broken" : "work";
        this.root.dataset.mode = mode;
        if (mode === "film") this.player.load(film, this.play && !calm());
        else this.player.unload();
        if (mode === "idle") this.canvas.show(drawIdle);
        else if (mode === "work") this.work(film);
        else if (mode === "live") this.waitForLive();
        else this.canvas.show(null);
        this.player.say();
        this.words(film, mode);
        this.keys.draw(this.live ? live.now().camera : "");
        if (mode === "live") this.sayLive();
        else this.caption(film, mode);
    }

    words(film, mode) {
        const says = { idle: ["title", "tagline"], broken: [film?.state, null] }[mode];
        $(".stage-title", this.root).textContent = says ? t(says[0]) : "";
        $(".stage-line", this.root).textContent = says ? (says[1] ? t(says[1]) : film.error) : "";
        $(".status-now", this.root).textContent = mode === "work" ? sayState(film) : "";
        $(".status-left", this.root).textContent = mode === "work" ? sayLeft(film) : "";
        $(".screen", this.root).setAttribute("aria-label", film ? t("film", { prompt: film.prompt }) : t("stage"));
    }

    // ---- a film that is drawn ----

    work(film) {
        const slits = $(".slits", this.root);
        const bar = $(".progress", this.root);
        setPart(slits, film.part);
        bar.setAttribute("aria-valuenow", String(Math.round(film.part * 100)));
        bar.setAttribute("aria-valuetext", [sayState(film), sayLeft(film)].filter(Boolean).join(", "));
        this.fetchPreview(film);
        const sampled = film.stage === "drawing" ? 1 : Math.min(1, film.step / (film.steps || 1));
        this.canvas.show((g, time) => {
            const { now, before, since } = this.pictures;
            const mix = calm() ? 1 : Math.min(1, (time - since) / 350);
            const noise = now ? 0.05 + 0.35 * (1 - sampled) : film.state === "running" ? 0.34 - 0.16 * sampled : 0.08;
            drawWork(g, time, { noise, now, before, mix });
        });
    }

    // The newest picture only: while one is on its way, those between are passed over.
    async fetchPreview(film) {
        const at = this.pictures;
        if (!film.preview || film.preview === at.url) return;
        if (at.wanted !== null) {
            at.wanted = film.preview;
            return;
        }
        at.wanted = "";
        const picture = await loadPicture(film.preview).catch(() => null);
        const newer = at.wanted;
        at.wanted = null;
        at.url = film.preview;
        if (picture) {
            at.before = at.now;
            at.now = picture;
            at.since = performance.now();
        }
        const current = films.get(this.id);
        if (at === this.pictures && current && (newer || calm())) this.work(current);
    }

    // ---- a live scene ----

    waitForLive() {
        if (live.figures.pictures) this.canvas.show(null);
        else this.canvas.show((g, time) => drawWork(g, time, { noise: 0.3, now: null, before: null, mix: 1 }));
    }

    livePicture(picture) {
        if (!this.live) return;
        this.canvas.show(null);
        drawStill(this.canvas.g, picture);
        this.still?.close();
        this.still = picture;
        if (live.figures.pictures === 1) this.sayLive();
    }

    sayLive() {
        const scene = live.now();
        const { figures } = live;
        const seconds = (performance.now() - figures.since) / 1000;
        const rate = seconds > 2 ? Math.round(figures.pictures / seconds) : 0;
        const seen = figures.answer ? t("liveAnswer", { n: figures.answer.toFixed(1) }) : "";
        const answer = scene.wish > scene.seen ? t("liveWish") : seen;
        $(".status-now", this.root).textContent = figures.pictures ? t("live") : t("starting");
        $(".status-left", this.root).textContent = answer || (rate ? t("liveRate", { n: rate }) : "");
        $(".screen", this.root).setAttribute("aria-label", t("liveOf", { prompt: scene.prompt }));
        const key = JSON.stringify([scene.id, scene.prompt, scene.camera, scene.yieldsIn, document.documentElement.lang]);
        if (key === this.shown) return;
        this.shown = key;
        const touched = matchMedia("(hover: none)").matches;
        const line = t(scene.yieldsIn !== null ? "liveYields" : touched ? "liveHintTouch" : "liveHint");
        const use = actionButton("usePicture", "frame", () => this.does.usePicture(this.still));
        const parts = [
            el("p", { class: "prompt-said", text: scene.prompt }),
            el("p", { class: "facts" }, el("span", { text: line })),
            understanding(scene),
            el("div", { class: "actions" }, use),
        ];
        $(".caption", this.root).replaceChildren(...parts.filter(Boolean));
    }

    // ---- around it ----

    caption(film, mode) {
        const node = $(".caption", this.root);
        const now = JSON.stringify([film && { ...film, film: null, preview: null }, document.documentElement.lang]);
        const key = mode === "work" ? [film.id, film.prompt, film.state, document.documentElement.lang].join() : now;
        if (key === this.shown) return;
        this.shown = key;
        node.replaceChildren();
        if (!film) return;
        const prompt = document.createElement("p");
        prompt.className = "prompt-said";
        prompt.textContent = film.prompt;
        node.append(prompt, facts(film));
        const words = understanding(film);
        if (words) node.append(words);
        if (films.isOver(film)) node.append(actions(film, this.does));
    }

    // The room is lit by what is on the stage.
    light() {
        if (document.hidden) return;
        const { mode } = this.root.dataset;
        const dark = mode === "broken" || (mode === "work" && !this.pictures.now) || (mode === "live" && !live.figures.pictures);
        this.root.dataset.lit = dark ? "no" : "yes";
        if (dark) return;
        const from = mode === "film" ? this.player.video : this.canvas.g.canvas;
        if (mode === "film" && from.readyState < 2) return;
        this.glow.drawImage(from, 0, 0, 12, 7);
    }
}
