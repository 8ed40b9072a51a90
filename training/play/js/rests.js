// What an answer rests on, as panels for a page: the occlusion map, computed here, and Keras' gradients where the page has
// them for this picture.
import { canvas, element } from "./dom.js";
import { paintHeat, paintPixels } from "./colours.js";
import { occlude } from "./occlusion.js";
import { unpack } from "./data.js";

const GRADIENTS = {
  saliency: "Saliency: the brighter, the more the score changes with this pixel",
  cam: "Grad-CAM: where the network\u2019s last maps speak for it",
};

// A picture with a heat over it: {panel, heat(shares, width, height)}.
function heated(engine, pixels, label) {
  const [picture, heat] = [canvas(1, 1, label), canvas(1, 1, "", "over")];
  const { width, height, channels } = engine.content;
  paintPixels(picture, pixels, width, height, channels);
  return {
    panel: element("div", { class: "sheet" }, picture, heat),
    heat: (shares, columns, rows) => paintHeat(heat, shares, columns, rows),
  };
}

// The occlusion map: {panel, stop()}. shown(shares) is called with the map once it is there.
export function occlusionPanel(engine, pixels, label, shown = () => {}) {
  const name = engine.content.labels[label];
  const { width, height } = engine.content;
  const said = element("p", { class: "quiet", text: "A patch moves over the picture\u2026" });
  const { panel, heat } = heated(engine, pixels, `Your picture, and over it what speaks for ${name}`);
  const stop = occlude(engine, pixels, label, (shares, most) => {
    heat(shares, width, height);
    said.textContent = most
      ? `Orange: with this spot covered, less speaks for \u201c${name}\u201d; the picture needs it. Blue: covered, more does.`
      : `No single spot matters for \u201c${name}\u201d.`;
    shown(shares);
  });
  return { panel: element("div", {}, panel, said), stop };
}

// The maps by gradient of a test picture for a class; none where the page has none of them.
export function gradientPanels(engine, gradients, picture, label) {
  const found = gradients.find((one) => one.picture === picture && one.label === label);
  if (!found) return [];
  const name = engine.content.labels[label];
  return Object.entries(GRADIENTS).flatMap(([kind, words]) => {
    const [rows, columns] = found[`${kind}_shape`];
    if (!rows) return [];
    const { panel, heat } = heated(engine, engine.picture(picture), `${words}: ${name}`);
    unpack(found[kind]).then((bytes) => heat(Float32Array.from(bytes, (byte) => byte / 255), columns, rows));
    return [element("div", {}, panel, element("p", { class: "quiet", text: `${words}. By Keras, of the float network.` }))];
  });
}
