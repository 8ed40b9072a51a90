// The network room: a sheet to draw on, the answer, every map of every layer, and why.
import { button, element, find } from "./dom.js";
import { paintHeat, paintPixels } from "./colours.js";
import { Sheet } from "./sheet.js";
import { Camera, square } from "./camera.js";
import { Verdict } from "./verdict.js";
import { Layers } from "./layers.js";
import { Details, thumbnail } from "./details.js";
import { Proof } from "./proof.js";
import { climbed } from "./climb.js";
import { gradientPanels, occlusionPanel } from "./rests.js";
import { Walk } from "./walk.js";

export class NetworkRoom {
  // ascent, gradients: what Keras made, null and [] without. take(rows): a filter goes to the convolution room.
  // answered(pixels, bytes): after every answer.
  constructor(engine, { ascent, gradients }, take, answered) {
    Object.assign(this, { engine, ascent, gradients, take, answered });
    this.verdict = new Verdict(engine, (label) => this.why(label));
    this.proof = new Proof(engine);
    this.layers = new Layers(engine, (place, channel) => this.details.open(place, channel));
    this.details = new Details(this);
    this.walk = new Walk(this);
    this.wanted = false;
    this.sheet = new Sheet(engine.content, find("sheet"), () => this.soon());
    this.camera = new Camera(
      (image) => this.sheet.photo(image),
      (reason) => this.say(reason),
    );
    this.controls();
    this.first();
  }

  // A test picture, so that there is something to see at once; a model from elsewhere came without.
  first() {
    const { isRead } = this.sheet;
    if (this.engine.content.test.count) this.pick(0);
    else this.say("This model came without pictures: draw, drop a picture here, or use the camera.");
    if (!isRead) this.say("This browser guards canvases: what you draw reaches the network as noise. Pictures that came with it do not.");
    this.answer();
    this.proof.run();
  }

  controls() {
    const { content } = this.engine;
    find("clear").addEventListener("click", () => {
      this.stopCamera();
      this.sheet.clear();
    });
    find("another").hidden = !content.test.count;
    find("another").addEventListener("click", () => this.pick(Math.floor(Math.random() * content.test.count)));
    find("own").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      if (file) await this.file(file);
      event.target.value = "";
    });
    find("camera").addEventListener("click", async () => {
      if (this.camera.isOn) this.stopCamera();
      else await this.camera.start();
      find("camera").textContent = this.camera.isOn ? "Keep this picture" : "Camera";
    });
    find("fit").checked = content.ink !== null;
    find("fit-row").hidden = content.ink === null;
    find("fit").addEventListener("change", (event) => {
      this.sheet.fit = event.target.checked;
      this.soon();
    });
    find("to-try").replaceChildren(...content.test.to_try.map((index) => this.thumbnail(index)));
    const easel = find("easel");
    easel.addEventListener("dragover", (event) => event.preventDefault());
    easel.addEventListener("drop", (event) => {
      event.preventDefault();
      if (event.dataTransfer.files[0]) this.file(event.dataTransfer.files[0]);
    });
  }

  async file(file) {
    this.stopCamera();
    try {
      const image = await createImageBitmap(file);
      this.sheet.photo(framed(this.engine, image));
    } catch {
      this.say(`${file.name} is no picture that this browser can read.`);
    }
  }

  stopCamera() {
    this.camera.stop();
    find("camera").textContent = "Camera";
  }

  thumbnail(index) {
    return thumbnail(this.engine, index, (chosen) => this.pick(chosen));
  }

  pick(index) {
    this.stopCamera();
    this.sheet.show(this.engine.picture(index));
    this.last = { index, pixels: this.sheet.exact };
  }

  // The test picture on the sheet; null where it is something else.
  get picked() {
    return this.last && this.sheet.exact === this.last.pixels ? this.last.index : null;
  }

  // An answer before the next picture of the screen, however often it is asked for until then.
  soon() {
    if (this.wanted) return;
    this.wanted = true;
    requestAnimationFrame(() => {
      if (this.wanted) this.answer();
    });
  }

  answer() {
    this.wanted = false;
    const pixels = this.sheet.pixels();
    const begun = performance.now();
    const bytes = this.engine.answer(pixels, true);
    const took = performance.now() - begun;
    this.engine.hold();
    const { width, height, channels } = this.engine.content;
    paintPixels(find("seen"), pixels, width, height, channels);
    this.verdict.show(this.sheet.empty ? null : bytes, took);
    this.layers.update();
    this.details.update();
    this.walk.update(pixels, this.sheet.empty ? null : bytes);
    this.mark(null);
    this.forget();
    this.answered?.(pixels, bytes, took);
    return bytes;
  }

  // Why the network says a class, or does not: a heat over the picture, and the picture that excites the class most.
  why(label) {
    const { engine } = this;
    const { width, height, labels, layers } = engine.content;
    const name = labels[label];
    this.stopOcclusion?.();
    const { panel, stop } = occlusionPanel(engine, this.sheet.pixels(), label, (shares) => {
      paintHeat(find("heat"), shares, width, height);
      find("heat").hidden = false;
    });
    const place = layers.findLastIndex((layer) => layer.op === "FULLY_CONNECTED");
    find("why").replaceChildren(
      element(
        "div",
        { class: "row head" },
        element("h3", { text: `What speaks for \u201c${name}\u201d` }),
        button("Close", () => {
          this.forget();
          this.verdict.focus(label);
        }),
      ),
      element(
        "div",
        { class: "columns" },
        panel,
        ...gradientPanels(engine, this.gradients, this.picked, label),
        climbed(this, place, label, `What the network takes for a perfect \u201c${name}\u201d`, "h4") || "",
      ),
    );
    find("why").hidden = false;
    find("why").scrollIntoView({ block: "nearest" });
    this.explained = true;
    this.stopOcclusion = stop;
  }

  forget() {
    this.stopOcclusion?.();
    find("heat").hidden = true;
    find("why").hidden = true;
    if (this.explained) find("why").replaceChildren();
    this.explained = false;
  }

  // A frame around a part of the picture, in its pixels; null takes it away.
  mark(box) {
    const frame = find("frame");
    frame.hidden = !box;
    if (!box) return;
    const { width, height } = this.engine.content;
    const share = (value, of) => `${(100 * value) / of}%`;
    Object.assign(frame.style, {
      left: share(box.left, width),
      width: share(box.right - box.left, width),
      top: share(box.top, height),
      height: share(box.bottom - box.top, height),
    });
  }

  say(text) {
    find("note").textContent = text;
  }
}

// Drawn data sets want the middle of a photograph, the others all of it, stretched as for training.
function framed(engine, image) {
  return engine.content.ink ? square(image, image.width, image.height) : image;
}
