// Elements in few words.

// attributes: names as in HTML, functions are listeners (onclick), `text` is the text.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "text") made.textContent = value;
    else if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// A canvas that a screen reader takes for a picture; without a label it is decoration.
export function canvas(width, height, label = "", className = "pixels") {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  return element("canvas", { width, height, class: className, ...named });
}

export function find(id) {
  return document.getElementById(id);
}

export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", text, onclick, ...attributes });
}

// Arrow keys move among the buttons of a grid, of which one at a time is in the order of the tab key.
export function arrows(group) {
  const items = () => [...group.querySelectorAll("button")];
  items().forEach((item, i) => item.setAttribute("tabindex", i === 0 ? "0" : "-1"));
  group.addEventListener("focusin", (event) => {
    items().forEach((item) => item.setAttribute("tabindex", item === event.target ? "0" : "-1"));
  });
  group.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(document.activeElement);
    const columns = Math.max(all.filter((item) => item.offsetTop === all[0].offsetTop).length, 1);
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const to = event.key === "Home" ? 0 : event.key === "End" ? all.length - 1 : at + (steps[event.key] || NaN);
    if (at < 0 || !all[to]) return;
    event.preventDefault();
    all[to].focus();
  });
}

// Calls `work` again and again, a few milliseconds at a time, until it says that it is done (returns true). What it
// returns ends it early.
export function inSlices(work, milliseconds = 12) {
  let stopped = false;
  const slice = () => {
    const end = performance.now() + milliseconds;
    while (!stopped && performance.now() < end) if (work()) return;
    if (!stopped) setTimeout(slice, 0);
  };
  setTimeout(slice, 0);
  return () => {
    stopped = true;
  };
}

export function percent(share) {
  return `${(100 * share).toFixed(share > 0.9995 || share < 0.0005 ? 0 : 1)}\u00a0%`;
}

export function number(value, digits = 3) {
  if (value === 0) return "0";
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : String(+value.toPrecision(digits));
  return text.replace("-", "\u2212");
}

export function sides(shape) {
  return shape.join("\u00d7");
}
