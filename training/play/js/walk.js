// A walk through the network with the picture on the sheet: what it gets, what its first and last maps make of it, what
// excites a map, the answer, and the pixels that mattered. Made of whatever layers the model has.
import { button, canvas, element, find, sides } from "./dom.js";
import { paintMap, paintPixels } from "./colours.js";
import { isStack, largest, plural } from "./engine.js";
import { climbed } from "./climb.js";
import { gradientPanels, occlusionPanel } from "./rests.js";
import { said, wordsOf } from "./verdict.js";
import { Steps } from "./steps.js";

const EARLY_MAPS = 6;
const PARTS = 3;
const ALIKE = 5; // test pictures that excite a map most
const SHARES = 3; // of the answer, the largest
const SMALL = 0.05; // of the picture: what sees less sees spots and edges,
const NEARLY = 0.8; // and what sees more nearly all of it
const PATIENCE = 350; // milliseconds without a change before the patch moves
const PAUSE = 100; // milliseconds between two looks at what is being drawn

export class Walk {
  // room: of the network. Shows the first step at the first update.
  constructor(room) {
    Object.assign(this, { room, engine: room.engine });
    const { layers } = this.engine.content;
    const withFilters = [...layers.keys()].filter((place) => {
      const { filters, rows } = layers[place];
      return filters && rows && isStack(layers[place]);
    });
    [this.first, this.last] = [withFilters[0], withFilters.at(-1)];
    this.steps = new Steps("walk", this.stepsOf(withFilters.length), () => this.draw());
    new IntersectionObserver((entries) => {
      this.isInSight = entries.at(-1).isIntersecting;
      if (this.isOld) this.later();
    }).observe(find("walk-show"));
  }

  stepsOf(count) {
    const steps = [this.picture(), this.answer(), this.reasons()];
    if (count > 1) steps.splice(1, 0, this.parts(), this.excites());
    if (count) steps.splice(1, 0, this.edges());
    return steps;
  }

  // After every answer; bytes null while the sheet is empty. Nothing is drawn out of sight.
  update(pixels, bytes) {
    if (!this.pixels) setTimeout(() => this.steps.go(0), 0); // the page's first answer is not kept waiting
    Object.assign(this, { pixels, bytes, isOld: true });
    this.stop?.();
    this.later();
  }

  later() {
    if (this.waits || !this.isInSight) return;
    this.waits = setTimeout(() => {
      this.waits = null;
      this.draw();
      this.steps.show();
    }, PAUSE);
  }

  draw() {
    this.stop?.();
    this.stop = null;
    this.isOld = false;
    const empty = element("p", { text: "The sheet is empty: draw something." });
    find("walk-show").replaceChildren(...(this.bytes ? this.steps.step.show() : [empty]));
  }

  get name() {
    const { kind } = this.engine.content;
    return kind === "numbers" || !this.bytes ? "the answer" : `\u201c${said(this.engine, this.bytes)}\u201d`;
  }

  picture() {
    const { width, height, channels } = this.engine.content;
    const numbers = (width * height * channels).toLocaleString("en");
    const colour = channels === 3 ? "in colour" : "in grey";
    return {
      name: "the picture",
      says: `All that the network gets is ${width}\u00d7${height} pixels ${colour}: ${numbers} numbers.`,
      todo: "Draw, or choose another picture above: every step follows what is on the sheet.",
      notice: "What you cannot tell in this small picture, the network cannot tell either.",
      show: () => {
        const seen = canvas(width, height, "The picture as the network gets it", "pixels seen-large");
        paintPixels(seen, this.pixels, width, height, channels);
        return [seen];
      },
    };
  }

  edges() {
    const layer = this.engine.content.layers[this.first];
    const [count, ...filter] = layer.filters.shape;
    return {
      name: "spots and edges",
      says:
        `The first layer, ${layer.name}, moves ${count} filters of ${sides(filter)} numbers over the picture. ` +
        "Each makes a map that is bright where the picture looks like the filter.",
      todo: "Choose a map to see its filter.",
      notice: "A filter so small finds no more than spots, edges and their direction, or a colour.",
      show: () => this.strongest(this.first, EARLY_MAPS, true).map((channel) => this.map(this.first, channel)),
    };
  }

  parts() {
    const layer = this.engine.content.layers[this.last];
    const { height, width } = this.engine.content;
    const sees = this.sees(layer, layer.shape[0] >> 1, layer.shape[1] >> 1);
    const size = [sees.bottom - sees.top, sees.right - sees.left];
    const share = (size[0] * size[1]) / (height * width);
    const what = share < SMALL ? "spots and edges" : share < NEARLY ? "parts" : "nearly the whole picture";
    return {
      name: "parts",
      says:
        `${this.last - this.first} layers on, each value of ${layer.name} sees ${sides(size)} pixels of the picture: ` +
        `${what}. It is made of all maps before it.`,
      todo: "Choose a map to see how it was made.",
      notice: `Beside each of the ${PARTS} strongest maps: the part of the picture that its brightest value saw.`,
      show: () => this.strongest(this.last, PARTS).map((channel) => this.part(channel)),
    };
  }

  excites() {
    return {
      name: "what a map looks for",
      says: () =>
        `What is map ${this.shownChannel() + 1} of ${this.engine.content.layers[this.last].name} looking for? ` +
        "It answered this picture strongly; these excite it most.",
      todo: `Move the slider where there is one, or choose a ${this.engine.content.test.noun}.`,
      notice: "What the pictures have in common is what the map stands for, as far as that has a name.",
      show: () => {
        const { room } = this;
        const channel = this.shownChannel();
        const climb = climbed(room, this.last, channel, `What excites map ${channel + 1} more and more`, "h3");
        return [climb || "", this.alike(channel)].filter(Boolean);
      },
    };
  }

