// The sheet one draws on: strokes, pictures and the camera become the pixels (H,W,C) that the network gets.
import { fitted, averaged, prepared } from "./fit.js";
import { paintPixels } from "./colours.js";
import { find } from "./dom.js";

const SHEET_SIDE = 280; // of the sheet, about, in pixels
const UNNOTICED = 3; // of 255: what a browser may change in a pixel unnoticed

export class Sheet {
  // content: of the model. surface: the canvas; changed(): called whenever there are other pixels.
  constructor(content, surface, changed) {
    Object.assign(this, { content, surface, changed });
    this.times = Math.max(1, Math.round(SHEET_SIDE / Math.max(content.width, content.height)));
    surface.width = content.width * this.times;
    surface.height = content.height * this.times;
    this.context = surface.getContext("2d", { willReadFrequently: true });
    this.fit = content.ink !== null;
    this.cursor = { x: surface.width / 2, y: surface.height / 2, down: false };
    this.mark = find("pen"); // where the arrow keys have moved it
    this.listen();
    this.clear();
  }

  get pen() {
    const { cover } = this.content;
    const shade = cover.reduce((sum, one) => sum + one, 0) / cover.length < 128 ? 255 : 0; // seen on an empty sheet
    return { width: Math.max(this.surface.width / 9, 2), style: `rgb(${shade},${shade},${shade})` };
  }

  // Whether what is drawn can be read: browsers that guard against being recognised give noise instead.
  get isRead() {
    this.context.fillStyle = "rgb(40,120,200)";
    this.context.fillRect(0, 0, 8, 8);
    const { data } = this.context.getImageData(0, 0, 8, 8);
    this.clear();
    return data.every((value, i) => Math.abs(value - [40, 120, 200, 255][i % 4]) <= UNNOTICED);
  }

  clear() {
    const { cover } = this.content;
    this.context.fillStyle = `rgb(${[0, 1, 2].map((i) => cover[i % cover.length]).join(",")})`;
    this.context.fillRect(0, 0, this.surface.width, this.surface.height);
    this.exact = null;
    this.drawn = true;
    this.empty = true;
    this.changed();
  }

  // A picture of the model's own size, byte for byte: uint8 (H,W,C).
  show(pixels) {
    const small = document.createElement("canvas");
    paintPixels(small, pixels, this.content.width, this.content.height, this.content.channels);
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(small, 0, 0, this.surface.width, this.surface.height);
    this.exact = pixels.slice();
    this.drawn = this.empty = false;
    this.changed();
  }

  // Anything drawable of any size, stretched, as pictures are for training.
  photo(image) {
    this.context.imageSmoothingEnabled = true;
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(image, 0, 0, this.surface.width, this.surface.height);
    this.exact = null;
    this.empty = false;
    this.drawn = this.content.ink !== null;
    if (this.drawn) prepared(this.context, this.surface.width, this.surface.height);
    this.changed();
  }

  stroke(from, to) {
    const { context, pen } = this;
    Object.assign(context, { strokeStyle: pen.style, lineWidth: pen.width, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from.x === to.x && from.y === to.y ? 0.1 : 0));
    context.stroke();
    this.exact = null;
    this.empty = false;
    this.changed();
  }

  // What the network gets, uint8 (H,W,C).
  pixels() {
    if (this.exact) return this.exact;
    const { width, height, channels, ink } = this.content;
    const source = ink && this.fit && this.drawn && !this.empty ? fitted(this.surface, this.content) : this.surface;
    return averaged(source, width, height, channels);
  }

  at(event) {
    const box = this.surface.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * this.surface.width,
      y: ((event.clientY - box.top) / box.height) * this.surface.height,
    };
  }

  listen() {
    const { surface } = this;
    let last = null;
    surface.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      if (!event.isPrimary || event.button > 0) return; // a second finger, another button
      surface.focus({ preventScroll: true });
      this.mark.hidden = true;
      surface.setPointerCapture(event.pointerId);
      if (!this.drawn && this.content.ink) this.clear();
      last = this.at(event);
      this.stroke(last, last);
    });
    surface.addEventListener("pointermove", (event) => {
      if (!last || !event.isPrimary) return;
      const between = event.getCoalescedEvents?.() || [];
      for (const each of between.length ? between : [event]) {
        const to = this.at(each);
        this.stroke(last, to);
        last = to;
      }
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"])
      surface.addEventListener(name, () => {
        last = null;
      });
    surface.addEventListener("keydown", (event) => this.key(event));
    surface.addEventListener("blur", () => {
      this.mark.hidden = true;
    });
  }

  showPen() {
    const { cursor, mark, surface, pen } = this;
    mark.hidden = false;
    mark.classList.toggle("down", cursor.down);
    const share = (value, of) => `${(100 * value) / of}%`;
    Object.assign(mark.style, {
      left: share(cursor.x, surface.width),
      top: share(cursor.y, surface.height),
      width: share(pen.width, surface.width),
      height: share(pen.width, surface.height),
    });
  }

  // Arrow keys move the pen, the space bar sets it down or lifts it, Delete clears.
  key(event) {
    const step = this.surface.width / 28;
    const by = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (by) {
      const from = { x: this.cursor.x, y: this.cursor.y };
      this.cursor.x = Math.min(Math.max(from.x + by[0], 0), this.surface.width);
      this.cursor.y = Math.min(Math.max(from.y + by[1], 0), this.surface.height);
      if (this.cursor.down) this.stroke(from, this.cursor);
    } else if (event.key === " ") {
      this.cursor.down = !this.cursor.down;
      if (this.cursor.down) {
        if (!this.drawn && this.content.ink) this.clear();
        this.stroke(this.cursor, this.cursor);
      }
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else return;
    this.showPen();
    event.preventDefault();
  }
}
