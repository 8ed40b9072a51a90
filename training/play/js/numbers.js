// The filter as it is edited: its numbers in place, its weight, and the presets by name.
import { arrows, button, element, find, number } from "./dom.js";
import { naturalWeight } from "./convolution.js";

export class Numbers {
  // presets: [{name, rows, weight, shows}]. changed(): the filter is another one.
  constructor(presets, changed) {
    Object.assign(this, { presets, changed, natural: true });
    find("presets").replaceChildren(
      ...presets.map((preset) => {
        return button(preset.name.replaceAll("-", " "), () => this.choose(preset), {
          class: "chip",
          "aria-pressed": "false",
          title: preset.shows,
        });
      }),
    );
    arrows(find("presets"));
    find("weight").addEventListener("input", () => {
      this.natural = false;
      this.edited();
    });
    find("natural").addEventListener("click", () => {
      this.natural = true;
      this.edited();
    });
    find("turn").addEventListener("click", () => this.set(turned(this.filter.rows)));
    find("negate").addEventListener("click", () =>
      this.set(this.filter.rows.map((row) => row.map((one) => -one || 0))),
    );
    this.choose(presets.find((preset) => preset.name === "vertical-lines") || presets[0]);
  }

  choose(preset) {
    this.natural = preset.weight === naturalWeight(preset.rows);
    this.set(preset.rows, preset.weight);
  }

  named(name) {
    this.choose(this.presets.find((preset) => preset.name === name));
  }

  // Other numbers, of any rectangle.
  set(rows, weight = null) {
    const grid = find("numbers");
    grid.style.setProperty("--columns", rows[0].length);
    this.inputs = rows.map((row, i) =>
      row.map((one, j) =>
        element("input", {
          type: "number",
          step: "any",
          value: one,
          inputmode: "decimal",
          oninput: () => this.edited(),
          "aria-label": `Row ${i + 1}, column ${j + 1}`,
        }),
      ),
    );
    grid.replaceChildren(...this.inputs.flat());
    find("weight").value = weight === null ? find("weight").value : plain(weight);
    this.weight = weight;
    this.edited(weight);
  }

  edited(weight = null) {
    const rows = this.inputs.map((row) =>
      row.map((input) => (Number.isFinite(input.valueAsNumber) ? input.valueAsNumber : 0)),
    );
    const value = weight ?? (this.natural ? naturalWeight(rows) : find("weight").valueAsNumber);
    if (this.natural || weight !== null) find("weight").value = plain(value);
    this.filter = { rows, weight: Number.isFinite(value) ? value : 1 };
    const sum = rows.flat().reduce((total, one) => total + one, 0);
    const grey = Math.abs(sum) < 1e-9 ? "black" : `${number(sum * this.filter.weight)} times as bright`;
    find("sum").textContent = `They add up to ${number(sum)}; an even grey becomes ${grey}.`;
    const preset = this.presets.find((one) => same(one.rows, rows));
    find("shows").textContent = preset ? `${preset.name}: ${preset.shows}.` : "";
    find("presets")
      .querySelectorAll("button")
      .forEach((one, i) => one.setAttribute("aria-pressed", String(this.presets[i] === preset)));
    const most = Math.max(...rows.flat().map(Math.abs)) || 1;
    this.inputs.flat().forEach((input, i) => {
      const value = rows.flat()[i];
      input.className = value < 0 ? "cold" : "warm";
      input.style.setProperty("--heat", Math.abs(value) / most);
    });
    this.changed();
  }
}

function same(a, b) {
  return (
    a.length === b.length && a.every((row, i) => row.length === b[i].length && row.every((one, j) => one === b[i][j]))
  );
}

// A quarter to the right.
function turned(rows) {
  return rows[0].map((_, j) => rows.map((row) => row[j]).reverse());
}

function plain(value) {
  return String(+value.toPrecision(6));
}
