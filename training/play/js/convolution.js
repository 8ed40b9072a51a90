// Convolution and pooling of a grey picture, pixel for pixel as training/lab/convolution.py and int8_layer.py do it.
// A picture is {width, height, pixels: Uint8Array}; a filter is {rows: [[numbers]], weight}.

// The bare sums, in the order of the textbook's loops. `top`, `left`: where the filter's first corner starts.
function sums(picture, rows, stride, out, top, left) {
  const total = new Float64Array(out.width * out.height);
  rows.forEach((row, i) =>
    row.forEach((number, j) => {
      if (number === 0) return;
      const first = Math.max(Math.ceil(-(j + left) / stride), 0);
      const end = Math.min(Math.floor((picture.width - 1 - j - left) / stride) + 1, out.width);
      for (let y = 0; y < out.height; y++) {
        const from = y * stride + i + top;
        if (from < 0 || from >= picture.height) continue;
        const row = from * picture.width + j + left;
        for (let x = first; x < end; x++) total[y * out.width + x] += picture.pixels[row + x * stride] * number;
      }
    }),
  );
  return total;
}

// Where results go: {width, height, top, left}; the corner of the first window is at (top, left) of the picture.
export function frame(picture, rows, stride, padding) {
  const [height, width] = [rows.length, rows[0].length];
  const of = (side, k) => {
    if (padding === "valid") return [Math.max(Math.floor((side - k) / stride) + 1, 0), 0];
    const count = Math.ceil(side / stride);
    if (padding === "margin") return [count, -((k - 1) >> 1)];
    return [count, -(Math.max((count - 1) * stride + k - side, 0) >> 1)];
  };
  const [[h, top], [w, left]] = [of(picture.height, height), of(picture.width, width)];
  return { width: w, height: h, top, left };
}

// options: stride, padding (margin, same, valid), negatives (clamp, absolute), whole (int8: computed as the chip does).
export function convolve(picture, filter, options) {
  const { stride, padding, negatives } = options;
  const chip = options.int8 ? quantize(filter) : null;
  const out = frame(picture, filter.rows, stride, padding);
  const total = sums(picture, chip ? chip.rows : filter.rows, stride, out, out.top, out.left);
  const pixels = new Uint8Array(total.length);
  const fixed = chip && multiplier(chip.scale);
  for (let i = 0; i < total.length; i++) {
    const value = chip ? requantize(total[i], fixed) : filter.weight * total[i];
    pixels[i] = Math.max(0, Math.min(255, negatives === "absolute" ? Math.abs(value) : value));
  }
  const made = { width: out.width, height: out.height, pixels };
  if (padding === "margin") keepMargin(made, picture, filter.rows, stride);
  return made;
}

// Pixels over which the filter does not lie wholly stay what they were.
function keepMargin(made, picture, rows, stride) {
  for (let y = 0; y < made.height; y++) {
    for (let x = 0; x < made.width; x++) {
      if (!isInside(picture, rows, y * stride, x * stride)) {
        made.pixels[y * made.width + x] = picture.pixels[y * stride * picture.width + x * stride];
      }
    }
  }
}

export function isInside(picture, rows, y, x) {
  const [top, left] = [y - ((rows.length - 1) >> 1), x - ((rows[0].length - 1) >> 1)];
  return top >= 0 && left >= 0 && top + rows.length <= picture.height && left + rows[0].length <= picture.width;
}

// One pixel for each 2x2 block: its largest, or its mean rounded to the nearest, halves up.
export function pool(picture, kind) {
  const [width, height] = [picture.width >> 1, picture.height >> 1];
  const pixels = new Uint8Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const four = block(picture, y, x);
      pixels[y * width + x] = kind === "average" ? (four[0] + four[1] + four[2] + four[3] + 2) >> 2 : Math.max(...four);
    }
  }
  return { width, height, pixels };
}

// The four pixels that become pixel (y, x) of the pooled picture.
export function block(picture, y, x) {
  const at = 2 * y * picture.width + 2 * x;
  const { pixels, width } = picture;
  return [pixels[at], pixels[at + 1], pixels[at + width], pixels[at + width + 1]];
}

// 1 where the numbers add up to 0 or 1, else what makes them add up to 1 or -1.
export function naturalWeight(rows) {
  const total = rows.flat().reduce((sum, number) => sum + number, 0);
  return Math.abs(total) < 1e-9 || Math.abs(total - 1) < 1e-9 ? 1 : 1 / Math.abs(total);
}

// Whole numbers -127..127 and a scale: exact where all numbers are multiples of one step, else to 127 steps of the largest.
export function quantize(filter) {
  const numbers = filter.rows.flat().map((number) => number * (filter.weight < 0 ? -1 : 1));
  const factor = Math.abs(filter.weight);
  const table = (values) => filter.rows.map((row, i) => row.map((_, j) => values[i * row.length + j]));
  if (factor === 0 || numbers.every((number) => number === 0)) return { rows: table(numbers.map(() => 0)), scale: 1 };
  const common = denominator(numbers);
  if (common) {
    const whole = numbers.map((number) => Math.round(number * common));
    const step = whole.reduce((a, b) => divisor(a, Math.abs(b)), 0);
    if (Math.max(...whole.map(Math.abs)) <= 127 * step) {
      return { rows: table(whole.map((number) => number / step)), scale: (step / common) * factor };
    }
  }
  const largest = Math.max(...numbers.map(Math.abs)) / 127;
  return { rows: table(numbers.map((number) => toEven(number / largest))), scale: largest * factor };
}

// The smallest number that makes all of them whole; 0 if none below 10,000 does.
function denominator(numbers) {
  for (let common = 1; common < 10000; common++) {
    if (numbers.every((number) => Math.abs(Math.round(number * common) - number * common) < 1e-9 * common))
      return common;
  }
  return 0;
}

function divisor(a, b) {
  return b === 0 ? a : divisor(b, a % b);
}

// To the nearest whole number, halves to the even one, as NumPy rounds.
function toEven(value) {
  const floor = Math.floor(value);
  return value - floor === 0.5 ? floor + (floor % 2) : Math.round(value);
}

// A scale as the chip has it: {mantissa, shift} with scale = mantissa * 2^(shift - 31). In and out have one scale.
export function multiplier(scale) {
  const pixel = Math.fround(1 / 255);
  const real = (pixel * Math.fround(scale)) / pixel;
  let shift = Math.floor(Math.log2(real)) + 1;
  let mantissa = Math.round((real / 2 ** shift) * 2 ** 31);
  if (mantissa >= 2 ** 31) [mantissa, shift] = [mantissa / 2, shift + 1];
  return { mantissa, shift };
}

// In two rounded steps: the upper half of the product, halves upwards, then the shift, halves away from zero.
export function requantize(total, { mantissa, shift }) {
  const a = shift > 0 ? total * 2 ** shift : total;
  const [high, low] = [Math.floor(mantissa / 65536), mantissa % 65536];
  const upper = a * high;
  const whole = Math.floor(upper / 32768);
  const half = whole + Math.floor(((upper - whole * 32768) * 65536 + a * low + 2 ** 30) / 2 ** 31);
  if (shift >= 0) return half;
  const divided = half / 2 ** -shift;
  return divided < 0 ? -Math.floor(-divided + 0.5) : Math.floor(divided + 0.5);
}
