// A short path: where it stands, what a step says, a thing to do, a thing to notice. Two rooms have one.
import { element, find } from "./dom.js";

export class Steps {
  // id: what the elements' ids begin with. steps: [{says, todo, notice}], each text or a function that gives it; some have
  // a name.
  // entered(step): it is shown now.
  constructor(id, steps, entered) {
    Object.assign(this, { id, steps, entered, at: 0 });
    find(`${id}-next`).addEventListener("click", () => this.go(this.at + 1));
    find(`${id}-back`).addEventListener("click", () => this.go(this.at - 1));
  }

  get step() {
    return this.steps[this.at];
  }

  go(to) {
    this.at = Math.min(Math.max(to, 0), this.steps.length - 1);
    this.entered(this.step);
    this.show();
  }

  show() {
    const [says, todo, notice] = ["says", "todo", "notice"].map((name) => {
      const text = this.step[name];
      return typeof text === "function" ? text() : text;
    });
    find(`${this.id}-step`).textContent = `Step ${this.at + 1} of ${this.steps.length}${this.step.name ? `: ${this.step.name}` : ""}`;
    const shown = [says, todo, notice].join("\n");
    if (shown !== this.shown) {
      find(`${this.id}-text`).replaceChildren(
        element("p", { class: "says", text: says }),
        element("p", {}, element("strong", { text: "Do: " }), todo),
        element("p", {}, element("strong", { text: "Notice: " }), notice),
      );
    }
    this.shown = shown;
    find(`${this.id}-back`).disabled = this.at === 0;
    find(`${this.id}-next`).disabled = this.at === this.steps.length - 1;
  }
}
