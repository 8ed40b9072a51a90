// What is known of one filter: its map, large; its weights; what it sees of the picture; which pictures excite it.
import { button, canvas, element, number, sides } from "./dom.js";
import { paintMap, paintNumbers, paintPixels } from "./colours.js";
import { climbed } from "./climb.js";
import { plural } from "./engine.js";

const EXCITING = 5; // pictures most, and as many least
const MOST_TILES = 64; // of a filter that sees many maps

export class Details {
  // room: {engine, layers, proof, ascent, mark(box or null), take(rows), pick(index)}
  constructor(room) {
    this.room = room;
    this.panel = null;
  }

  get isOpen() {
    return this.panel !== null;
  }

  close() {
    this.panel?.remove();
    this.panel = null;
    this.room.mark(null);
    this.tile?.classList.remove("open");
    this.tile?.setAttribute("aria-expanded", "false");
  }

  open(place, channel) {
    const again = this.isOpen && this.place === place && this.channel === channel;
    this.close();
    if (again) return;
    Object.assign(this, { place, channel, layer: this.room.engine.content.layers[place] });
    const card = this.room.layers.cards[place];
    if (card.isOld) this.room.layers.refresh(card); // opened from elsewhere, before it was in sight
    this.tile = card.maps[channel].tile;
    this.tile.classList.add("open");
    this.tile.setAttribute("aria-expanded", "true");
    this.picture = canvas(this.layer.shape[1], this.layer.shape[0], `Map ${channel + 1} of ${this.layer.name}, large`);
    this.value = element("p", {
      class: "quiet value",
      text: "Point at the map: the frame on your picture is all that this value sees.",
    });
    this.panel = element(
      "div",
      { class: "details", role: "region", "aria-label": `Map ${channel + 1} of ${this.layer.name}` },
      element(
        "div",
        { class: "row head" },
        element("h4", { text: `Map ${channel + 1} of ${this.layer.name}` }),
        button("Close", () => {
          const { tile } = this;
          this.close();
          tile.focus();
        }),
      ),
      element(
        "div",
        { class: "columns" },
        element("div", {}, element("h5", { text: "What it made of your picture" }), this.picture, this.value),
        this.filter(),
        this.exciting(),
        climbed(this.room, place, channel, `What excites map ${channel + 1} more and more`) || "",
      ),
    );
    card.card.append(this.panel);
    this.watch();
    this.update();
    this.panel.scrollIntoView({
      block: "nearest",
      behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth",
    });
  }

  update() {
    if (!this.isOpen) return;
    const { engine, layers } = this.room;
    const tensor = engine.held(this.layer);
    paintMap(
      this.picture,
      tensor,
      this.layer.shape,
      this.channel,
      this.layer.zero_point,
      layers.cards[this.place].most,
    );
  }

