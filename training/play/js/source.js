// Which picture is filtered: one that came with the page, a test picture, a file, or a still of the camera; always grey.
import { element, find } from "./dom.js";
import { unpackPictures } from "./data.js";
import { Camera, square } from "./camera.js";
import { averaged } from "./fit.js";

const SIDE = 256; // of a file's shorter side at most, in pixels
const EXAMPLES = 8;

export class Source {
  // changed(picture): {width, height, pixels} to filter from now on.
  static async open(lab, engine, changed) {
    const pictures = [];
    for (const { name, width, height, pixels } of lab.pictures) {
      pictures.push({ name, width, height, pixels: await unpackPictures(pixels, width, 1) });
    }
    const { content } = engine;
    const step = Math.max(1, Math.floor(content.test.count / EXAMPLES));
    for (let i = 0; i < Math.min(EXAMPLES, content.test.count); i++) {
      const isNamed = content.labels[content.test.labels[i * step]];
      pictures.push({
        name: `${isNamed ? "picture: " : ""}${engine.nameOf(i * step)}`,
        width: content.width,
        height: content.height,
        pixels: grey(engine.picture(i * step), content.channels),
      });
    }
    return new Source(pictures, changed);
  }

  constructor(pictures, changed) {
    Object.assign(this, { pictures, changed, picture: pictures[0] });
    const list = find("picture");
    list.replaceChildren(...pictures.map(({ name }) => element("option", { text: name })));
    list.addEventListener("change", () => this.choose(pictures[list.selectedIndex]));
    find("picture-file").addEventListener("change", async (event) => {
      const [file] = event.target.files;
      event.target.value = "";
      if (!file) return;
      try {
        this.add(file.name, fromImage(await createImageBitmap(file)));
      } catch {
        find("picture-note").textContent = `${file.name} is no picture that this browser can read.`;
      }
    });
    this.camera = new Camera(
      (image) => this.choose(fromImage(square(image, image.width, image.height))),
      (reason) => {
        find("picture-note").textContent = reason;
      },
    );
    const still = find("picture-camera");
    still.addEventListener("click", async () => {
      if (this.camera.isOn) {
        this.camera.stop();
        this.add("from the camera", this.picture);
      } else await this.camera.start();
      still.textContent = this.camera.isOn ? "Keep this picture" : "Camera";
    });
  }

  add(name, picture) {
    this.pictures.push({ ...picture, name });
    find("picture").append(element("option", { text: name }));
    find("picture").selectedIndex = this.pictures.length - 1;
    this.choose(this.pictures.at(-1));
  }

  choose(picture) {
    this.picture = picture;
    this.changed(picture);
  }
}

function grey(pixels, channels) {
  if (channels === 1) return pixels.slice();
  return Uint8Array.from({ length: pixels.length / 3 }, (_, i) => {
    return Math.round(0.299 * pixels[3 * i] + 0.587 * pixels[3 * i + 1] + 0.114 * pixels[3 * i + 2]);
  });
}

function fromImage(image) {
  const scale = Math.min(1, SIDE / Math.min(image.width, image.height));
  const [width, height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
  const small = document.createElement("canvas");
  Object.assign(small, { width, height });
  const context = small.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  return { width, height, pixels: averaged(small, width, height, 1) };
}
