// The box in which a film is ordered: the words, a first and a last picture, and the settings.
import { listModels, planFilm } from "./api.js";
import { CameraPad, readCamera } from "./camera.js";
import { $, el, icon, ofTab } from "./dom.js";
import * as live from "./live.js";
import { EXAMPLES, lang, sayTime, t } from "./strings.js";

const DRAFT = "zoetrope-draft";
const SHAPES = ["16:9", "4:3", "1:1", "3:4", "9:16", "21:9"];
const SECONDS = [1, 2, 3, 5, 8, 10, 15];
const HEIGHTS = [256, 480, 720];
const RATES = [8, 12, 16, 24, 30, 60];
const SEED_MOST = 2 ** 32;
const PLAIN = ["seconds", "seed", "steps", "guidance", "negative_prompt", "camera", "fps"]; // sent as they stand
const PLAN_AFTER_MS = 600;
const MOVE_AFTER_MS = 200; // a pointer on its way need not be followed
const PICTURES = { first: "input_reference", last: "last_frame" };

// "720" of shape "9:16" is 720x1280: the shorter side, and sides by 16.
function sizeOf(short, shape) {
    const [w, h] = (shape || "16:9").split(":").map(Number);
    const long = Math.round((short * Math.max(w, h)) / Math.min(w, h) / 16) * 16;
    return w >= h ? `${long}x${short}` : `${short}x${long}`;
}

// One of the two places for a picture.
class Slot {
    constructor(node, name, changed) {
        this.node = node;
        this.name = name;
        this.file = null;
        this.changed = changed;
        this.input = $("input", node);
        this.canvas = $("canvas", node);
        $("label", node).prepend(icon("picture"));
        $("button", node).append(icon("close"));
        $("button", node).addEventListener("click", () => this.set(null));
        this.input.addEventListener("change", () => this.set(this.input.files[0] ?? null));
    }

    async set(file) {
        this.input.value = "";
        let picture = null;
        try {
            picture = file && (await createImageBitmap(file));
        } catch {
            return this.changed(t("pictureBad"));
        }
        this.file = file;
        this.node.dataset.filled = file ? "yes" : "";
        if (picture) {
            this.canvas.width = 160;
            this.canvas.height = Math.round((160 * picture.height) / picture.width);
            this.canvas.getContext("2d").drawImage(picture, 0, 0, this.canvas.width, this.canvas.height);
        }
        this.changed(null);
    }
}

export class Composer {
    // does: { make(fields, pictures), live(fields), wish(fields), endLive(), say(text) }
    constructor(form, does) {
        this.form = form;
        this.does = does;
        this.prompt = form.elements.prompt;
        this.models = [];
        const told = (fault) => fault && does.say(fault);
        this.slots = { first: new Slot($("#slot-first"), "first", told), last: new Slot($("#slot-last"), "last", told) };
        $("#dice").append(icon("dice"));
        $("#dice").addEventListener("click", () => this.throwDice());
        $("#more-button").prepend(icon("sliders"));
        $("#more-button").addEventListener("click", () => this.showMore());
        this.camera = new CameraPad($("#camera"), form.elements.camera, () => this.cameraChanged());
        $("#camera-button").prepend(icon("camera"));
        $("#camera-button").addEventListener("click", () => this.showCamera());
        $("#live-button").prepend(icon("live"));
        $("#live-button").addEventListener("click", () => this.toggleLive());
        live.on("change", () => this.drawLive());
        form.addEventListener("submit", (e) => {
            e.preventDefault();
            this.send();
        });
        form.addEventListener("input", () => this.changed());
        this.prompt.addEventListener("input", () => this.grow());
        this.prompt.addEventListener("keydown", (e) => {
            const sends = e.ctrlKey || e.metaKey || (this.isLive && !e.shiftKey && !e.isComposing);
            if (e.key !== "Enter" || !sends) return;
            e.preventDefault();
            form.requestSubmit();
        });
        this.receivePictures();
        this.draw();
        this.restore();
        listModels().then((models) => this.setModels(models)).catch(() => {});
    }

    // ---- what stands there ----

    draw() {
        const { aspect_ratio: aspect, size, seconds, fps } = this.form.elements;
        const fill = (select, first, options) => {
            const was = select.value;
            select.replaceChildren(el("option", { value: "", text: first }), ...options.map(([value, text]) => el("option", { value, text })));
            select.value = was;
        };
        fill(aspect, t("shapeModel"), SHAPES.map((s) => [s, s]));
        fill(size, t("sizeModel"), [["native", t("sizeNative")], ...HEIGHTS.map((h) => [String(h), `${h}p`])]);
        fill(seconds, t("secondsModel"), SECONDS.map((n) => [String(n), t("secondsOf", { n })]));
        fill(fps, t("unsaid"), RATES.map((n) => [String(n), String(n)]));
        this.camera.draw();
        this.drawLive();
        this.sayMoves();
        this.planSoon();
        $("#examples").replaceChildren(
            ...EXAMPLES.map((e) => el("button", { type: "button", class: "example", text: e[lang()], on: { click: () => this.setPrompt(e[lang()]) } })),
        );
        for (const slot of Object.values(this.slots)) {
            $("button", slot.node).setAttribute("aria-label", t("removePicture", { which: t(`${slot.name}Picture`) }));
        }
    }

