// The box in which a film is ordered: the words, a first and a last picture, and the settings.
import { listModels } from "./api.js";
import { $, el, icon, ofTab } from "./dom.js";
import { EXAMPLES, lang, t } from "./strings.js";

const DRAFT = "zoetrope-draft";
const SHAPES = ["16:9", "1:1", "9:16"];
const SECONDS = [1, 2, 3, 5, 8, 10, 15];
const HEIGHTS = [256, 480, 720];
const SEED_MOST = 2 ** 32;
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
    // does: { make(fields, pictures), say(text) }
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
        form.addEventListener("submit", (e) => {
            e.preventDefault();
            this.send();
        });
        form.addEventListener("input", () => this.keep());
        this.prompt.addEventListener("input", () => this.grow());
        this.prompt.addEventListener("keydown", (e) => {
            if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) form.requestSubmit();
        });
        this.receivePictures();
        this.draw();
        this.restore();
        listModels().then((models) => this.setModels(models)).catch(() => {});
    }

    // ---- what stands there ----

    draw() {
        const { aspect_ratio: aspect, size, seconds } = this.form.elements;
        const fill = (select, first, options) => {
            const was = select.value;
            select.replaceChildren(el("option", { value: "", text: first }), ...options.map(([value, text]) => el("option", { value, text })));
            select.value = was;
        };
        fill(aspect, t("shapeModel"), SHAPES.map((s) => [s, s]));
        fill(size, t("sizeModel"), [["native", t("sizeNative")], ...HEIGHTS.map((h) => [String(h), `${h}p`])]);
        fill(seconds, t("secondsModel"), SECONDS.map((n) => [String(n), t("secondsOf", { n })]));
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
        this.keep();
        this.prompt.focus();
    }

    grow() {
        this.prompt.style.height = "auto";
        this.prompt.style.height = `${Math.min(this.prompt.scrollHeight, 240)}px`;
    }

    throwDice() {
        const [seed] = crypto.getRandomValues(new Uint32Array(1));
        this.form.elements.seed.value = String(seed % SEED_MOST);
        this.keep();
    }

    showMore(open = $("#more").hidden) {
        $("#more").hidden = !open;
        $("#more-button").setAttribute("aria-expanded", String(open));
        this.keep();
    }

    // ---- what is kept in the tab, so that a reload loses nothing ----

    fields() {
        return [...this.form.elements].filter((e) => e.name && e.type !== "file");
    }

    keep() {
        const draft = Object.fromEntries(this.fields().map((e) => [e.name, e.value]));
        ofTab.set(DRAFT, JSON.stringify({ ...draft, open: !$("#more").hidden }));
    }

    restore() {
        let draft = {};
        try {
            draft = JSON.parse(ofTab.get(DRAFT) ?? "{}");
        } catch {
            return;
        }
        for (const field of this.fields()) if (draft[field.name]) field.value = draft[field.name];
        if (draft.open) this.showMore(true);
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
        if (film.negative) this.showMore(true);
        this.grow();
        this.keep();
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
        for (const name of ["seconds", "seed", "steps", "guidance", "negative_prompt"]) {
            if (e[name].value.trim()) fields[name] = e[name].value.trim();
        }
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
        button.setAttribute("aria-busy", "true");
        $("span", button).textContent = t("making");
        try {
            await this.does.make(...this.order());
        } catch (e) {
            this.fault(e);
        }
        button.removeAttribute("aria-busy");
        $("span", button).textContent = t("make");
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
        field.setAttribute("aria-invalid", "true");
        field.focus();
    }
}