  answer() {
    const { content } = this.engine;
    return {
      name: "the answer",
      says: () => `The last layer weighs what all maps found: that makes ${this.name}.`,
      todo: "Change the picture a little and watch the bars.",
      notice:
        content.kind === "shares"
          ? "A large share is not the same as being right: the network has to name something."
          : "The larger the number, the more speaks for it.",
      show: () => this.bars(),
    };
  }

  reasons() {
    return {
      name: "the pixels that mattered",
      says: () =>
        `Which pixels made it ${this.name}? A patch moves over the picture; where it takes something away, ` +
        "the answer needed that.",
      todo: "Choose another class above to see what speaks for that one.",
      notice: "Where the map shines beside the thing itself, the network has learned the surroundings.",
      show: () => {
        const label = largest(this.bytes);
        const place = element("div", { class: "part" });
        const pixels = this.pixels;
        const timer = setTimeout(() => {
          const { panel, stop } = occlusionPanel(this.engine, pixels, label);
          place.replaceChildren(panel);
          this.stop = stop;
        }, PATIENCE);
        this.stop = () => clearTimeout(timer);
        const gradients = gradientPanels(this.engine, this.room.gradients, this.room.picked, label);
        return [place, ...gradients.map((panel) => element("div", { class: "part" }, panel))];
      },
    };
  }

  // Channels of a layer by the largest value of their maps, or by all that is positive in them.
  strongest(place, count, inAll = false) {
    const layer = this.engine.content.layers[place];
    const channels = layer.shape[2];
    const found = new Float64Array(channels);
    this.engine.held(layer).forEach((byte, i) => {
      const value = byte - layer.zero_point;
      if (inAll) found[i % channels] += Math.max(value, 0);
      else if (value > found[i % channels]) found[i % channels] = value;
    });
    const order = Array.from(found.keys()).sort((a, b) => found[b] - found[a]);
    return order.filter((channel) => found[channel] > 0).slice(0, count);
  }

  // The strongest map of the last layer, of those that were climbed if any were.
  shownChannel() {
    const climbs = this.room.ascent?.climbs.filter((climb) => climb.layer === this.last) || [];
    const count = this.engine.content.layers[this.last].shape[2];
    const order = this.strongest(this.last, count);
    return order.find((channel) => climbs.some((climb) => channel < climb.filters)) ?? order[0] ?? 0;
  }

  sees(layer, y, x) {
    const { rows, columns } = layer;
    return { top: rows.first[y], bottom: rows.last[y] + 1, left: columns.first[x], right: columns.last[x] + 1 };
  }

  map(place, channel) {
    const layer = this.engine.content.layers[place];
    const tensor = this.engine.held(layer);
    const picture = canvas(layer.shape[1], layer.shape[0]);
    const most = tensor.reduce((large, one) => Math.max(large, Math.abs(one - layer.zero_point)), 0);
    paintMap(picture, tensor, layer.shape, channel, layer.zero_point, most);
    const open = () => this.room.layers.cards[place].maps[channel].tile.click();
    const words = `Map ${channel + 1} of ${layer.name}: open it below`;
    const tile = button("", open, { class: "walk-map", "aria-label": words });
    tile.append(picture, element("span", { text: `map ${channel + 1}` }));
    return tile;
  }

  // A map of the last layer, and the part of the picture that its brightest value sees.
  part(channel) {
    const layer = this.engine.content.layers[this.last];
    const tensor = this.engine.held(layer);
    const [, columns, channels] = layer.shape;
    let best = 0;
    for (let i = 0; i < tensor.length / channels; i++)
      if (tensor[i * channels + channel] > tensor[best * channels + channel]) best = i;
    const box = this.sees(layer, Math.floor(best / columns), best % columns);
    return element("div", { class: "part" }, this.map(this.last, channel), this.crop(box, channel));
  }

  crop({ top, bottom, left, right }, channel) {
    const { width, channels } = this.engine.content;
    const part = canvas(1, 1, `What the brightest value of map ${channel + 1} sees`, "pixels");
    const rows = Array.from({ length: bottom - top }, (_, y) =>
      this.pixels.subarray(((top + y) * width + left) * channels, ((top + y) * width + right) * channels),
    );
    const pixels = new Uint8Array(rows.length * (right - left) * channels);
    rows.forEach((row, y) => pixels.set(row, y * row.length));
    paintPixels(part, pixels, right - left, bottom - top, channels);
    return part;
  }

  alike(channel) {
    const { room } = this;
    if (!this.engine.content.test.count) return null;
    const title = element("h3", { text: `${plural(this.engine)} that excite it most` });
    if (!room.proof.isWhole)
      return element("div", {}, title, element("p", { class: "quiet", text: "They are still going through." }));
    const { most } = room.proof.exciting(this.last, channel, ALIKE);
    const row = element("div", { class: "pictures" }, ...most.map((index) => room.thumbnail(index)));
    return element("div", {}, title, row);
  }

  bars() {
    const { content } = this.engine;
    const order = Array.from(this.bytes.keys()).sort((a, b) => this.bytes[b] - this.bytes[a]);
    const rows = order.slice(0, SHARES).map((label) => {
      const words = wordsOf(this.engine, this.bytes[label]);
      return element("li", {}, element("strong", { text: content.labels[label] }), ` ${words}`);
    });
    return [element("ul", { class: "walk-bars" }, ...rows)];
  }
}
