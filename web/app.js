// The page: its parts are made, joined, and given the keyboard.
import { Refused, onKeyWanted } from "./api.js";
import { Composer } from "./compose.js";
import { $, calm, icon, lasting } from "./dom.js";
import * as films from "./films.js";
import * as live from "./live.js";
import { Gallery, Viewer } from "./gallery.js";
import { lastFrame, pictureFile } from "./player.js";
import { Queue } from "./queue.js";
import { Stage } from "./stage.js";
import { lang, setLang, t, translate } from "./strings.js";

// ---- telling ----

let toastTimer = 0;
function toast(text) {
    const node = $("#toast");
    node.textContent = text;
    node.dataset.shown = "yes";
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => delete node.dataset.shown, 4000);
}
const fail = (e) => toast(e.message);

// To those who listen, and not too often.
function announce(text) {
    $("#announce").textContent = text;
}

// ---- what can be done ----

const toTop = () => scrollTo({ top: 0, behavior: calm() ? "auto" : "smooth" });

async function ordered(answer) {
    const film = await answer;
    const running = films.queue()[0];
    wanted.add(film.id);
    stage.show(running?.state === "running" ? running.id : film.id);
    toTop();
    announce(t("queued"));
}
const make = (fields, pictures) => ordered(films.make(fields, pictures));
const wanted = new Set(); // films that this tab ordered: they come on the stage

const does = {
    fail,
    again(film) {
        viewer.dialog.close();
        composer.load(film);
        composer.prompt.focus();
        toast(t("recipeLoaded"));
    },
    async take(film) {
        const [seed] = crypto.getRandomValues(new Uint32Array(1));
        viewer.dialog.close();
        await ordered(films.remix(film.id, { seed })).catch(fail);
    },
    async finish(film) {
        viewer.dialog.close();
        await ordered(films.remix(film.id, { draft: false })).catch(fail);
    },
    async extend(film) {
        viewer.dialog.close();
        await ordered(films.extend(film)).catch(fail);
    },
    async useLast(film) {
        try {
            const picture = await lastFrame(film);
            viewer.dialog.close();
            await composer.slots.first.set(picture);
            composer.prompt.focus();
            toast(t("frameLoaded"));
        } catch (e) {
            fail(e);
        }
    },
    async usePicture(picture) {
        if (!picture) return;
        await composer.slots.first.set(await pictureFile(picture, picture.width, picture.height));
        toast(t("pictureLoaded"));
    },
    async remove(film) {
        await films.remove(film.id).then(() => toast(t("removed")), fail);
    },
    open: (id) => viewer.open(id),
    watch(film) {
        if (live.isWatched()) live.leave();
        stage.show(film.id);
        toTop();
    },
    move: (film, place) => films.move(film.id, place).catch(fail),
    cancel: (film) => films.cancel(film.id).catch(fail),
    moveCamera: (words) => composer.moveCamera(words),
    watchLive: () => live.watch().catch(fail),
    endLive: () => live.end().catch(fail),
};

// Why a scene cannot begin is said in the page's language.
async function beginLive(fields) {
    try {
        await live.begin(fields);
    } catch (e) {
        const busy = e instanceof Refused && e.status === 409;
        throw busy ? new Error(t(films.queue().length ? "liveBusy" : "liveTaken")) : e;
    }
    toTop();
    announce(t("liveStarted"));
}

// ---- the parts ----

translate();
const stage = new Stage($("#stage"), does);
const viewer = new Viewer($("#viewer"), does);
const gallery = new Gallery($("#gallery"), does);
const queue = new Queue($("#queue"), does);
const composer = new Composer($("#composer"), { make, say: toast, live: beginLive, wish: live.wish, endLive: live.end });

