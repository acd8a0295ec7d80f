// What moves on the stage when no film plays there: a ball behind the slits of a zoetrope while
// nothing is wanted, grain while noise becomes pictures.
import { calm } from "./dom.js";

const W = 672;
const H = 384;
const SLITS = 18;

// Behind each slit is one picture of a ball that jumps, a little later than the one before it.
export function drawIdle(g, time) {
    const pitch = W / SLITS;
    const shift = (time * 0.009) % pitch;
    const first = Math.floor((time * 0.009) / pitch);
    const light = g.createLinearGradient(0, H * 0.1, 0, H * 0.72);
    light.addColorStop(0, "#1a130d");
    light.addColorStop(0.75, "#593819");
    light.addColorStop(1, "#2a1a0d");
    g.fillStyle = "#0a0807";
    g.fillRect(0, 0, W, H);
    for (let i = -1; i <= SLITS; i++) {
        const x = i * pitch + shift + pitch / 2;
        const hop = (((i - first) / 6.5 + time / 2600) % 1 + 1) % 1;
        slit(g, x, pitch * 0.56, light, 4 * hop * (1 - hop));
    }
}

function slit(g, x, width, light, high) {
    const top = H * 0.1;
    const floor = H * 0.62;
    const r = width * 0.36;
    const y = floor - r - high * H * 0.38;
    g.fillStyle = light;
    g.beginPath();
    g.roundRect(x - width / 2, top, width, H * 0.6, width / 2);
    g.fill();
    g.fillStyle = `rgb(0 0 0 / ${0.5 - 0.35 * high})`;
    g.beginPath();
    g.ellipse(x, floor + 2, r * (1 - 0.4 * high), r * 0.22, 0, 0, 7);
    g.fill();
    const ball = g.createRadialGradient(x - r * 0.35, y - r * 0.4, r * 0.1, x, y, r * 1.05);
    ball.addColorStop(0, "#ffe0b0");
    ball.addColorStop(0.4, "#f08a3a");
    ball.addColorStop(1, "#8c2f12");
    g.fillStyle = ball;
    g.beginPath();
    g.arc(x, y, r, 0, 7);
    g.fill();
}

// Grain is drawn once, a few pictures of it, and shuffled.
const grains = [];
function grain(i) {
    while (grains.length < 6) {
        const canvas = document.createElement("canvas");
        canvas.width = 448;
        canvas.height = 256;
        const g = canvas.getContext("2d");
        const picture = g.createImageData(448, 256);
        for (let k = 0; k < picture.data.length; k += 4) {
            const v = Math.random() * 255;
            picture.data[k] = v;
            picture.data[k + 1] = v * 0.9;
            picture.data[k + 2] = v * 0.78;
            picture.data[k + 3] = 255;
        }
        g.putImageData(picture, 0, 0);
        grains.push(canvas);
    }
    return grains[i % grains.length];
}

function contain(g, picture, alpha) {
    const scale = Math.min(W / picture.width, H / picture.height);
    const w = picture.width * scale;
    const h = picture.height * scale;
    g.globalAlpha = alpha;
    g.drawImage(picture, (W - w) / 2, (H - h) / 2, w, h);
    g.globalAlpha = 1;
}

export function drawStill(g, picture) {
    g.imageSmoothingQuality = "high";
    contain(g, picture, 1);
}

// The light behind the first grain.
function lamp(g, time, power) {
    const x = W * (0.5 + 0.06 * Math.sin(time / 2300));
    const y = H * (0.46 + 0.05 * Math.sin(time / 3100));
    const light = g.createRadialGradient(x, y, 0, x, y, W * 0.55);
    light.addColorStop(0, "#b3713399");
    light.addColorStop(0.5, "#4a2c1466");
    light.addColorStop(1, "#0a080700");
    g.globalAlpha = power * (0.94 + 0.06 * Math.sin(time / 130));
    g.fillStyle = light;
    g.fillRect(0, 0, W, H);
    g.globalAlpha = 1;
}

// noise: 1 at the start, 0 at the end. now and before: newest pictures or null, mix: from one to the
// other.
export function drawWork(g, time, { noise, now, before, mix }) {
    g.fillStyle = "#0a0807";
    g.fillRect(0, 0, W, H);
    if (before && mix < 1) contain(g, before, 1);
    if (now) contain(g, now, mix);
    if (!now) lamp(g, time, 1 - noise);
    if (noise <= 0.01) return;
    g.globalAlpha = noise;
    g.drawImage(grain(Math.floor(time / 83)), 0, 0, W, H);
    g.globalAlpha = 1;
}

// Calls draw(g, time) some 15 times a second while it is wanted, as the machine has films to draw; once
// where motion is not wanted.
export class Canvas {
    constructor(canvas) {
        canvas.width = W;
        canvas.height = H;
        this.g = canvas.getContext("2d");
        this.draw = null;
        this.last = 0;
    }

    show(draw) {
        const idle = !this.draw;
        this.draw = draw;
        if (draw && (idle || calm())) requestAnimationFrame((time) => this.tick(time));
    }

    tick(time) {
        if (!this.draw) return;
        if (time - this.last > 62) {
            this.last = time;
            this.draw(this.g, calm() ? 1900 : time);
        }
        if (!calm()) requestAnimationFrame((next) => this.tick(next));
    }
}
