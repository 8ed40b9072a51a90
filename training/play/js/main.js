// Starts the page: the rooms, which of them is open, and what one hands to another.
import { find } from "./dom.js";
import { Engine } from "./engine.js";
import { NetworkRoom } from "./network.js";
import { ConvolutionRoom } from "./room.js";
import { DeviceRoom } from "./device.js";

const ROOMS = ["network", "convolution", "device"];

function enter(room, focus = false) {
  for (const name of ROOMS) {
    const isOpen = name === room;
    find(name).hidden = !isOpen;
    find(`tab-${name}`).setAttribute("aria-selected", String(isOpen));
    find(`tab-${name}`).tabIndex = isOpen ? 0 : -1;
  }
  (room === "device" ? find("device-easel") : find("bench")).prepend(find("easel")); // one sheet for both rooms
  if (focus) find(`tab-${room}`).focus();
  try {
    history.replaceState(null, "", `#${room}`);
  } catch {
    // within a frame that may not: the address stays as it is
  }
}

function tabs() {
  ROOMS.forEach((name, at) => {
    find(`tab-${name}`).addEventListener("click", () => enter(name));
    find(`tab-${name}`).addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) enter(ROOMS[(at + by + ROOMS.length) % ROOMS.length], true);
    });
  });
  const asked = () => ROOMS.find((name) => location.hash === `#${name}`);
  addEventListener("hashchange", () => asked() && enter(asked()));
  enter(asked() || ROOMS[0]);
  scrollTo(0, 0); // the browser went to the room's own top, below the tabs
}

// The first answer stands on the screen before the rest is made. A tab in the background is never painted.
function painted() {
  return new Promise((done) => {
    requestAnimationFrame(() => setTimeout(done, 0));
    setTimeout(done, 200);
  });
}

async function start() {
  const content = JSON.parse(find("content").textContent);
  tabs();
  const engine = await Engine.open(content.model);
  const device = new DeviceRoom(engine, content.link);
  let opening = null;
  const convolution = () => (opening ??= ConvolutionRoom.open(content.lab, engine));
  const network = new NetworkRoom(
    engine,
    content,
    async (rows) => {
      enter("convolution");
      (await convolution()).take(rows);
    },
    (...answer) => device.answered(...answer),
  );
  performance.mark("answered");
  await painted();
  await convolution();
  addEventListener("beforeprint", () => network.layers.update(true));
  document.documentElement.dataset.ready = "yes";
}

start().catch((error) => {
  find("late").hidden = true;
  find("broken").hidden = false;
  find("broken").textContent = `This page cannot run here: ${error.message}. It needs a browser of 2023 or later.`;
  throw error;
});
