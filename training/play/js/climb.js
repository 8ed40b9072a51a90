// What excites a filter or a class, found by gradient ascent when the page was made: pictures with a slider over the steps.
import { canvas, element } from "./dom.js";
import { paintPixels } from "./colours.js";

const STARTS = { noise: "from noise", picture: "from a test picture" };

// The panel for a filter; null where none was climbed. room: {engine, ascent: {steps, climbs: [{..., pictures}]}}
export function climbed(room, place, channel, title) {
  const found = room.ascent?.climbs.filter((climb) => climb.layer === place && channel < climb.filters) || [];
  if (!found.length) return null;
  const { steps } = room.ascent;
  const { width, height, channels } = room.engine.content;
  const picture = canvas(width, height, title, "pixels climb");
  const slider = element("input", { type: "range", min: 0, max: steps.length - 1, value: steps.length - 1, step: 1, "aria-label": "Steps of the climb" });
  const said = element("span", { class: "quiet" });
  let chosen = found[0];
  const show = () => {
    const each = width * height * channels;
    const at = (slider.valueAsNumber * chosen.filters + channel) * each;
    paintPixels(picture, chosen.pictures.subarray(at, at + each), width, height, channels);
    said.textContent = `after ${steps[slider.valueAsNumber]} steps`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", show);
  const starts = element("select", { "aria-label": "Where the climb starts", onchange: (event) => { chosen = found[event.target.selectedIndex]; show(); } },
    ...found.map((climb) => element("option", { text: STARTS[climb.start] })));
  show();
  return element("div", {}, element("h5", { text: title }), picture,
    element("div", { class: "row" }, slider, said), starts,
    element("p", { class: "quiet", text: "Each step changes every pixel a little in the direction that excites it more." }));
}