// What the stage shows by itself: the film that is drawn; when it is done it stays, and the next
// one this tab has ordered takes its place only then.
function chooseStage(film, before) {
    const shown = films.get(stage.id);
    const running = films.queue()[0];
    if (!shown && running) stage.show(running.id);
    else if (!shown && films.gallery().some((f) => f.state === "done")) {
        stage.show(films.gallery().find((f) => f.state === "done").id, { play: false });
    } else if (film?.state === "running" && before?.state === "queued" && shown && films.isOver(shown) && wanted.has(film.id)) {
        stage.show(film.id);
    } else if (!shown) stage.show(null);
}

function tellProgress(film, before) {
    const first = films.queue()[0];
    document.title = first?.state === "running" ? `${Math.round(first.part * 100)} % · zoetrope` : "zoetrope";
    if (!film || !before || film.id !== stage.id) return;
    if (film.state !== before.state && films.isOver(film)) {
        announce({ done: t("done"), failed: `${t("failed")}: ${film.error}`, cancelled: t("cancelled") }[film.state]);
    } else if (Math.floor(film.part * 4) > Math.floor(before.part * 4)) {
        announce(`${Math.round(film.part * 100)} %`);
    }
}

// How a scene ended that was watched here.
let watched = null;
function tellLive(scene) {
    if (live.isWatched()) watched = scene.id;
    else if (scene?.ended && watched === scene.id) {
        watched = null;
        const { code, message } = scene.ended;
        toast(code === "failed" ? message : t(`liveEnded_${code}`));
        announce(t(`liveEnded_${code}`));
    }
    chooseStage();
}

live.on("change", tellLive);
films.on("change", chooseStage);
films.on("change", tellProgress);
films.on("online", (online) => {
    $("#lost").hidden = online;
    document.body.dataset.online = online ? "yes" : "no";
    if (online) announce(t("back"));
});
$("#lost button").addEventListener("click", films.tryNow);

// ---- colours and language ----

function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

function drawTheme() {
    const button = $("#theme");
    button.replaceChildren(icon(isDark() ? "sun" : "moon"));
    button.title = t(isDark() ? "toLight" : "toDark");
    button.setAttribute("aria-label", button.title);
}

$("#theme").addEventListener("click", () => {
    const to = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = to;
    lasting.set("zoetrope-theme", to);
    drawTheme();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawTheme);
$("#lang").addEventListener("click", () => setLang(lang() === "zh" ? "en" : "zh"));
document.addEventListener("zoetrope-lang", () => {
    drawTheme();
    composer.draw();
    for (const part of [stage, queue, gallery]) part.draw();
    viewer.redraw();
});

// ---- keys ----

addEventListener("keydown", (e) => {
    const typing = e.target.matches?.("input, textarea, select");
    if (live.isWatched() && !typing && !viewer.dialog.open && !e.ctrlKey && !e.metaKey && !e.altKey && !e.repeat && stage.keys.press(e.key)) {
        e.preventDefault();
    } else if (e.key === "/" && !typing && !viewer.dialog.open) {
        e.preventDefault();
        composer.prompt.focus();
    } else if (e.key === "Enter" && (e.ctrlKey || e.metaKey) && !typing && !viewer.dialog.open) {
        composer.form.requestSubmit();
    } else if (e.key === "Escape" && typing) {
        e.target.blur();
    }
});

onKeyWanted((wrong) => {
    const dialog = $("#key");
    const input = $("input", dialog);
    $(".key-wrong", dialog).hidden = !wrong;
    input.value = "";
    if (!dialog.open) dialog.showModal();
    return new Promise((done) => {
        $("form", dialog).onsubmit = (e) => {
            e.preventDefault();
            if (!input.value.trim()) return;
            dialog.close();
            done(input.value.trim());
        };
    });
});
$("#key").addEventListener("cancel", (e) => e.preventDefault()); // there is nothing behind it

drawTheme();
setLang(lang());
stage.show(null);
films.keepListening();

// An address with a film opens it as soon as it is known.
const asked = decodeURIComponent(location.hash.slice(1));
if (asked) {
    films.on("change", function open() {
        if (!films.isLoaded()) return;
        if (!viewer.dialog.open && films.get(asked)) viewer.open(asked);
        films.off("change", open);
    });
}
