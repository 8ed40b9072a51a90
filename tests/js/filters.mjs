// Filters as the page computes them: cases as JSON on standard input, one list of pixels for each on standard output.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { convolve, pool, quantize } = await import(`${pathToFileURL(process.argv[2])}/convolution.js`);
const { width, height, pixels, cases } = JSON.parse(readFileSync(0, "utf8"));
const picture = { width, height, pixels: Uint8Array.from(pixels) };
const made = cases.map(({ filter, ...options }) => {
  const result = convolve(picture, filter, { negatives: "clamp", ...options });
  return {
    shape: [result.height, result.width],
    pixels: [...result.pixels],
    max: [...pool(result, "max").pixels],
    average: [...pool(result, "average").pixels],
    quantized: quantize(filter),
  };
});
console.log(JSON.stringify(made));
