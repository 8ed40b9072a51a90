// The convolution room: a picture through a filter, pooled, and through a second filter, redrawn at every change.
import { element, find } from "./dom.js";
import { paintPixels } from "./colours.js";
import { convolve, frame, pool, quantize } from "./convolution.js";
import { explainPixel, explainPool } from "./probe.js";
import { Numbers } from "./numbers.js";
import { Source } from "./source.js";
import { Path } from "./path.js";
import { followed } from "./pointer.js";

export class ConvolutionRoom {
  static async open(lab, engine) {
    const room = new ConvolutionRoom();
    room.source = await Source.open(lab, engine, () => room.redraw());
    room.start(lab);
    return room;
  }

  start(lab) {
    this.presets = lab.filters;
    find("second").replaceChildren(
      element("option", { text: "no second filter", value: "" }),
      ...lab.filters.map(({ name }) => element("option", { text: name.replaceAll("-", " "), value: name })),
    );
    this.numbers = new Numbers(lab.filters, () => this.redraw());
    for (const id of ["stride", "padding", "negatives", "pooling", "second", "int8"]) {
      find(id).addEventListener("change", () => this.redraw());
    }
    followed(
      find("filtered"),
      (y, x) => this.pointFiltered(y, x),
      () => this.unpoint(),
    );
    followed(
      find("original"),
      (y, x) => this.pointOriginal(y, x),
      () => this.unpoint(),
    );
    followed(
      find("pooled"),
      (y, x) => this.pointPooled(y, x),
      () => this.unpoint(),
    );
    this.path = new Path(this);
    this.redraw();
    this.pointFiltered(this.made.filtered.height >> 1, this.made.filtered.width >> 1);
    this.unpoint();
  }

  // A filter from elsewhere.
  take(rows) {
    this.numbers.natural = false;
    this.numbers.set(rows, 1);
  }

  get options() {
    return {
      stride: Number(find("stride").value),
      padding: find("padding").value,
      negatives: find("negatives").value,
      int8: find("int8").checked,
    };
  }

  redraw() {
    if (!this.numbers?.filter || !this.source) return;
    const { picture } = this.source;
    const { filter } = this.numbers;
    const { options } = this;
    const out = frame(picture, filter.rows, options.stride, options.padding);
    const begun = performance.now();
    const filtered = convolve(picture, filter, options);
    const took = performance.now() - begun;
    const pooling = find("pooling").value;
    const pooled = pooling ? pool(filtered, pooling) : null;
    const preset = this.presets.find(({ name }) => name === find("second").value);
    const second = preset ? convolve(pooled || filtered, preset, { ...options, stride: 1 }) : null;
    this.made = { picture, filter, options, out, filtered, pooled, pooling, second };
    show("original", picture, "the picture");
    show("filtered", filtered, "filtered");
    show("pooled", pooled, pooling === "average" ? "the mean of each 2\u00d72" : "the largest of each 2\u00d72");
    show("seconds", second, `through the second filter, ${preset?.name.replaceAll("-", " ")}`);
    find("redrawn").textContent =
      `${(filtered.width * filtered.height).toLocaleString("en")} pixels in ${took.toFixed(1)} ms`;
    this.chip(picture, filter, options, filtered);
    this.explain();
  }

  // What int8 makes of the filter, and how many pixels it changes.
  chip(picture, filter, options, filtered) {
    find("negatives").disabled = options.int8;
    find("chip").hidden = !options.int8;
    if (!options.int8) {
      show("difference", null);
      return;
    }
    if (options.negatives === "absolute") find("negatives").value = "clamp";
    const { rows, scale } = quantize(filter);
    const plain = convolve(picture, filter, { ...options, int8: false });
    let [count, most] = [0, 0];
    const marks = Uint8Array.from(plain.pixels, (value, i) => {
      const by = Math.abs(value - filtered.pixels[i]);
      count += by > 0;
      most = Math.max(most, by);
      return by ? 255 : 0;
    });
    const text = rows
      .map((row) => row.join(" "))
      .join(" / ")
      .replaceAll("-", "\u2212");
    find("chip").textContent =
      `Weights of one byte: ${text}, times ${+scale.toPrecision(4)}. ` +
      (count
        ? `${count.toLocaleString("en")} of ${plain.pixels.length.toLocaleString("en")} pixels differ from floating point, by ${most} at most: ` +
          "the chip rounds where the loop cuts fractions off, and its weights have 255 values. They are marked below."
        : "Not one pixel differs from floating point.");
    show("difference", count ? { ...plain, pixels: marks } : null, "where int8 differs");
  }

  pointFiltered(y, x) {
    const { filter, options, out } = this.made;
    this.mark(
      "original-frame",
      this.made.picture,
      y * options.stride + out.top,
      x * options.stride + out.left,
      filter.rows.length,
      filter.rows[0].length,
    );
    this.mark("filtered-frame", this.made.filtered, y, x, 1, 1);
    this.explained = { y, x, isPooled: false };
    this.explain();
  }

  // The pixel of the filtered picture that has this one in its middle.
  pointOriginal(y, x) {
    const { options, out, filter, filtered } = this.made;
    const at = (value, start, k, most) =>
      Math.min(Math.max(Math.round((value - ((k - 1) >> 1) - start) / options.stride), 0), most - 1);
    this.pointFiltered(
      at(y, out.top, filter.rows.length, filtered.height),
      at(x, out.left, filter.rows[0].length, filtered.width),
    );
  }

  pointPooled(y, x) {
    if (!this.made.pooled) return;
    this.mark("filtered-frame", this.made.filtered, 2 * y, 2 * x, 2, 2);
    this.explained = { y, x, isPooled: true };
    this.explain();
  }

  // The pixel that was pointed at last, by hand, with the numbers of now.
  explain() {
    if (!this.explained) return;
    const { filtered, pooled, pooling } = this.made;
    const isPooled = this.explained.isPooled && pooled;
    const { height, width } = isPooled ? pooled : filtered;
    const [y, x] = [Math.min(this.explained.y, height - 1), Math.min(this.explained.x, width - 1)];
    if (isPooled) explainPool(filtered, pooled, pooling, y, x);
    else explainPixel(this.made, y, x);
  }

  unpoint() {
    for (const name of ["original-frame", "filtered-frame"]) find(name).hidden = true;
  }

  mark(id, picture, top, left, height, width) {
    const share = (value, of) => `${(100 * value) / of}%`;
    find(id).hidden = false;
    Object.assign(find(id).style, {
      top: share(top, picture.height),
      height: share(height, picture.height),
      left: share(left, picture.width),
      width: share(width, picture.width),
    });
  }
}

// A picture with its size along its sides; without a picture its figure is hidden.
function show(id, picture, words) {
  const target = find(id);
  target.closest("figure").hidden = !picture;
  target.hidden = !picture;
  if (!picture) return;
  paintPixels(target, picture.pixels, picture.width, picture.height, 1);
  target.setAttribute("aria-label", `${words}, ${picture.width} by ${picture.height} pixels`);
  const figure = target.closest("figure");
  figure.querySelector("figcaption").textContent = `${words}, ${picture.width}\u00d7${picture.height}`;
  figure
    .querySelector(".across")
    .replaceChildren(...[0, picture.width >> 1, picture.width].map((at) => element("span", { text: at })));
  figure
    .querySelector(".down")
    .replaceChildren(...[0, picture.height >> 1, picture.height].map((at) => element("span", { text: at })));
}
