// The layers one after the other, each with all of its maps; a click on a map opens what is known of its filter.
import { arrows, canvas, element, find, number, sides } from "./dom.js";
import { paintMap } from "./colours.js";
import { isStack, size } from "./engine.js";

const WORDS_MS = 150; // between two looks at the words below the maps
const WORDS = {
  CONV_2D: "convolution",
  DEPTHWISE_CONV_2D: "convolution, map by map",
  MAX_POOL_2D: "the largest of each block",
  AVERAGE_POOL_2D: "the mean of each block",
  FULLY_CONNECTED: "every number with every other, weighted",
  RESHAPE: "the same numbers, in one row",
  SOFTMAX: "scores become shares of 100 %",
  ADD: "two stacks of maps, added",
  MEAN: "the mean of every map",
};

export class Layers {
  // opened(place, channel): a map was clicked.
  constructor(engine, opened) {
    this.engine = engine;
    this.cards = engine.content.layers.map((layer, place) => this.card(layer, place, opened));
    find("layers").replaceChildren(...this.cards.map(({ card }) => card));
    this.watch();
  }

  card(layer, place, opened) {
    const isMaps = isStack(layer);
    const channels = isMaps ? layer.shape[2] : 0;
    const maps = Array.from({ length: channels }, (_, channel) => {
      const picture = canvas(layer.shape[1], layer.shape[0]);
      const range = element("span", { class: "range" });
      const tile = element(
        "button",
        { type: "button", class: "map", onclick: () => opened(place, channel) },
        picture,
        element("span", { class: "number", text: channel + 1 }),
        range,
      );
      return { tile, picture, range };
    });
    const grid = element(
      "div",
      { class: "maps", role: "group", "aria-label": `Maps of ${layer.name}` },
      ...maps.map(({ tile }) => tile),
    );
    grid.style.setProperty("--side", `${Math.max(64, Math.min(68, layer.shape[1] * 3))}px`);
    if (channels) arrows(grid);
    const strip = !isMaps && layer.offset >= 0 ? stripOf(layer) : null;
    const range = element("span", { class: "whole-range" });
    const card = element(
      "section",
      { class: "layer", "aria-label": layer.name },
      element("h3", {}, layer.name, element("span", { class: "op", text: layer.op })),
      element("p", { class: "quiet" }, this.words(layer), range),
      channels ? grid : strip || "",
    );
    return { layer, card, maps, strip, range, place };
  }

  words(layer) {
    const [height, width, stride, padded] = layer.window;
    const parts = [WORDS[layer.op] || layer.op.toLowerCase().replaceAll("_", " ")];
    if (layer.window.length) {
      parts.push(`${height}\u00d7${width}${stride > 1 ? `, every ${stride} pixels` : ""}${padded ? ", padded" : ""}`);
    }
    parts.push(`gives ${sides(layer.shape)}`);
    if (layer.macs) parts.push(`${layer.macs.toLocaleString("en")} multiplications`);
    if (layer.parameters) parts.push(`${layer.parameters.toLocaleString("en")} weights`);
    return parts.join(" \u00b7 ");
  }

  // What the last watched answer left; all maps of a layer on one scale. A layer out of sight waits until it is in it, or
  // on paper; words wait until the pen is slower.
  update(isAll = false) {
    for (const card of this.cards) {
      card.isOld = true;
      if (isAll) this.refresh(card);
      else if (card.isInSight) this.paint(card);
    }
    this.waits ||= setTimeout(() => {
      this.waits = null;
      this.cards.filter(({ isOld, isNamed }) => !isOld && !isNamed).forEach((card) => this.name(card));
    }, WORDS_MS);
  }

  watch() {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const card = this.cards.find((one) => one.card === target);
          card.isInSight = isIntersecting;
          if (isIntersecting && card.isOld) this.refresh(card);
        }
      },
      { rootMargin: "200px" },
    );
    for (const { card } of this.cards) observer.observe(card);
  }

  refresh(card) {
    this.paint(card);
    this.name(card);
  }

  paint(card) {
    Object.assign(card, { isOld: false, isNamed: false });
    if (card.layer.offset < 0) return;
    const { layer } = card;
    const tensor = this.engine.held(layer);
    card.most = range(tensor, layer).most;
    if (card.strip) this.strip(card, tensor, card.most);
    card.maps.forEach(({ picture }, channel) =>
      paintMap(picture, tensor, layer.shape, channel, layer.zero_point, card.most),
    );
  }

  // The numbers between which the maps lie, to be read.
  name(card) {
    card.isNamed = true;
    const { layer } = card;
    if (layer.offset < 0) return;
    const tensor = this.engine.held(layer);
    const scale = range(tensor, layer);
    card.range.textContent = ` \u00b7 values ${number(scale.low)} to ${number(scale.high)}`;
    card.maps.forEach(({ tile, range: shown }, channel) => {
      const ends = range(tensor, layer, channel);
      const [low, high] = [ends.low, ends.high].map((value) => short(value, scale.most * layer.scale));
      shown.textContent = `${low}\u2026${high}`;
      tile.setAttribute(
        "aria-label",
        `Map ${channel + 1} of ${layer.name}, ${sides(layer.shape.slice(0, 2))}, values ${low} to ${high}`,
      );
    });
  }

  strip({ layer, strip }, tensor, most) {
    paintMap(strip, tensor, [strip.height, strip.width, 1], 0, layer.zero_point, most);
  }
}

// A canvas for numbers that are no maps, in rows of 64 at most.
function stripOf(layer) {
  const count = size(layer);
  const columns = Math.min(count, 64);
  const rows = Math.ceil(count / columns);
  const strip = canvas(columns, rows, `The ${count} numbers of ${layer.name}, brighter is more`, "pixels strip");
  Object.assign(strip.style, { aspectRatio: `${columns} / ${rows}`, maxWidth: `${columns * 16}px` });
  return strip;
}

// With as many decimals as tell values up to `most` apart.
function short(value, most) {
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(most || 1)), 0), 4);
  return String(+value.toFixed(decimals)).replace("-", "\u2212");
}

// {low, high} in real numbers and {most}, the steps from zero to the value farthest from it; of a tensor or one channel.
export function range(tensor, layer, channel = null) {
  const channels = layer.shape.at(-1);
  let [low, high] = [127, -128];
  for (let i = channel ?? 0; i < tensor.length; i += channel === null ? 1 : channels) {
    if (tensor[i] < low) low = tensor[i];
    if (tensor[i] > high) high = tensor[i];
  }
  const real = (byte) => layer.scale * (byte - layer.zero_point);
  return { low: real(low), high: real(high), most: Math.max(high - layer.zero_point, layer.zero_point - low) };
}
