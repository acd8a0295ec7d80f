// How the camera moves: two fields to point into, rulers for the rest, moves that have a name, and the
// words of all of it, as the server reads them ("pan left 5, zoom in 3").
import { el, icon } from "./dom.js";
import { lang, t } from "./strings.js";

const MOST = 10;
const USUAL = 5;

// Each axis: its name of the server, and how its two sides are said. A part in words is side + number.
const AXES = {
    pan: { less: { en: "pan left", zh: "左摇" }, more: { en: "pan right", zh: "右摇" } },
    tilt: { less: { en: "tilt down", zh: "下摇" }, more: { en: "tilt up", zh: "上摇" } },
    horizontal: { less: { en: "truck left", zh: "左移" }, more: { en: "truck right", zh: "右移" } },
    vertical: { less: { en: "crane down", zh: "下移" }, more: { en: "crane up", zh: "上移" } },
    zoom: { less: { en: "zoom out", zh: "拉远" }, more: { en: "zoom in", zh: "拉近" } },
    roll: { less: { en: "roll left", zh: "逆时针旋转" }, more: { en: "roll right", zh: "顺时针旋转" } },
};
// Moves that are more than one axis, or none; four are Kling's.
const PRESETS = ["static", "drone", "orbit left", "orbit right", "down_back", "forward_up", "left_turn_forward", "right_turn_forward"];

const none = () => Object.fromEntries(Object.keys(AXES).map((axis) => [axis, 0]));

export function sayCamera(values, language = lang()) {
    const parts = Object.entries(AXES).map(([axis, say]) => {
        const v = values[axis];
        return v ? `${say[v < 0 ? "less" : "more"][language]} ${Math.abs(v)}` : "";
    });
    return parts.filter(Boolean).join(", ");
}

// The values that these words say; null where fields and rulers cannot show them all.
export function readCamera(text) {
    const values = none();
    for (const part of text.toLowerCase().split(",").map((p) => p.trim()).filter(Boolean)) {
        const [, words, number] = /^(.*?)\s*(\d+(?:\.\d+)?)?$/.exec(part);
        const found = Object.entries(AXES).flatMap(([axis, say]) =>
            [-1, 1].filter((sign) => Object.values(say[sign < 0 ? "less" : "more"]).includes(words)).map((sign) => [axis, sign]),
        )[0];
        const amount = number === undefined ? USUAL : Number(number);
        if (!found || amount > MOST) return null;
        values[found[0]] = found[1] * amount;
    }
    return values;
}

export class CameraPad {
    // root: an empty group; input: the text field that holds the words; changed(): after each change.
    constructor(root, input, changed) {
        this.root = root;
        this.input = input;
        this.changed = changed;
        this.values = none();
        this.build();
        input.addEventListener("input", () => this.read());
    }

    build() {
        this.ranges = {};
        const pads = [this.pad("camTurn", "pan", "tilt"), this.pad("camMove", "horizontal", "vertical")];
        const rulers = el("div", { class: "rulers" }, this.ruler("zoom"), this.ruler("roll"));
        this.presets = PRESETS.map((name) =>
            el("button", { type: "button", class: "preset", "data-move": name, on: { click: () => this.choose(name) } }),
        );
        this.reset = el("button", { type: "button", class: "preset", "data-move": "", on: { click: () => this.choose("") } });
        this.root.prepend(
            el("div", { class: "pads" }, ...pads, rulers),
            el("div", { class: "presets" }, this.reset, ...this.presets),
        );
        this.draw();
    }

    // A ruler, which is also how keys and screen readers move a field.
    range(axis, unseen) {
        const input = el("input", { type: "range", min: -MOST, max: MOST, step: 1, value: 0, "data-axis": axis, class: unseen ? "unseen" : "" });
        input.addEventListener("input", () => this.set({ [axis]: input.valueAsNumber }));
        this.ranges[axis] = input;
        return input;
    }

