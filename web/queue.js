// What is drawn and what waits: a row each, in the order of their turns.
import { $, el, icon, setPart } from "./dom.js";
import { sayLeft, sayState } from "./film.js";
import * as films from "./films.js";
import * as live from "./live.js";
import { t } from "./strings.js";

function iconButton(name, picture, label, run) {
    return el("button", { type: "button", class: "icon-button", "data-act": name, title: label, "aria-label": label, on: { click: run } }, icon(picture));
}

export class Queue {
    // does: { watch(film), cancel(film), move(film, place), watchLive(), endLive() }; without move the
    // order stands.
    constructor(root, does) {
        this.root = root;
        this.list = $("ol", root);
        this.does = does;
        this.rows = new Map();
        films.on("change", () => this.draw());
        live.on("change", () => this.draw());
    }

    // A scene that another tab began; here it can be watched too.
    drawLive() {
        const node = $(".live-row", this.root);
        const shown = live.isOn() && !live.isWatched();
        const key = shown ? [live.now().id, live.now().prompt, document.documentElement.lang].join() : "";
        node.hidden = !shown;
        if (key === this.liveKey) return node;
        this.liveKey = key;
        node.replaceChildren();
        if (!shown) return node;
        node.append(
            el("span", { class: "live-mark", text: t("live") }),
            el("span", { class: "job-prompt", text: live.now().prompt }),
            el(
                "button",
                { type: "button", class: "act", "data-act": "watchLive", on: { click: () => this.does.watchLive() } },
                icon("live"),
                el("span", { text: t("liveWatch") }),
            ),
            iconButton("endLive", "close", t("liveEnd"), () => this.does.endLive()),
        );
        return node;
    }

    draw() {
        const jobs = films.queue();
        const row = this.drawLive();
        const lang = document.documentElement.lang;
        const waiting = jobs.filter((f) => f.state === "queued");
        this.root.hidden = !jobs.length && row.hidden;
        this.list.hidden = !jobs.length;
        for (const [id, row] of this.rows) {
            if (jobs.some((f) => f.id === id) && row.lang === lang) continue;
            row.remove();
            this.rows.delete(id);
        }
        jobs.forEach((film, i) => {
            let row = this.rows.get(film.id);
            if (!row) {
                row = this.make(film);
                row.lang = lang;
                this.rows.set(film.id, row);
            }
            if (this.list.children[i] !== row) this.list.insertBefore(row, this.list.children[i] ?? null);
            this.update(row, film, waiting);
        });
    }

    make(film) {
        const { id, prompt } = film;
        const place = () => films.queue().filter((f) => f.state === "queued").findIndex((f) => f.id === id);
        const move = (by) => this.does.move(films.get(id), place() + by);
        return el(
            "li",
            { class: "job", "data-id": id },
            el(
                "button",
                { type: "button", class: "job-open", "aria-label": t("watchThis", { prompt }), on: { click: () => this.does.watch(films.get(id)) } },
                el("span", { class: "job-prompt", text: prompt }),
                el("span", { class: "job-state" }),
                el("span", { class: "slits small", "aria-hidden": "true" }),
            ),
            this.does.move && iconButton("sooner", "up", t("sooner"), () => move(-1)),
            this.does.move && iconButton("later", "down", t("later"), () => move(1)),
            iconButton("cancel", "close", t("cancelThis", { prompt }), () => this.does.cancel(films.get(id))),
        );
    }

    update(row, film, waiting) {
        const place = waiting.findIndex((f) => f.id === film.id);
        row.dataset.state = film.state;
        $(".job-state", row).textContent = [sayState(film), sayLeft(film)].filter(Boolean).join(" · ");
        setPart($(".slits", row), film.part);
        for (const [name, off] of [["sooner", place <= 0], ["later", place < 0 || place === waiting.length - 1]]) {
            const button = $(`[data-act=${name}]`, row);
            if (button) button.disabled = off;
        }
    }
}