    setModels(models) {
        const select = this.form.elements.model;
        this.models = models.filter((m) => m.id === m.is);
        select.replaceChildren(...this.models.map((m) => el("option", { value: m.id, text: m.id })));
        $("#model-field").hidden = this.models.length < 2;
    }

    setPrompt(text) {
        this.prompt.value = text;
        this.grow();
        this.changed();
        this.prompt.focus();
    }

    grow() {
        this.prompt.style.height = "auto";
        this.prompt.style.height = `${Math.min(this.prompt.scrollHeight, 240)}px`;
    }

    throwDice() {
        const [seed] = crypto.getRandomValues(new Uint32Array(1));
        this.form.elements.seed.value = String(seed % SEED_MOST);
        this.changed();
    }

    showMore(open = $("#more").hidden) {
        $("#more").hidden = !open;
        $("#more-button").setAttribute("aria-expanded", String(open));
        this.keep();
    }

    showCamera(open = $("#camera").hidden) {
        $("#camera").hidden = !open;
        $("#camera-button").setAttribute("aria-expanded", String(open));
        this.keep();
    }

    sayMoves() {
        const { camera, motion } = this.form.elements;
        $("#camera-button b").textContent = camera.value.trim();
        motion.nextElementSibling.textContent = `${Number(motion.value).toFixed(1)} ×`;
    }

    // Something in the box is different.
    changed() {
        this.sayMoves();
        this.keep();
        this.planSoon();
    }

    // ---- what the server would make of it, said while it is written ----

    planSoon() {
        clearTimeout(this.planTimer);
        this.planTimer = setTimeout(() => this.plan(), PLAN_AFTER_MS);
    }

    async plan() {
        this.planStop?.abort();
        this.planStop = new AbortController();
        const { signal } = this.planStop;
        const [fields] = this.order();
        if (this.isLive || !fields.prompt) return this.hint(null);
        try {
            const plan = await planFilm(fields, signal);
            if (!signal.aborted) this.hint(plan);
        } catch {
            if (!signal.aborted) this.hint(null); // what is wrong is said when it is sent
        }
    }

    hint(plan) {
        const node = $("#hint");
        const words = plan?.unknown ?? [];
        const said = words.length
            ? [el("span", { class: "key", text: t("notUnderstood") }), ...words.map((word) => el("mark", { text: word }))]
            : [];
        const size = plan && [
            plan.size.replace("x", " × "),
            t("secondsOf", { n: Math.round(Number(plan.seconds) * 10) / 10 }),
            t("takes", { time: sayTime(plan.takes) }),
        ];
        const key = JSON.stringify([words, lang()]);
        $(".hint-facts", node).textContent = plan ? size.join(" · ") : "";
        if (key === this.hinted) return; // a screen reader need not hear it again
        this.hinted = key;
        $(".hint-words", node).replaceChildren(...said);
    }

    // ---- live: the box says what is seen next ----

    drawLive() {
        const button = $("#live-button span");
        this.isLive = live.isWatched();
        this.form.dataset.live = this.isLive ? "yes" : "no";
        button.textContent = t(this.isLive ? "liveEnd" : live.isOn() ? "liveWatch" : "live");
        $("#live-button").title = this.isLive ? "" : t("liveTitle");
        if ($("#make").getAttribute("aria-busy") !== "true") $("#make span").textContent = t(this.isLive ? "liveSay" : "make");
        $("#make kbd").textContent = this.isLive ? "↵" : "Ctrl ↵";
        if (this.isLive) this.hint(null);
    }

    cameraChanged() {
        this.changed();
        clearTimeout(this.moveTimer);
        if (this.isLive) this.moveTimer = setTimeout(() => this.moveLive(), MOVE_AFTER_MS);
    }

    moveLive() {
        clearTimeout(this.moveTimer);
        return this.attempt(() => this.does.wish({ camera: this.camera.text || "none" }));
    }

    // By the keys over the picture, at once; the pad shows it.
    moveCamera(words) {
        this.camera.set(readCamera(words));
        this.moveLive();
    }

    toggleLive() {
        if (this.isLive) return this.attempt(() => this.does.endLive());
        if (live.isOn()) return live.watch();
        if (!this.prompt.value.trim()) return this.fault({ message: t("needPrompt"), field: "prompt" });
        const { prompt, camera, negative_prompt: negative, seed, guidance } = this.order()[0];
        const fields = { prompt, camera, negative_prompt: negative, seed: seed && Number(seed), guidance: guidance && Number(guidance) };
        return this.attempt(() => this.does.live(fields));
    }

    // ---- what is kept in the tab, so that a reload loses nothing ----

    fields() {
        return [...this.form.elements].filter((e) => e.name && e.type !== "file");
    }