    pad(name, x, y) {
        const field = el("div", { class: "pad-field", "aria-hidden": "true" }, el("i", { class: "pad-cross" }), el("i", { class: "pad-frame" }));
        const move = (e) => {
            const box = field.getBoundingClientRect();
            const at = (part) => Math.max(-MOST, Math.min(MOST, Math.round((part - 0.5) * 2.3 * MOST)));
            this.set({ [x]: at((e.clientX - box.left) / box.width), [y]: -at((e.clientY - box.top) / box.height) });
        };
        field.addEventListener("pointerdown", (e) => {
            e.preventDefault();
            field.setPointerCapture?.(e.pointerId);
            move(e);
        });
        field.addEventListener("pointermove", (e) => e.buttons && move(e));
        field.addEventListener("dblclick", () => this.set({ [x]: 0, [y]: 0 }));
        return el(
            "div",
            { class: "pad", "data-pad": name },
            el("span", { class: "pad-name", "data-name": name }),
            field,
            this.range(x, true),
            this.range(y, true),
        );
    }

    ruler(axis) {
        return el("label", { class: "ruler" }, el("span", { "data-ruler": axis }), this.range(axis, false), el("output", { "data-out": axis }));
    }

    // ---- what it says ----

    get text() {
        return this.input.value.trim();
    }

    set(values) {
        Object.assign(this.values, values);
        this.input.value = sayCamera(this.values);
        this.draw();
        this.changed();
    }

    choose(move) {
        this.values = none();
        this.input.value = move;
        this.draw();
        this.changed();
    }

    // The words were written by somebody else.
    read() {
        this.values = readCamera(this.text) ?? none();
        this.draw();
        this.changed();
    }

    draw() {
        for (const [axis, range] of Object.entries(this.ranges)) {
            const v = this.values[axis];
            range.value = String(v);
            range.setAttribute("aria-label", t(`axis_${axis}`));
            range.setAttribute("aria-valuetext", sayCamera({ ...none(), [axis]: v }) || t("camStill"));
            this.root.style.setProperty(`--${axis}`, String(v / MOST));
        }
        for (const node of this.root.querySelectorAll("[data-name]")) node.textContent = t(node.dataset.name);
        for (const node of this.root.querySelectorAll("[data-ruler]")) node.textContent = t(`axis_${node.dataset.ruler}`);
        for (const node of this.root.querySelectorAll("[data-out]")) {
            const v = this.values[node.dataset.out];
            node.textContent = v ? `${v > 0 ? "+" : "−"}${Math.abs(v)}` : "0";
        }
        for (const node of [this.reset, ...this.presets]) {
            const { move } = node.dataset;
            node.textContent = t(move ? `move_${move.replace(" ", "_")}` : "camAuto");
            node.setAttribute("aria-pressed", String(this.text === move));
        }
    }
}

// The keys of a live scene, as those of `zoetrope live`: a grid of buttons over the picture.
const KEYS = [
    ["ArrowLeft", "goLeft", "pan left"],
    ["ArrowUp", "up", "tilt up"],
    ["ArrowDown", "down", "tilt down"],
    ["ArrowRight", "goRight", "pan right"],
    ["+", "plus", "zoom in"],
    ["-", "minus", "zoom out"],
    ["[", "turnLeft", "roll left"],
    ["]", "turnRight", "roll right"],
    ["0", "still", ""],
];

export class CameraKeys {
    // moved(words): "" is no move.
    constructor(root, moved) {
        this.root = root;
        this.moved = moved;
        this.buttons = KEYS.map(([key, picture, move]) =>
            el("button", { type: "button", class: "icon-button", "data-key": key, on: { click: () => moved(move) } }, icon(picture)),
        );
        root.append(...this.buttons);
    }

    // 1: the key is one of these.
    press(key) {
        const row = KEYS.find(([name]) => name === key || (name === "+" && key === "="));
        if (row) this.moved(row[2]);
        return Boolean(row);
    }

    draw(camera) {
        const now = camera === "none" ? "" : camera;
        KEYS.forEach(([key, , move], i) => {
            const values = readCamera(move);
            const label = `${sayCamera(values).replace(/ \d+$/, "") || t("camStill")} (${key.replace("Arrow", "")})`;
            this.buttons[i].title = label;
            this.buttons[i].setAttribute("aria-label", label);
            this.buttons[i].setAttribute("aria-pressed", String(sayCamera(readCamera(now) ?? {}) === sayCamera(values)));
        });
    }
}
