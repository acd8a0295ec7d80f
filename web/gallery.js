// Films that are done. The pointer or the focus makes one play, a click opens it in the viewer,
// arrow keys walk.
import { $, calm, el, icon } from "./dom.js";
import { actions, facts, understanding } from "./film.js";
import * as films from "./films.js";
import { Player } from "./player.js";
import { t } from "./strings.js";

export class Gallery {
    constructor(root, does) {
        this.root = root;
        this.list = $("ul", root);
        this.cards = new Map();
        this.does = does;
        // A film's first picture is fetched when its card comes near.
        this.near = new IntersectionObserver((seen) => seen.forEach((e) => e.isIntersecting && this.wake(e.target)), {
            rootMargin: "300px",
        });
        this.list.addEventListener("keydown", (e) => this.walk(e));
        $(".more", root).addEventListener("click", () => films.loadMore().catch((e) => does.fail(e)));
        films.on("change", () => this.draw());
    }

    draw() {
        const done = films.gallery();
        const lang = document.documentElement.lang;
        $(".empty", this.root).hidden = done.length > 0 || !films.isLoaded();
        $(".more", this.root).hidden = !films.hasMore();
        const wanted = new Set(done.map((f) => f.id));
        for (const [id, card] of this.cards) {
            if (wanted.has(id) && card.lang === lang) continue;
            this.near.unobserve(card);
            card.remove();
            this.cards.delete(id);
        }
        done.forEach((film, i) => {
            let card = this.cards.get(film.id);
            if (!card) {
                card = this.make(film);
                card.lang = lang;
                this.cards.set(film.id, card);
            }
            if (this.list.children[i] !== card) this.list.insertBefore(card, this.list.children[i] ?? null);
        });
    }

    make(film) {
        const has = film.state === "done";
        const video = has && el("video", { muted: true, loop: true, playsinline: true, preload: "metadata", tabindex: "-1", "aria-hidden": "true" });
        const button = el(
            "button",
            { type: "button", class: "card-open", "aria-label": t("film", { prompt: film.prompt }), on: { click: () => this.does.open(film.id) } },
            video || el("span", { class: "card-broken" }, el("b", { text: t(film.state) }), el("span", { text: film.state === "failed" ? film.error : "" })),
        );
        const card = el(
            "li",
            { class: "card", "data-id": film.id, "data-state": film.state },
            button,
            film.draft && el("span", { class: "badge", text: t("draft") }),
            el("p", { class: "card-prompt", text: film.prompt }),
        );
        if (has) {
            video.muted = true;
            const play = () => !calm() && video.src && video.play().catch(() => {});
            const rest = () => {
                video.pause();
                if (video.readyState) video.currentTime = 0;
            };
            button.addEventListener("pointerenter", play);
            button.addEventListener("pointerleave", rest);
            button.addEventListener("focus", play);
            button.addEventListener("blur", rest);
            this.near.observe(card);
        }
        return card;
    }

    wake(card) {
        this.near.unobserve(card);
        const film = films.get(card.dataset.id);
        if (film?.film) $("video", card)[film.still ? "poster" : "src"] = film.film;
    }

    // Left and right by one, up and down by a row.
    walk(e) {
        const buttons = [...this.list.querySelectorAll(".card-open")];
        const at = buttons.indexOf(document.activeElement);
        const columns = getComputedStyle(this.list).gridTemplateColumns.split(" ").length;
        const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -at, End: buttons.length - 1 - at }[e.key];
        if (at < 0 || by === undefined) return;
        const to = buttons[at + by];
        e.preventDefault();
        to?.focus();
        to?.scrollIntoView({ block: "nearest", behavior: calm() ? "auto" : "smooth" });
    }
}

// One film, large, over the page.
export class Viewer {
    constructor(dialog, does) {
        this.dialog = dialog;
        this.does = does;
        this.player = new Player($(".screen", dialog), $(".slits", dialog));
        this.id = null;
        for (const [name, picture, run] of [
            ["close", "close", () => dialog.close()],
            ["previous", "left", () => this.step(-1)],
            ["next", "right", () => this.step(1)],
        ]) {
            const button = $(`.${name}`, dialog);
            button.append(icon(picture));
            button.addEventListener("click", run);
        }
        dialog.addEventListener("close", () => this.closed());
        dialog.addEventListener("click", (e) => e.target === dialog && dialog.close());
        dialog.addEventListener("keydown", (e) => this.key(e));
        films.on("change", (film, before) => {
            if (!film && before && before.id === this.id) dialog.close();
        });
    }

    open(id) {
        const film = films.get(id);
        if (!film) return;
        this.id = id;
        this.dialog.dataset.state = film.state;
        if (film.state === "done") this.player.load(film, !calm());
        else this.player.unload();
        this.player.say();
        $(".broken", this.dialog).textContent = film.state === "failed" ? film.error : film.state === "cancelled" ? t("cancelled") : "";
        const prompt = el("p", { class: "prompt-said", text: film.prompt });
        $(".caption", this.dialog).replaceChildren(...[prompt, facts(film), understanding(film), actions(film, this.does)].filter(Boolean));
        const shown = films.gallery();
        const at = shown.findIndex((f) => f.id === id);
        $(".previous", this.dialog).disabled = at <= 0;
        $(".next", this.dialog).disabled = at === shown.length - 1;
        if (!this.dialog.open) this.dialog.showModal();
        history.replaceState(null, "", `#${id}`);
    }

    closed() {
        this.player.unload();
        history.replaceState(null, "", location.pathname + location.search);
        $(`#gallery [data-id="${CSS.escape(this.id)}"] .card-open`)?.focus();
        this.id = null;
    }

    step(by) {
        const shown = films.gallery();
        const next = shown[shown.findIndex((f) => f.id === this.id) + by];
        if (next) this.open(next.id);
    }

    key(e) {
        if (e.target.matches("input")) return;
        if (e.key === "ArrowLeft") this.step(-1);
        else if (e.key === "ArrowRight") this.step(1);
        else if (e.key === " " && !e.target.matches("button, a")) this.player.toggle();
        else return;
        e.preventDefault();
    }

    redraw() {
        if (this.id) this.open(this.id);
    }
}
