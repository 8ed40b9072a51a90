// The answer: the class with the most, and a bar for each class, each a button that asks why. Of many classes the likeliest.
import { element, find, number, percent } from "./dom.js";
import { largest } from "./engine.js";

const HALF = 0.5; // of a share: more is a yes
const MOST_SAID = 4; // numbers in one line
const MOST_BYTES = 40; // of the output that are shown
const CERTAIN = 0.5; // a smaller share is no answer
const MOST_ROWS = 20; // more classes are not all listed,
const LONG = 14; // letters of an answer that is written smaller
const LIKELIEST = 8; // but so many of them, and the others by name

export class Verdict {
  // asked(index): a class was clicked.
  constructor(engine, asked) {
    Object.assign(this, { engine, asked });
    const { labels } = engine.content;
    this.isPart = labels.length > MOST_ROWS;
    this.rows = Array.from({ length: this.isPart ? LIKELIEST : labels.length }, (_, at) => this.row(at));
    const longest = Math.max(...labels.map((label) => label.length));
    find("scores").style.setProperty("--label", `${Math.min(longest + 1, 14)}ch`);
    find("scores").replaceChildren(...this.rows.map(({ row }) => element("li", {}, row)));
    if (labels.length === 1 || engine.content.kind === "numbers")
      find("ask").textContent = "Choose an output to see which pixels it rests on.";
    if (this.isPart) find("scores").after(this.others(labels));
  }

  row(at) {
    const [label, fill, share] = ["label", "fill", "share"].map((name) => element("span", { class: name }));
    const row = element(
      "button",
      { type: "button", class: "score", onclick: () => this.asked(this.rows[at].index) },
      label,
      element("span", { class: "track" }, fill),
      share,
    );
    return { row, label, fill, share, index: at };
  }

  // Any class by name, where not all have a bar.
  others(labels) {
    const list = element(
      "select",
      { onchange: () => list.selectedIndex && this.asked(list.selectedIndex - 1) },
      element("option", { text: `one of ${labels.length}` }),
      ...labels.map((label) => element("option", { text: label })),
    );
    this.list = list;
    return element("label", { class: "others" }, "Another class ", list);
  }

  // Where the keyboard goes back to after a class was asked for.
  focus(label) {
    (this.rows.find(({ index }) => index === label)?.row || this.list).focus();
  }

  // bytes: int8 (classes,); null while the sheet is empty.
  show(bytes, milliseconds) {
    const best = bytes ? largest(bytes) : -1;
    const order = this.isPart && bytes ? Array.from(bytes.keys()).sort((a, b) => bytes[b] - bytes[a]) : null;
    this.rows.forEach((one, at) => {
      one.index = order ? order[at] : at;
      this.fill(one, bytes, bytes && isSaid(this.engine, bytes, one.index));
    });
    if (this.list) [this.list.disabled, this.list.selectedIndex] = [!bytes, 0];
    find("answer").textContent = bytes ? said(this.engine, bytes) : "\u2026";
    find("answer").classList.toggle("long", find("answer").textContent.length > LONG);
    find("certainty").textContent = bytes ? this.certainty(bytes, best) : "nothing drawn yet";
    find("took").textContent = bytes ? `computed in ${milliseconds.toFixed(1)} ms` : "";
    find("bytes").textContent = bytes ? inBytes(bytes) : "";
  }

  fill({ row, label, fill, share, index }, bytes, isBest) {
    const { labels, kind } = this.engine.content;
    label.textContent = labels[index];
    const part = bytes && (isShare(kind) ? this.engine.score(bytes[index]) : (bytes[index] + 128) / 255);
    fill.style.width = bytes ? `${Math.min(Math.max(100 * part, 0), 100)}%` : "0";
    share.textContent = bytes ? wordsOf(this.engine, bytes[index]) : "";
    row.classList.toggle("best", isBest);
    const words = bytes && `${labels[index]}: ${share.textContent}, byte ${bytes[index]}. Ask why.`;
    row.setAttribute("aria-label", words || labels[index]);
    row.title = labels[index];
    row.disabled = !bytes;
  }

  // How sure the answer is, as far as its numbers say.
  certainty(bytes, best) {
    const { kind } = this.engine.content;
    const share = this.engine.score(bytes[best]);
    if (kind === "numbers")
      return bytes.length === 1 ? "the only number that this model gives" : `${bytes.length} numbers, which are no classes`;
    if (kind === "decisions")
      return bytes.length === 1
        ? `its one output says yes to ${percent(share)}`
        : "each class is decided by itself: yes from 50\u00a0% on";
    if (kind === "shares")
      return share >= CERTAIN ? `${percent(share)} sure` : `only ${percent(share)}: not sure at all`;
    const next = bytes.reduce((most, byte, i) => (i !== best && byte > most ? byte : most), -128);
    return `by ${number(share - this.engine.score(next))}; scores are no shares of 100\u00a0%`;
  }
}

// The bytes in decimal numbers, of very many the first.
export function inBytes(bytes) {
  const shown = Array.from(bytes.slice(0, MOST_BYTES)).join(" ").replaceAll("-", "\u2212");
  return bytes.length > MOST_BYTES ? `${shown} \u2026 ${bytes.length} in all` : shown;
}

function isShare(kind) {
  return kind === "shares" || kind === "decisions";
}

// Whether the class is, or is among, what the answer says.
function isSaid(engine, bytes, index) {
  const { kind } = engine.content;
  if (kind === "decisions") return engine.score(bytes[index]) > HALF;
  return kind !== "numbers" && index === largest(bytes);
}

// The answer in words: a class, what was decided for, or the numbers.
export function said(engine, bytes) {
  const { labels, kind } = engine.content;
  if (kind === "numbers") {
    const numbers = Array.from(bytes.slice(0, MOST_SAID), (byte) => wordsOf(engine, byte));
    return numbers.join(", ") + (bytes.length > MOST_SAID ? ", \u2026" : "");
  }
  const names = labels.filter((_, index) => isSaid(engine, bytes, index));
  if (kind === "decisions" && labels.length === 1) return names.length ? "yes" : "no";
  return names.join(", ") || "none of them";
}

// A byte of the output in words.
export function wordsOf(engine, byte) {
  const real = engine.score(byte);
  return isShare(engine.content.kind) ? percent(real) : number(real);
}
