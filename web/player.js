// A film that plays: the picture itself starts and stops it, the row of slits below is where it is.
import { icon, setPart } from "./dom.js";
import { reload } from "./films.js";
import { t } from "./strings.js";

export class Player {
    // screen holds the <video>, slits a range input; both are given, so that a page may share them.
    constructor(screen, slits) {
        this.screen = screen;
        this.video = screen.querySelector("video");
        this.slits = slits;
        this.range = slits.querySelector("input");
        this.film = null;
        this.video.addEventListener("click", () => this.toggle());
        this.button = screen.querySelector(".play");
        this.button.addEventListener("click", () => this.toggle());
        for (const event of ["play", "pause", "emptied"]) this.video.addEventListener(event, () => this.showPlaying());
        for (const event of ["timeupdate", "seeked", "loadedmetadata"]) {
            this.video.addEventListener(event, () => this.showPlace());
        }
        this.video.addEventListener("error", () => this.mend());
        this.range.addEventListener("input", () => this.seek());
        const full = screen.querySelector(".full");
        full.append(icon("full"));
        full.addEventListener("click", () => this.fullScreen());
        this.showPlaying();
    }

    // The same film again, with a newer address, goes on as it is.
    load(film, play) {
        if (this.film?.id === film.id) return;
        this.unload();
        this.film = film;
        this.mended = false;
        this.button.hidden = film.still;
        if (film.still) this.video.poster = film.film;
        else this.video.src = film.film;
        this.showPlaying();
        if (play) this.video.play().catch(() => {});
    }

    unload() {
        if (!this.film) return;
        this.film = null;
        this.video.pause();
        this.video.removeAttribute("src");
        this.video.removeAttribute("poster");
        this.video.load();
    }

    toggle() {
        if (this.video.paused) this.video.play().catch(() => {});
        else this.video.pause();
    }

    seek() {
        const { duration } = this.video;
        if (duration) this.video.currentTime = (this.range.valueAsNumber / 1000) * duration * 0.9999;
    }

    showPlace() {
        const { duration, currentTime } = this.video;
        if (!duration) return;
        const part = currentTime / duration;
        this.range.value = String(Math.round(part * 1000));
        this.range.setAttribute("aria-valuetext", `${currentTime.toFixed(1)} / ${duration.toFixed(1)} s`);
        setPart(this.slits, part);
    }

    showPlaying() {
        const { paused } = this.video;
        this.screen.dataset.playing = paused ? "no" : "yes";
        this.button.replaceChildren(icon(paused ? "play" : "pause"));
        this.say();
        if (!paused) this.follow();
    }

    say() {
        this.button.setAttribute("aria-label", t(this.video.paused ? "play" : "pause"));
        if (this.film) this.video.setAttribute("aria-label", t("film", { prompt: this.film.prompt }));
    }

    // While it plays the slits move with every picture of the screen, not four times a second.
    follow() {
        if (this.video.paused || this.video.ended) return;
        this.showPlace();
        requestAnimationFrame(() => this.follow());
    }

    // The address of a film expires; the server gives a new one.
    async mend() {
        if (!this.film || this.mended) return;
        this.mended = true;
        const film = await reload(this.film.id).catch(() => null);
        if (!film?.film || film.id !== this.film?.id) return;
        this.video.src = film.film;
        this.video.play().catch(() => {});
    }

    fullScreen() {
        if (document.fullscreenElement) document.exitFullscreen();
        else this.screen.requestFullscreen?.().catch(() => {});
    }
}

// What is seen there as a file, in its own size.
export async function pictureFile(shown, width, height) {
    const canvas = document.createElement("canvas");
    canvas.width = width;
    canvas.height = height;
    canvas.getContext("2d").drawImage(shown, 0, 0);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/png"));
    return new File([blob], "picture.png", { type: "image/png" });
}

// The last picture of a film as a file.
export async function lastFrame(film) {
    const video = document.createElement("video");
    video.muted = true;
    video.preload = "auto";
    const heard = (event) =>
        new Promise((done, fail) => {
            video.addEventListener(event, done, { once: true });
            video.addEventListener("error", () => fail(new Error(t("filmBad"))), { once: true });
        });
    video.src = film.film;
    await heard("loadeddata");
    const there = heard("seeked");
    video.currentTime = Math.max(0, video.duration - 0.001);
    await there;
    const file = await pictureFile(video, video.videoWidth, video.videoHeight);
    video.removeAttribute("src");
    video.load();
    return file;
}
