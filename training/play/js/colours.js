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

// (511,) colours for -1..1, as red, green and blue.
const TABLE = Array.from({ length: 511 }, (_, i) =>
  i < 255 ? shade(COLD, (255 - i) / 255) : shade(WARM, (i - 255) / 255),
);

export function colour(share) {
  return TABLE[Math.round(255 + 255 * Math.min(Math.max(share, -1), 1))];
}

function paint(target, width, height, pixel) {
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const context = target.getContext("2d");
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    const [red, green, blue] = pixel(i);
    image.data.set([red, green, blue, 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
}

// Pixels (H,W,1) as grey or (H,W,3) as they are.
export function paintPixels(target, pixels, width, height, channels) {
  paint(target, width, height, (i) => {
    return channels === 3 ? [pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]] : [pixels[i], pixels[i], pixels[i]];
  });
}

// One map of a tensor (H,W,C), int8; full colour at `most` steps from the zero point.
export function paintMap(target, tensor, shape, channel, zeroPoint, most) {
  const [height, width, channels] = shape;
  paint(target, width, height, (i) => colour((tensor[i * channels + channel] - zeroPoint) / (most || 1)));
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
