// Numbers as colours. Black is zero everywhere: brighter and warmer is more, blue is less than zero.

const WARM = [
  [11, 13, 18],
  [66, 23, 104],
  [147, 38, 103],
  [221, 81, 58],
  [252, 165, 10],
  [252, 255, 190],
];
const COLD = [
  [11, 13, 18],
  [20, 55, 110],
  [40, 120, 190],
  [150, 215, 255],
];

function shade(stops, share) {
  const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  return stops[low].map((from, i) => from + (at - low) * (stops[low + 1][i] - from));
}

// A colour as the bytes of a pixel lie in memory: red, green, blue, opaque.
function word([red, green, blue]) {
  return ((255 << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0;
}

// (511,) colours for -1..1.
const TABLE = Uint32Array.from({ length: 511 }, (_, i) =>
  word(i < 255 ? shade(COLD, (255 - i) / 255) : shade(WARM, (i - 255) / 255)),
);

// The word of a share -1..1.
function colour(share) {
  return TABLE[Math.round(255 + 255 * Math.min(Math.max(share, -1), 1))];
}

// pixel(i): the word of each, row by row.
function paint(target, width, height, pixel) {
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const context = target.getContext("2d");
  const image = context.createImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < words.length; i++) words[i] = pixel(i);
  context.putImageData(image, 0, 0);
}

// Pixels (H,W,1) as grey or (H,W,3) as they are.
export function paintPixels(target, pixels, width, height, channels) {
  const grey = (i) => word([pixels[i], pixels[i], pixels[i]]);
  const rgb = (i) => word([pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]]);
  paint(target, width, height, channels === 3 ? rgb : grey);
}

// One map of a tensor (H,W,C), int8; full colour at `most` steps from the zero point.
export function paintMap(target, tensor, shape, channel, zeroPoint, most) {
  const [height, width, channels] = shape;
  const words = Uint32Array.from({ length: 256 }, (_, i) => colour((i - 128 - zeroPoint) / (most || 1)));
  paint(target, width, height, (i) => words[tensor[i * channels + channel] + 128]);
}

// Real numbers (H,W) out of a table with `step` numbers a place.
export function paintNumbers(target, numbers, width, height, most, step = 1, offset = 0) {
  paint(target, width, height, (i) => colour(numbers[i * step + offset] / (most || 1)));
}

// A heat over a picture: orange where `share` is positive, blue where it is negative, clear at 0.
export function paintHeat(target, shares, width, height) {
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const context = target.getContext("2d");
  const image = context.createImageData(width, height);
  shares.forEach((share, i) => {
    const tone = share > 0 ? [255, 140, 0] : [70, 160, 255];
    image.data.set([...tone, 215 * Math.min(Math.abs(share), 1)], 4 * i);
  });
  context.putImageData(image, 0, 0);
}
