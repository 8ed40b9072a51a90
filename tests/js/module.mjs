// What a module computes of each input that it is given, as JSON.
import { readFileSync } from "node:fs";

const [, path] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(readFileSync(path));
const { memory, input, output, invoke } = instance.exports;
const { inputs, size } = JSON.parse(readFileSync(0, "utf8"));
const outputs = inputs.map((bytes) => {
  new Int8Array(memory.buffer, input(), bytes.length).set(bytes);
  invoke();
  return [...new Int8Array(memory.buffer, output(), size)];
});
console.log(JSON.stringify(outputs));
