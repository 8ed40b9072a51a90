// The answer: the class with the most, and a bar for every class, each a button that asks why.
import { element, find, percent } from "./dom.js";
import { largest } from "./engine.js";

const CERTAIN = 0.5; // a smaller share is no answer

export class Verdict {
  // asked(index): a class was clicked.
  constructor(engine, asked) {
    this.engine = engine;
    this.rows = engine.content.labels.map((label, index) => {
      const fill = element("span", { class: "fill" });
      const share = element("span", { class: "share" });
      const row = element(
        "button",
        { type: "button", class: "score", onclick: () => asked(index) },
        element("span", { class: "label", text: label }),
        element("span", { class: "track" }, fill),
        share,
      );
      return { row, fill, share };
    });
    const longest = Math.max(...engine.content.labels.map((label) => label.length));
    find("scores").style.setProperty("--label", `${Math.min(longest + 1, 14)}ch`);
    find("scores").replaceChildren(...this.rows.map(({ row }) => element("li", {}, row)));
  }

  // bytes: int8 (classes,); null while the sheet is empty.
  show(bytes, milliseconds) {
    const { engine, rows } = this;
    const shares = Array.from(bytes || [], (byte) => engine.score(byte));
    const best = bytes ? largest(bytes) : -1;
    rows.forEach(({ row, fill, share }, i) => {
      fill.style.width = bytes ? `${Math.min(Math.max(100 * shares[i], 0), 100)}%` : "0";
      share.textContent = bytes ? percent(shares[i]) : "";
      row.classList.toggle("best", i === best);
      const label = engine.content.labels[i];
      row.setAttribute("aria-label", bytes ? `${label}: ${percent(shares[i])}, byte ${bytes[i]}. Ask why.` : label);
      row.disabled = !bytes;
    });
    find("answer").textContent = bytes ? engine.content.labels[best] : "\u2026";
    find("certainty").textContent = !bytes
      ? "nothing drawn yet"
      : shares[best] >= CERTAIN
        ? `${percent(shares[best])} sure`
        : `only ${percent(shares[best])}: not sure at all`;
    find("took").textContent = bytes ? `computed in ${milliseconds.toFixed(1)} ms` : "";
    find("bytes").textContent = bytes ? Array.from(bytes).join(" ").replaceAll("-", "\u2212") : "";
  }
}
