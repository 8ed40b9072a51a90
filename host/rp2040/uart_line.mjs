// The line at UART0: each byte that comes takes as long as it does at the speed that the firmware has set, in the chip's
// time. Bytes wait until the UART is on; then one that finds its FIFO full is lost, as on a wire.

const BITS = 10; // of a byte, with start and stop

export class UartLine {
  constructor(write) {
    this.write = write;
    this.waiting = [];
    this.place = 0; // of the next byte, in the first of `waiting`
    this.leaving = [];
  }

  get busy() {
    return this.waiting.length > 0;
  }

  attach(chip) {
    this.uart = chip.uart[0];
    this.uart.onByte = (byte) => this.leaving.push(byte);
    this.arrival = chip.clock.createAlarm(() => this.arrive());
    if (this.busy) this.schedule();
  }

  receive(bytes) {
    if (!this.busy) this.schedule();
    this.waiting.push(bytes);
  }

  flush() {
    if (this.leaving.length) this.write(Uint8Array.from(this.leaving.splice(0)));
  }

  schedule() {
    const baud = this.uart.enabled && this.uart.baudDivider ? this.uart.baudRate : 115200;
    this.arrival.schedule((1e9 * BITS) / baud);
  }

  arrive() {
    if (this.uart.enabled) {
      const [first] = this.waiting;
      this.uart.feedByte(first[this.place++]);
      if (this.place === first.length) {
        this.waiting.shift();
        this.place = 0;
      }
    }
    if (this.busy) this.schedule();
  }
}
