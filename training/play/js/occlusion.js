// Which pixels mattered: a patch is moved over the picture, and where the score of a class falls, they did.
import { inSlices } from "./dom.js";

// Where the patch stands: {side, stops: [{top, left}]}, at most about 700 of them.
export function patches(height, width) {
  const side = Math.max(3, Math.round(Math.min(height, width) / 6));
  const step = Math.max(1, Math.ceil(Math.sqrt((height * width) / 700)));
  const stops = [];
  for (let top = 0; top < height; top += step)
    for (let left = 0; left < width; left += step) stops.push({ top, left, step });
  return { side, stops };
}

// done(shares, most): Float32Array (H,W), 1 where the score falls most. The score is told before the softmax if the model
// has one, for behind it a sure answer hides what it rests on. Returns what stops it.
export function occlude(engine, pixels, label, done) {
  const { height, width, channels, cover } = engine.content;
  const before = logits(engine);
  const score = (scores) => (before ? engine.tensor(before)[label] : scores[label]);
  const usual = score(engine.answer(pixels, true));
  const { side, stops } = patches(height, width);
  const shares = new Float32Array(height * width);
  let next = 0;
  return inSlices(() => {
    const { top, left, step } = stops[next++];
    const covered = pixels.slice();
    for (let y = Math.max(top - (side >> 1), 0); y < Math.min(top - (side >> 1) + side, height); y++) {
      const from = Math.max(left - (side >> 1), 0);
      const to = Math.min(left - (side >> 1) + side, width);
      for (let i = (y * width + from) * channels; i < (y * width + to) * channels; i++) covered[i] = cover[i % channels];
    }
    const fall = usual - score(engine.answer(covered, true));
    for (let y = top; y < Math.min(top + step, height); y++)
      shares.fill(fall, y * width + left, y * width + Math.min(left + step, width));
    if (next < stops.length) return false;
    const most = shares.reduce((large, one) => Math.max(large, Math.abs(one)), 0);
    if (most)
      shares.forEach((one, i) => {
        shares[i] = one / most;
      });
    done(shares, most);
    return true;
  });
}

// The layer before a last softmax.
function logits(engine) {
  const { layers } = engine.content;
  const last = layers.at(-1);
  return ["SOFTMAX", "LOGISTIC"].includes(last.op) && last.inputs[0] >= 0 && layers[last.inputs[0]].offset >= 0
    ? layers[last.inputs[0]]
    : null;
}