    keep() {
        const value = (e) => (e.type === "checkbox" ? (e.checked ? e.value : "") : e.value);
        const draft = Object.fromEntries(this.fields().map((e) => [e.name, value(e)]));
        ofTab.set(DRAFT, JSON.stringify({ ...draft, open: !$("#more").hidden, cameraOpen: !$("#camera").hidden }));
    }

    restore() {
        let draft = {};
        try {
            draft = JSON.parse(ofTab.get(DRAFT) ?? "{}");
        } catch {
            return;
        }
        for (const field of this.fields()) {
            if (field.type === "checkbox") field.checked = Boolean(draft[field.name]);
            else if (draft[field.name]) field.value = draft[field.name];
        }
        if (draft.open) this.showMore(true);
        if (draft.cameraOpen) this.showCamera(true);
        this.camera.read();
        this.grow();
    }

    // The recipe of a film, to be changed and made again.
    load(film) {
        const e = this.form.elements;
        const set = (field, value) => {
            field.value = value ?? "";
            if (field.value === "" && value) {
                field.append(new Option(String(value), String(value)));
                field.value = String(value);
            }
        };
        this.prompt.value = film.prompt;
        e.negative_prompt.value = film.negative;
        e.aspect_ratio.value = "";
        set(e.size, film.size);
        set(e.seconds, film.seconds);
        e.seed.value = film.seed ?? "";
        e.steps.value = film.steps ?? "";
        e.guidance.value = film.guidance ?? "";
        set(e.fps, film.fps && String(film.fps));
        e.motion.value = String(film.motion);
        e.draft.checked = film.draft;
        e.camera.value = film.camera;
        this.camera.read();
        if (film.camera || film.motion !== 1) this.showCamera(true);
        if (film.negative) this.showMore(true);
        this.grow();
        this.changed();
    }

    // ---- pictures from outside ----

    receivePictures() {
        const isPicture = (item) => item.kind === "file" && item.type.startsWith("image/");
        addEventListener("dragover", (e) => {
            if (![...e.dataTransfer.items].some((i) => i.kind === "file")) return;
            e.preventDefault();
            document.body.dataset.drag = "yes";
        });
        addEventListener("dragleave", (e) => {
            if (!e.relatedTarget) delete document.body.dataset.drag;
        });
        addEventListener("drop", (e) => {
            delete document.body.dataset.drag;
            const file = e.dataTransfer.files[0];
            if (!file) return;
            e.preventDefault();
            const last = e.target.closest?.("#slot-last");
            this.slots[last ? "last" : "first"].set(file);
        });
        addEventListener("paste", (e) => {
            const item = [...(e.clipboardData?.items ?? [])].find(isPicture);
            if (item) this.slots.first.set(item.getAsFile());
        });
    }

    // ---- sending ----

    order() {
        const e = this.form.elements;
        const fields = { prompt: this.prompt.value.trim() };
        if (HEIGHTS.includes(Number(e.size.value))) fields.size = sizeOf(Number(e.size.value), e.aspect_ratio.value);
        else if (e.size.value) fields.size = e.size.value;
        else if (e.aspect_ratio.value) fields.aspect_ratio = e.aspect_ratio.value;
        for (const name of PLAIN) {
            if (e[name].value.trim()) fields[name] = e[name].value.trim();
        }
        if (e.motion.value !== "1") fields.motion = e.motion.value;
        if (e.draft.checked) fields.draft = "true";
        if (this.models.length > 1) fields.model = e.model.value;
        const pictures = {};
        for (const [name, field] of Object.entries(PICTURES)) pictures[field] = this.slots[name].file;
        return [fields, pictures];
    }

    async send() {
        const button = $("#make");
        if (button.getAttribute("aria-busy") === "true") return;
        this.fault(null);
        if (!this.prompt.value.trim()) {
            this.fault({ message: t("needPrompt"), field: "prompt" });
            return;
        }
        if (this.isLive) {
            await this.attempt(() => this.does.wish({ prompt: this.prompt.value.trim() }));
            this.prompt.select(); // what is typed now comes next
            return;
        }
        button.setAttribute("aria-busy", "true");
        $("span", button).textContent = t("making");
        await this.attempt(() => this.does.make(...this.order()));
        button.removeAttribute("aria-busy");
        this.drawLive();
    }

    async attempt(run) {
        this.fault(null);
        try {
            await run();
        } catch (e) {
            this.fault(e);
        }
    }

    // Told at the box, and at the field where the server names it.
    fault(e) {
        const node = $("#fault");
        for (const field of this.fields()) field.removeAttribute("aria-invalid");
        node.textContent = e ? e.message : "";
        node.hidden = !e;
        if (!e) return;
        const field = this.form.elements[e.field];
        if (!field?.setAttribute) return;
        if ($("#more").contains(field)) this.showMore(true);
        if ($("#camera").contains(field)) this.showCamera(true);
        field.setAttribute("aria-invalid", "true");
        field.focus();
    }
}
