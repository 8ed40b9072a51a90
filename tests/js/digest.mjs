// What tests/c/simd.c makes of numbers of all sizes, as a module.
import { readFileSync } from "node:fs";

const [, path, rounds] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(path));
console.log(JSON.stringify(instance.exports.simd_digest(Number(rounds)) >>> 0));
