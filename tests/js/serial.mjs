// The page's half of the protocol against real firmware: a process whose standard input and output are its serial line.
// The line loses a request and damages another; the answers come on standard output as JSON.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";

const [modules, page, ...command] = process.argv.slice(2);
const { SerialDevice } = await import(`${pathToFileURL(modules)}/serial.js`);
const { Engine } = await import(`${pathToFileURL(modules)}/engine.js`);
const content = JSON.parse(
  readFileSync(page, "utf8").match(/<script type="application\/json" id="content">(.*?)<\/script>/s)[1],
);
const engine = await Engine.open(content.model);
const firmware = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
const wire = Writable.toWeb(firmware.stdin).getWriter();
let sent = 0;
const writable = new WritableStream({
  write(chunk) {
    sent += 1;
    if (sent === 3) return undefined;
    if (sent === 6) return wire.write(chunk.map((byte, i) => (i === 50 ? byte ^ 1 || 2 : byte)));
    return wire.write(chunk);
  },
});
const device = new SerialDevice({ readable: Readable.toWeb(firmware.stdout), writable }, content.link.protocol);
const hello = await device.hello();
const outputs = [];
for (let i = 0; i < 270; i++) {
  const input = Int8Array.from(engine.picture(i % content.model.test.count), (pixel) => engine.byteOfPixel[pixel]);
  outputs.push([...(await device.infer(input)).output]);
}
let refused = "";
await device.infer(new Int8Array(5)).catch((error) => {
  refused = error.message;
});
console.log(
  JSON.stringify({
    board: hello.board,
    engine: hello.engine,
    sha256: Buffer.from(hello.model_sha256).toString("hex"),
    inputs: hello.inputs,
    outputs,
    refused,
    requests: sent,
  }),
);
firmware.kill();
process.exit(0);