  // Pointing at the map, or the arrow keys on it, show what one of its values sees.
  watch() {
    const [height, width] = this.layer.shape;
    const at = { x: width >> 1, y: height >> 1 };
    this.picture.tabIndex = 0;
    const show = () => this.point(at.y, at.x);
    this.picture.addEventListener("pointermove", (event) => {
      const box = this.picture.getBoundingClientRect();
      at.x = Math.min(Math.max(Math.floor(((event.clientX - box.left) / box.width) * width), 0), width - 1);
      at.y = Math.min(Math.max(Math.floor(((event.clientY - box.top) / box.height) * height), 0), height - 1);
      show();
    });
    this.picture.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!by) return;
      event.preventDefault();
      at.x = Math.min(Math.max(at.x + by[0], 0), width - 1);
      at.y = Math.min(Math.max(at.y + by[1], 0), height - 1);
      show();
    });
    this.picture.addEventListener("focus", show);
    this.picture.addEventListener("pointerleave", () => this.room.mark(null));
    this.picture.addEventListener("blur", () => this.room.mark(null));
  }

  point(y, x) {
    const { layer, room } = this;
    const byte = room.engine.held(layer)[(y * layer.shape[1] + x) * layer.shape[2] + this.channel];
    const real = number(layer.scale * (byte - layer.zero_point));
    this.value.textContent = `Row ${y + 1}, column ${x + 1}: ${real} (byte ${byte}).`;
    if (!layer.rows) return;
    const box = {
      top: layer.rows.first[y],
      bottom: layer.rows.last[y] + 1,
      left: layer.columns.first[x],
      right: layer.columns.last[x] + 1,
    };
    room.mark(box);
    this.value.textContent += ` It sees ${sides([box.bottom - box.top, box.right - box.left])} pixels of your picture, the frame on it.`;
  }

  filter() {
    const { layer, channel, room } = this;
    if (!layer.filters) return "";
    const [, height, width, channels] = layer.filters.shape;
    const numbers = room.engine.filter(layer, channel);
    const most = numbers.reduce((large, one) => Math.max(large, Math.abs(one)), 0);
    const shown = Math.min(channels, MOST_TILES);
    const tiles = Array.from({ length: shown }, (_, c) => {
      const tile = canvas(width, height, "", "pixels tile");
      paintNumbers(tile, numbers, width, height, most, channels, c);
      return tile;
    });
    const words =
      channels === 1
        ? `Its ${height * width} numbers`
        : `Its ${channels} tables of ${height}\u00d7${width}, one for each map before it${shown < channels ? `; the first ${shown}` : ""}`;
    const table =
      channels === 1
        ? this.table(numbers, height, width)
        : element(
            "div",
            {
              class: "tiles-of-filter",
              role: "img",
              "aria-label": `${channels} tables of weights, warm where they are positive and blue where they are negative`,
            },
            ...tiles,
          );
    const fromPicture = layer.inputs[0] === -1 && channels === 1;
    return element(
      "div",
      {},
      element("h5", { text: words }),
      table,
      element("p", { class: "quiet", text: "Warm: bright there excites it. Blue: bright there calms it." }),
      fromPicture ? button("Try it in the convolution room", () => room.take(this.rows(numbers, height, width))) : "",
    );
  }

  rows(numbers, height, width) {
    return Array.from({ length: height }, (_, i) =>
      Array.from({ length: width }, (_, j) => +numbers[i * width + j].toFixed(3)),
    );
  }

  table(numbers, height, width) {
    const most = numbers.reduce((large, one) => Math.max(large, Math.abs(one)), 0) || 1;
    const cells = this.rows(numbers, height, width).map((row) =>
      element(
        "tr",
        {},
        ...row.map((one) => {
          const cell = element("td", { class: one < 0 ? "cold" : "warm", text: number(one, 2) });
          cell.style.setProperty("--heat", Math.abs(one) / most);
          return cell;
        }),
      ),
    );
    return element(
      "table",
      { class: "weights" },
      element("caption", { class: "visually-hidden", text: "The numbers of the filter" }),
      element("tbody", {}, ...cells),
    );
  }

  exciting() {
    const { room, place, channel } = this;
    if (!room.engine.content.test.count) return "";
    if (!room.proof.isWhole)
      return element(
        "div",
        {},
        element("p", {
          class: "quiet",
          text: `The ${room.engine.content.test.noun}s are still going through; open this again in a moment.`,
        }),
      );
    const { most, least } = room.proof.exciting(place, channel, EXCITING);
    const row = (title, list) =>
      element(
        "div",
        {},
        element("h5", { text: title }),
        element("div", { class: "pictures" }, ...list.map((index) => room.thumbnail(index))),
      );
    return element("div", {}, row(`${plural(room.engine)} that excite it most`, most), row("and least", least));
  }
}

// A test picture as a button that puts it on the sheet.
export function thumbnail(engine, index, pick) {
  const { content } = engine;
  const picture = canvas(content.width, content.height);
  paintPixels(picture, engine.picture(index), content.width, content.height, content.channels);
  const label = engine.nameOf(index);
  const words = content.labels[content.test.labels[index]] ? `Picture ${index + 1}, ${label}` : label;
  return element(
    "button",
    {
      type: "button",
      class: "thumbnail",
      title: label,
      "aria-label": `${words}: show it`,
      onclick: () => pick(index),
    },
    picture,
  );
}
