// A device on a serial line: a port of the browser (Web Serial), or anything with two streams of bytes, readable and
// writable. One request at a time; one without an answer is sent again under its number, and is not computed twice.
import { Decoder, encodeFrame } from "./frames.js";
import { packMessage, unpackMessage } from "./messages.js";

const HELLO_MS = 300;
const HELLOS = 30;
const TRIES = 8;

export class SerialDevice {
  // port: open, with readable and writable. protocol: the layouts.
  constructor(port, protocol) {
    Object.assign(this, { protocol, decoder: new Decoder(), sequence: 0, waiting: null, bytesReceived: 0 });
    this.writer = port.writable.getWriter();
    this.reader = port.readable.getReader();
    this.listening = this.listen().catch((error) => {
      this.lost = error;
      this.waiting?.take(null);
    });
  }

  async listen() {
    for (;;) {
      const { value, done } = await this.reader.read();
      if (done) return;
      this.bytesReceived += value.length;
      for (const frame of this.decoder.push(value)) {
        if (this.waiting?.wants(frame)) this.waiting.take(frame);
      }
    }
  }

  // Begins a session; who it is. Throws where no device answers.
  async hello() {
    const { Hello, HelloReply } = this.protocol;
    const session = 1 + Math.floor(Math.random() * 0xfffffeff);
    Object.assign(this.decoder, { session, newest: 0 });
    this.sequence = 0;
    const request = encodeFrame(Hello.id, 0, packMessage(Hello, { session }), 0);
    for (let i = 0; i < HELLOS; i++) {
      const frame = await this.ask(request, HELLO_MS, ({ type }) => type === HelloReply.id);
      const reply = frame && unpackMessage(HelloReply, frame.payload);
      if (reply?.session === session) return reply;
    }
    throw new Error(
      this.bytesReceived
        ? "Bytes come, but no answer: is this firmware on it?"
        : "No answer: is the board on, and flashed?",
    );
  }

  // input: int8. Returns {output: int8, ticks}. Throws where the device refuses or stays silent.
  async infer(input) {
    const { Infer, InferReply, ErrorReply } = this.protocol;
    if (this.sequence === 0xffff) await this.hello();
    const sequence = ++this.sequence;
    this.decoder.newest = Math.max(this.decoder.newest, sequence);
    const request = encodeFrame(
      Infer.id,
      sequence,
      new Uint8Array(input.buffer, input.byteOffset, input.length),
      this.decoder.session,
    );
    for (let i = 0; i < TRIES; i++) {
      const frame = await this.ask(
        i ? Uint8Array.from([0, ...request]) : request,
        500 * 2 ** Math.min(i, 4),
        (one) => one.sequence === sequence,
      );
      if (frame?.type === ErrorReply.id)
        throw new Error(`The device refused: ${unpackMessage(ErrorReply, frame.payload).text}`);
      if (frame?.type === InferReply.id) {
        const { ticks, output } = unpackMessage(InferReply, frame.payload);
        return { ticks, output: new Int8Array(output.buffer) };
      }
    }
    throw new Error("The device stopped answering.");
  }

  // The first frame that is wanted after the request; null where none comes in time.
  async ask(request, milliseconds, wants) {
    if (this.lost) throw new Error(`The device was lost: ${this.lost.message}`);
    let timer;
    const answer = new Promise((resolve) => {
      this.waiting = { wants, take: resolve };
      timer = setTimeout(() => resolve(null), milliseconds);
    });
    await this.writer.write(request);
    const frame = await answer;
    clearTimeout(timer);
    this.waiting = null;
    return frame;
  }

  async close() {
    await this.reader.cancel().catch(() => {});
    await this.writer.close().catch(() => {});
    this.reader.releaseLock();
    this.writer.releaseLock();
  }
}

// A device behind the server that brought this page (`tinyproof play --live`).
export class LiveDevice {
  constructor(path) {
    this.path = path;
  }

  async hello() {
    return (await this.fetch("device")).json();
  }

  async infer(input) {
    const answer = await (await this.fetch("infer", { method: "POST", body: input })).json();
    return { ticks: answer.ticks, output: Int8Array.from(answer.output) };
  }

  async fetch(what, options = {}) {
    const answer = await fetch(`${this.path}/${what}`, options).catch(() => {
      throw new Error("The server of this page does not answer: is make play LIVE=1 still running?");
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer;
  }

  async close() {}
}
