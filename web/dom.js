// Elements, icons, and what a browser may refuse to keep. Text goes in as text, never as markup.

export const $ = (selector, root = document) => root.querySelector(selector);

// el("p", { class: "note", text: job.error, on: { click } }, child, ...): null children are left out.
export function el(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
        if (value === undefined || value === null || value === false) continue;
        if (name === "class") node.className = value;
        else if (name === "text") node.textContent = value;
        else if (name === "on") for (const [event, fn] of Object.entries(value)) node.addEventListener(event, fn);
        else if (name in node && typeof value === "boolean") node[name] = value;
        else node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter(Boolean));
    return node;
}

// Strokes on a grid of 24.
const ICONS = {
    again: "M4 12a8 8 0 1 0 2.6-5.9M4 4v4h4",
    take: "M4 7h3.2c1.5 0 2.4.7 3.2 2l3.2 6c.8 1.3 1.7 2 3.2 2H20M17 14l3 3-3 3M4 17h3.2c1.5 0 2.4-.7 3.2-2M13.6 9c.8-1.3 1.7-2 3.2-2H20M17 4l3 3-3 3",
    frame: "M4 5h16v14H4zM9 5v14M15 5v14",
    extend: "M4 6h8v12H4zM15 12h6M18 9l3 3-3 3",
    download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
    remove: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
    close: "M6 6l12 12M18 6L6 18",
    up: "M12 19V5M6 11l6-6 6 6",
    down: "M12 5v14M6 13l6 6 6-6",
    left: "M15 5l-7 7 7 7",
    right: "M9 5l7 7-7 7",
    dice: "M5 5h14v14H5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
    picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
    play: "M8 5l11 7-11 7z",
    pause: "M9 5v14M15 5v14",
    full: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
    sliders: "M4 8h9M17 8h3M4 16h3M11 16h9M15 6v4M9 14v4",
    sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
    goLeft: "M19 12H5M11 6l-6 6 6 6",
    goRight: "M5 12h14M13 6l6 6-6 6",
    plus: "M12 5v14M5 12h14",
    minus: "M5 12h14",
    turnLeft: "M5 9a8 8 0 1 1-1 6M5 4v5h5",
    turnRight: "M19 9a8 8 0 1 0 1 6M19 4v5h-5",
    still: "M8 8h8v8H8z",
    camera: "M3 7h11v10H3zM14 11l7-4v10l-7-4M6.5 10h.01",
    live: "M12 11a1 1 0 1 0 0 2 1 1 0 0 0 0-2M8.5 8.5a5 5 0 0 0 0 7M15.5 8.5a5 5 0 0 1 0 7M5.5 5.5a9 9 0 0 0 0 13M18.5 5.5a9 9 0 0 1 0 13",
    finish: "M4 12l5 5L20 6",
    moon: "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",
};

export function icon(name) {
    const ns = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(ns, "svg");
    const path = document.createElementNS(ns, "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", "icon");
    path.setAttribute("d", ICONS[name]);
    svg.append(path);
    return svg;
}

// A drawer that may be locked: what cannot be kept is forgotten, and nothing breaks.
export function drawer(storage) {
    return {
        get(name) {
            try {
                return storage().getItem(name);
            } catch {
                return null;
            }
        },
        set(name, value) {
            try {
                if (value === null) storage().removeItem(name);
                else storage().setItem(name, value);
            } catch {
                // as if it had been kept
            }
        },
    };
}
export const lasting = drawer(() => localStorage);
export const ofTab = drawer(() => sessionStorage);

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

// A share of the whole, 0..1, for the rows of slits.
export function setPart(node, part) {
    node.style.setProperty("--part", String(Math.min(1, Math.max(0, part || 0))));
}
