// The device room: what is on the sheet goes to a real device, too; its answer stands beside the page's, byte by byte.
import { element, find } from "./dom.js";
import { inBytes, said, wordsOf } from "./verdict.js";
import { hex } from "./data.js";
import { different, largest } from "./engine.js";
import { LiveDevice, SerialDevice } from "./serial.js";

export class DeviceRoom {
  // link: {protocol, boards, live, baud} of the page's content.
  constructor(engine, link) {
    Object.assign(this, { engine, link, device: null, busy: false, next: null, last: null });
    this.reset();
    find("connect").addEventListener("click", () => (this.device ? this.leave("Disconnected.") : this.choose()));
    find("stream").hidden = !engine.content.test.count;
    find("stream").addEventListener("click", () => this.stream());
    const canConnect = link.live || "serial" in navigator;
    find("connect").hidden = !canConnect;
    find("no-serial").hidden = canConnect;
    if (link.live) this.meet(new LiveDevice(link.live));
    this.show(null);
  }

  reset() {
    this.counts = { pictures: 0, bytes: 0, wrong: 0, milliseconds: 0 };
  }

  async choose() {
    if (this.link.live) return this.meet(new LiveDevice(this.link.live));
    let port;
    try {
      port = await navigator.serial.requestPort();
      await port.open({ baudRate: this.link.baud, bufferSize: 65536 });
      const { usbVendorId, usbProductId } = port.getInfo();
      const board = this.link.boards.find(({ vendor, product }) => vendor === usbVendorId && product === usbProductId);
      await port.setSignals({ dataTerminalReady: Boolean(board?.dtr), requestToSend: false });
    } catch (error) {
      await port?.close().catch(() => {});
      if (error.name !== "NotFoundError") this.say(`The port cannot be opened: ${error.message}`, "bad");
      return null;
    }
    this.port = port;
    return this.meet(new SerialDevice(port, this.link.protocol));
  }

  async meet(device) {
    this.say("Asking who is there\u2026");
    try {
      this.hello = await device.hello();
      this.check();
    } catch (error) {
      await this.leave(error.message, "bad");
      return;
    }
    this.device = device;
    this.reset();
    const { board, engine, self_test_vectors: vectors, self_test_failures: failures } = this.hello;
    this.say(
      `${board}, engine ${engine}, answers with this very model. Its self-test: ${failures} of ${vectors} golden vectors wrong.`,
      failures ? "bad" : "good",
    );
    find("connect").textContent = "Disconnect";
    find("stream").disabled = false;
    if (this.last) this.send(...this.last);
  }

  check() {
    const sha256 = typeof this.hello.model_sha256 === "string" ? this.hello.model_sha256 : hex(this.hello.model_sha256);
    if (this.hello.fault) throw new Error(`The device cannot run its model: ${this.hello.fault}`);
    if (sha256 !== this.engine.content.sha256) {
      throw new Error(
        `The device runs another model, ${sha256.slice(0, 12)}, not ${this.engine.content.sha256.slice(0, 12)}: build and flash this one.`,
      );
    }
  }

  async leave(reason, kind = "") {
    const { device, port } = this;
    Object.assign(this, { device: null, port: null, next: null });
    find("connect").textContent = this.link.live ? "Connect again" : "Connect a board";
    find("stream").disabled = true;
    await device?.close();
    await port?.close().catch(() => {});
    this.say(reason, kind);
  }

  // After every answer of the page. A device that is busy gets the newest picture once it is done.
  answered(pixels, bytes, took) {
    this.last = [Int8Array.from(pixels, (pixel) => this.engine.byteOfPixel[pixel]), bytes, took];
    if (this.device) this.send(...this.last);
    else this.show(null);
  }

  async send(input, bytes, took) {
    if (this.busy || this.streaming) {
      this.next = [input, bytes, took];
      return;
    }
    const answer = await this.ask(input, bytes);
    if (answer) this.show({ ...answer, bytes, took });
    if (this.next && this.device) {
      const waiting = this.next;
      this.next = null;
      this.send(...waiting);
    }
  }

  // One picture to the device, counted; null where that was its last.
  async ask(input, bytes) {
    this.busy = true;
    const begun = performance.now();
    try {
      const { output, ticks } = await this.device.infer(input);
      const milliseconds = performance.now() - begun;
      const wrong = different(output, bytes);
      const { counts } = this;
      Object.assign(counts, {
        pictures: counts.pictures + 1,
        bytes: counts.bytes + bytes.length,
        wrong: counts.wrong + wrong,
        milliseconds: counts.milliseconds + milliseconds,
      });
      return { output, ticks, milliseconds, wrong };
    } catch (error) {
      await this.leave(error.message, "bad");
      return null;
    } finally {
      this.busy = false;
    }
  }

  // Every test picture of the page through the device.
  async stream() {
    this.reset();
    this.streaming = true;
    find("stream").disabled = true;
    for (let i = 0; i < this.engine.content.test.count && this.device; i++) {
      const pixels = this.engine.picture(i);
      const bytes = this.engine.answer(pixels);
      const answer = await this.ask(
        Int8Array.from(pixels, (pixel) => this.engine.byteOfPixel[pixel]),
        bytes,
      );
      if (answer) this.total();
    }
    this.streaming = false;
    find("stream").disabled = !this.device;
  }

  show(answer) {
    const { engine } = this;
    const row = (name, bytes, time) => {
      const best = bytes ? largest(bytes) : -1;
      const cells = bytes
        ? [
            said(engine, bytes),
            engine.content.kind === "numbers" ? "" : wordsOf(engine, bytes[best]),
            time,
            inBytes(bytes),
          ]
        : ["\u2013", "", "", ""];
      return element(
        "tr",
        {},
        element("th", { scope: "row", text: name }),
        ...cells.map((text) => element("td", { text })),
      );
    };
    const page = answer ? answer.bytes : this.last?.[1];
    const took = answer ? answer.took : (this.last?.[2] ?? 0);
    find("side-by-side").replaceChildren(
      row("this page", page, `${took.toFixed(1)} ms`),
      row(
        "the device",
        answer?.output,
        answer ? `${this.time(answer.ticks)}${answer.milliseconds.toFixed(1)} ms with the line` : "",
      ),
    );
    find("verdict-of-device").textContent = !answer
      ? ""
      : answer.wrong
        ? `${answer.wrong} of ${page.length} bytes differ`
        : `All ${page.length} bytes are equal.`;
    find("verdict-of-device").className = !answer ? "" : answer.wrong ? "bad" : "good";
    this.total();
  }

  // What the device's counter says of one inference.
  time(ticks) {
    const { counter_numerator: numerator, counter_denominator: denominator, counter_unit: unit } = this.hello;
    const count = Math.round((ticks * numerator) / denominator);
    return count ? `${count.toLocaleString("en")} ${unit}, ` : "";
  }

  total() {
    const { pictures, bytes, wrong, milliseconds } = this.counts;
    const differ = `${wrong.toLocaleString("en")} of ${bytes.toLocaleString("en")} bytes differ`;
    const rate = Math.round((1000 * pictures) / milliseconds);
    find("total-of-device").textContent = pictures
      ? `So far ${pictures.toLocaleString("en")} pictures: ${differ}, ${rate} answers a second.`
      : "";
  }

  say(text, kind = "") {
    find("device-status").textContent = text;
    find("device-status").className = `note ${kind}`;
  }
}
