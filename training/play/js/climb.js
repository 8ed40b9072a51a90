// What excites a filter or a class, found by gradient ascent when the page was made: pictures with a slider over the steps.
import { canvas, element } from "./dom.js";
import { paintPixels } from "./colours.js";
import { unpackPictures } from "./data.js";

const STARTS = { noise: "from noise", picture: "from a picture" };

const FLAT = 30; // greys between the darkest and the brightest pixel of a picture in which nothing grew

// The kept pictures of one filter, step by step.
function picturesOf(climb, channel, room) {
  const { width, height, channels } = room.engine.content;
  const each = width * height * channels;
  return room.ascent.steps.map((_, step) => {
    const at = (step * climb.filters + channel) * each;
    return climb.unpacked.subarray(at, at + each);
  });
}

// Unpacked once, when they are first looked at.
async function unpacked(climb, { width, channels }) {
  climb.unpacked ||= await unpackPictures(climb.pixels, width, channels);
}

function contrast(pixels) {
  const [low, high] = pixels.reduce(([low, high], one) => [Math.min(low, one), Math.max(high, one)], [255, 0]);
  return high - low;
}

// The panel for a filter; null where none was climbed. room: {engine, ascent: {steps, climbs}}
export function climbed(room, place, channel, title, heading = "h5") {
  const found = room.ascent?.climbs.filter((climb) => climb.layer === place && channel < climb.filters) || [];
  if (!found.length) return null;
  const { steps } = room.ascent;
  const { width, height, channels } = room.engine.content;
  const picture = canvas(width, height, title, "pixels climb");
  const slider = element("input", {
    type: "range",
    min: 0,
    max: steps.length - 1,
    value: steps.length - 1,
    step: 1,
    "aria-label": "Steps of the climb",
  });
  const said = element("span", { class: "quiet" });
  let chosen = null;
  const show = async () => {
    await Promise.all(found.map((climb) => unpacked(climb, room.engine.content)));
    chosen ||= found.find((climb) => contrast(picturesOf(climb, channel, room).at(-1)) > FLAT) || found[0];
    starts.selectedIndex = found.indexOf(chosen);
    paintPixels(picture, picturesOf(chosen, channel, room)[slider.valueAsNumber], width, height, channels);
    said.textContent = `after ${steps[slider.valueAsNumber]} steps`;
    slider.setAttribute("aria-valuetext", said.textContent);
  };
  slider.addEventListener("input", show);
  const starts = element(
    "select",
    {
      "aria-label": "Where the climb starts",
      onchange: (event) => {
        chosen = found[event.target.selectedIndex];
        show();
      },
    },
    ...found.map((climb) => element("option", { text: STARTS[climb.start] })),
  );
  show();
  return element(
    "div",
    {},
    element(heading, { text: title }),
    picture,
    element("div", { class: "row" }, slider, said),
    starts,
    element("p", {
      class: "quiet",
      text: "Each step changes every pixel a little in the direction that excites it more.",
    }),
  );
}
