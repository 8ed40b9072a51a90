// The proof, before the user's eyes: golden vectors and test pictures through the module, every byte compared; and, on
// the way, which pictures excite which filter.
import { find, inSlices } from "./dom.js";
import { different, largest, size } from "./engine.js";

export class Proof {
  constructor(engine) {
    this.engine = engine;
    this.excitement = engine.content.layers.map((layer) => {
      return layer.offset >= 0 && layer.shape.length === 3
        ? new Int8Array(engine.content.test.count * layer.shape[2]).fill(-128)
        : null;
    });
    this.isWhole = false;
    find("prove").addEventListener("click", () => this.run());
    find("sha256").textContent = engine.modelSha256();
  }

  run() {
    this.stop?.();
    const { engine } = this;
    const { content } = engine;
    const vectors = engine.goldenVectors();
    const count = content.test.count;
    const state = { done: 0, bytes: 0, wrong: 0, correct: 0, busy: 0 };
    find("prove").disabled = true;
    find("proof").className = "proof";
    this.stop = inSlices(() => {
      const i = state.done++;
      if (i < vectors.length) this.compare(state, vectors[i].input, null, vectors[i].output);
      else if (i < vectors.length + count) this.picture(state, i - vectors.length);
      find("progress").value = Math.min(state.done / (vectors.length + count), 1);
      if (state.done <= vectors.length + count) return false;
      this.say(state, vectors.length, count);
      return true;
    });
  }

  picture(state, index) {
    const { engine } = this;
    const scores = this.compare(state, null, engine.picture(index), engine.golden(index));
    state.correct += largest(scores) === engine.content.test.labels[index];
    engine.content.layers.forEach((layer, place) => {
      if (this.excitement[place]) this.watch(layer, this.excitement[place], index);
    });
  }

  compare(state, bytes, pixels, golden) {
    const begun = performance.now();
    const scores = pixels ? this.engine.answer(pixels, true) : this.engine.answerBytes(bytes, true);
    state.busy += performance.now() - begun;
    if (golden) {
      state.bytes += golden.length;
      state.wrong += different(scores, golden);
    }
    return scores;
  }

  // The largest value of every map of a layer.
  watch(layer, found, index) {
    const tensor = this.engine.tensor(layer);
    const channels = layer.shape[2];
    const start = index * channels;
    for (let i = 0; i < size(layer); i++) {
      const at = start + (i % channels);
      if (tensor[i] > found[at]) found[at] = tensor[i];
    }
  }

  say(state, vectors, count) {
    const { engine } = this;
    const { content } = engine;
    const isRight = engine.constantsSha256() === content.constants_sha256 && engine.modelSha256() === content.sha256;
    const good = state.bytes > 0 && state.wrong === 0 && isRight;
    find("proof").className = `proof ${good ? "good" : state.bytes ? "bad" : "unsure"}`;
    find("proven").textContent = state.bytes
      ? `${state.wrong.toLocaleString("en")} of ${state.bytes.toLocaleString("en")} bytes differ from TensorFlow Lite Micro`
      : "Nothing to compare with: TensorFlow Lite Micro does not exist for the computer that made this page";
    find("proven-of").textContent =
      `${vectors} golden vectors${count ? ` and ${count} ${content.test.noun}s${this.rightOf(state)}` : ""}. ` +
      `${Math.round((1000 * (vectors + count)) / (state.busy || 1)).toLocaleString("en")} answers a second. ` +
      (isRight
        ? "The constants in this page have the hash of the exported ones."
        : "The constants in this page are NOT those that were exported.");
    find("prove").disabled = false;
    this.isWhole = true;
    this.finished?.();
  }

  // How many are right, where every picture has a label.
  rightOf({ correct }) {
    const { labels } = this.engine.content.test;
    return labels.every((label) => label >= 0) ? `, ${correct} of them right` : "";
  }

  // Test pictures by how much they excite a filter: {most: [index...], least: [index...]}.
  exciting(place, channel, count) {
    const { shape } = this.engine.content.layers[place];
    const value = (index) => this.excitement[place][index * shape[2] + channel];
    const order = Array.from({ length: this.engine.content.test.count }, (_, i) => i).sort(
      (a, b) => value(b) - value(a),
    );
    return { most: order.slice(0, count), least: order.slice(-count).reverse() };
  }
}
