// The compiled engine: the WebAssembly module of the model, and what its bytes mean.
import { unpack, unpackPictures, base64Bytes, hex } from "./data.js";

export class Engine {
  // content: what Python says of the model (training/play/content.py).
  static async open(content) {
    const [{ instance }, pictures] = await Promise.all([
      unpack(content.wasm).then((module) => WebAssembly.instantiate(module, {})),
      unpackPictures(content.test.pixels, content.width, content.channels),
    ]);
    return new Engine(content, instance.exports, pictures);
  }

  constructor(content, module, pictures) {
    this.content = content;
    this.module = module;
    this.pictures = pictures;
    this.inputBytes = content.height * content.width * content.channels;
    this.outputBytes = content.labels.length;
    this.goldenAnswers = base64Bytes(content.test.golden);
    this.byteOfPixel = Int8Array.from(content.byte_of_pixel);
    const last = [...content.layers].reverse().find((layer) => layer.offset >= 0);
    this.tensorBytes = last ? last.offset + size(last) : this.inputBytes;
  }

  bytesAt(address, count) {
    return new Int8Array(this.module.memory.buffer, address, count);
  }

  // pixels (H,W,C), 0..255 -> int8 scores (classes,), a copy. With `watch` the tensors are left to be read.
  answer(pixels, watch = false) {
    const input = this.bytesAt(this.module.input(), this.inputBytes);
    for (let i = 0; i < input.length; i++) input[i] = this.byteOfPixel[pixels[i]];
    return this.answerBytes(null, watch);
  }

  // The same from the model's own bytes; null: those that are there.
  answerBytes(bytes, watch = false) {
    if (bytes) this.bytesAt(this.module.input(), this.inputBytes).set(bytes);
    if (watch) this.module.look();
    else this.module.invoke();
    return this.bytesAt(this.module.output(), this.outputBytes).slice();
  }

  // What a layer left in the last watched answer, int8; valid until the next answer of anybody.
  tensor(layer) {
    return this.bytesAt(this.module.tensors() + layer.offset, size(layer));
  }

  // Keeps what the last watched answer left, for `held`, whatever is computed afterwards.
  hold() {
    this.kept = this.bytesAt(this.module.tensors(), this.tensorBytes).slice();
  }

  held(layer) {
    return this.kept.subarray(layer.offset, layer.offset + size(layer));
  }

  picture(index) {
    return this.pictures.subarray(index * this.inputBytes, (index + 1) * this.inputBytes);
  }

  // What a picture is called: its class where it has a label.
  nameOf(index) {
    const { labels, test } = this.content;
    return labels[test.labels[index]] ?? `${test.noun} ${index + 1}`;
  }

  // What TensorFlow Lite Micro answers to a test picture; null where no such answers came with the page.
  golden(index) {
    if (!this.goldenAnswers.length) return null;
    return new Int8Array(this.goldenAnswers.buffer, index * this.outputBytes, this.outputBytes);
  }

  // The vectors of the self-test that a device has, too: [{input, output}].
  goldenVectors() {
    return Array.from({ length: this.module.golden_count() }, (_, i) => ({
      input: this.bytesAt(this.module.golden_input(i), this.inputBytes).slice(),
      output: this.bytesAt(this.module.golden_output(i), this.outputBytes).slice(),
    }));
  }

  modelSha256() {
    return hex(new Uint8Array(this.module.memory.buffer, this.module.model_sha256(), 32));
  }

  // Over the constants that the module computes with.
  constantsSha256() {
    return hex(new Uint8Array(this.module.memory.buffer, this.module.constants_sha256(), 32));
  }

  // The real numbers of one filter, Float32Array (h,w,channels).
  filter(layer, index) {
    const { table, weight_bytes, first, taps, scales } = layer.filters;
    const Numbers = weight_bytes === 1 ? Int8Array : Int16Array;
    const weights = new Numbers(this.module.memory.buffer, this.module.constants(table));
    return Float32Array.from(taps, (tap) => scales[index] * weights[first[index] + tap]);
  }

  score(byte) {
    return this.content.output_scale * (byte - this.content.output_zero_point);
  }
}

// What the pictures that came with the page are called, many of them, at the start of a sentence.
export function plural(engine) {
  const { noun } = engine.content.test;
  return `${noun[0].toUpperCase()}${noun.slice(1)}s`;
}

// Whether a layer hands on a stack of pictures, and not just numbers.
export function isStack({ offset, shape }) {
  return offset >= 0 && shape.length === 3 && shape[0] * shape[1] > 1;
}

export function size(layer) {
  return layer.shape.reduce((product, side) => product * side, 1);
}

export function different(a, b) {
  let count = Math.abs(a.length - b.length);
  for (let i = 0; i < Math.min(a.length, b.length); i++) count += a[i] !== b[i];
  return count;
}

// The index of the largest; of equals the first.
export function largest(values) {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[best]) best = i;
  return best;
}
