// What an answer rests on, as panels for a page: the occlusion map, computed here, and Keras' gradients where the page has
// them for this picture.
import { canvas, element } from "./dom.js";
import { paintHeat, paintNumbers, paintPixels } from "./colours.js";
import { occlude } from "./occlusion.js";
import { unpack } from "./data.js";

const SALIENCY = "Saliency: the brighter, the more the score changes with this pixel";
const CAM = "Grad-CAM: orange where the last maps speak for it";

const DIMMED = 0.7; // the picture below a heat

// A picture in grey with a heat over it: {panel, heat(shares, width, height)}.
function heated(engine, pixels, label) {
  const [picture, heat] = [canvas(1, 1, label), canvas(1, 1, "", "over")];
  const { width, height, channels } = engine.content;
  const grey = Uint8Array.from({ length: width * height }, (_, i) => {
    const at = i * channels;
    return (DIMMED * (pixels[at] + pixels[at + channels - 1] + pixels[at + (channels >> 1)])) / 3;
  });
  paintPixels(picture, grey, width, height, 1);
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
  const saliency = canvas(1, 1, `${SALIENCY}: ${name}`);
  const cam = heated(engine, engine.picture(picture), `${CAM}: ${name}`);
  unpack(found.saliency).then((bytes) => {
    const [rows, columns] = found.saliency_shape;
    paintNumbers(saliency, bytes, columns, rows, 255);
  });
  const panels = [panelOf(element("div", { class: "sheet" }, saliency), SALIENCY)];
  if (!found.cam_shape[0]) return panels;
  unpack(found.cam).then((bytes) => {
    const [rows, columns] = found.cam_shape;
    cam.heat(Float32Array.from(bytes, (byte) => byte / 255), columns, rows);
  });
  return [...panels, panelOf(cam.panel, CAM)];
}

function panelOf(picture, words) {
  return element("div", {}, picture, element("p", { class: "quiet", text: `${words}. By Keras, of the float network.` }));
}
