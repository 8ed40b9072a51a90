// The module of a page in Node: every test picture and golden vector against the golden, as JSON.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, page] = process.argv.slice(2);
const { Engine, different } = await import(`${pathToFileURL(modules)}/engine.js`);
const content = JSON.parse(
  readFileSync(page, "utf8").match(/<script type="application\/json" id="content">(.*?)<\/script>/s)[1],
);
const engine = await Engine.open(content.model);
const { count } = content.model.test;
const outputs = [];
let [wrong, unlike] = [0, 0];
for (let i = 0; i < count; i++) {
  const scores = engine.answer(engine.picture(i));
  wrong += different(scores, engine.golden(i));
  unlike += different(scores, engine.answer(engine.picture(i), true));
  outputs.push([...scores]);
}
const vectors = engine.goldenVectors();
const failures = vectors.filter(({ input, output }) => different(engine.answerBytes(input), output)).length;
const tensors = content.model.layers
  .filter((layer) => layer.offset >= 0)
  .map((layer) => [layer.name, [...engine.tensor(layer)]]);
const filters = content.model.layers
  .filter((layer) => layer.filters)
  .map((layer) => [layer.name, [...engine.filter(layer, 1)]]);
console.log(
  JSON.stringify({
    count,
    wrong,
    unlike,
    vectors: vectors.length,
    failures,
    outputs,
    tensors,
    filters,
    first: [...engine.picture(0)],
    model: engine.modelSha256(),
    constants: engine.constantsSha256(),
  }),
);
