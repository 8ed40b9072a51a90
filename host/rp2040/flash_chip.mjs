// The flash chip of a Pico (Winbond W25Q16JV, data sheet rev. H) behind the RP2040's interface to it (its data sheet, 4.10):
// the commands that a second stage of the boot needs, and whether the chip can be read as memory. Takes the place of the
// registers in rp2040js, which answer nothing.

const READ = 0x03, READ_STATUS_1 = 0x05, WRITE_ENABLE = 0x06, WRITE_STATUS_2 = 0x31, READ_STATUS_2 = 0x35, FAST_READ_QUAD = 0xeb;
const QUAD_ENABLE = 0x02;
const CONTROL_0 = 0x00, ENABLE = 0x08, CHIP_SELECT = 0x10, STATUS = 0x28, DATA = 0x60, SPI_CONTROL = 0xf4;
const SENT_AND_NOT_FULL = 0x06, RECEIVED = 0x08;
const SEND_AND_RECEIVE = 0, COMMAND_THEN_RECEIVE = 3, FOUR_LINES = 2;

// What the chip itself keeps; status 2 stays without power, continuous reading ends with the boot ROM's part in a start.
export class FlashChip {
  status2 = 0;
  writable = false;
  continuous = false;

  // The bytes of one selection: what comes back, as many.
  transfer(sent) {
    const [command, value] = sent;
    if (command === WRITE_ENABLE) this.writable = true;
    else if (command === WRITE_STATUS_2 && this.writable) {
      this.status2 = value;
      this.writable = false;
    } else if (command === READ_STATUS_2) return [0, this.status2];
    else if (command !== READ_STATUS_1) throw new Error(`the flash chip got command ${command}, which no chip here knows`);
    return sent.map(() => 0);
  }
}

// The registers, as a peripheral of rp2040js. `changed(readable)` is called when the interface was set up.
export class FlashInterface {
  registers = new Map();
  sent = [];
  received = [];

  constructor(chip, changed) {
    this.chip = chip;
    this.changed = changed;
  }

  field(offset, lowest, bits) {
    return ((this.registers.get(offset) ?? 0) >>> lowest) & (2 ** bits - 1);
  }

  readUint32(offset) {
    if (offset === STATUS) {
      this.finish();
      return SENT_AND_NOT_FULL | (this.received.length ? RECEIVED : 0);
    }
    if (offset === DATA) return this.received.shift() ?? 0;
    return this.registers.get(offset) ?? 0;
  }

  writeUint32(offset, value) {
    if (offset === DATA) {
      if (this.field(ENABLE, 0, 1) && this.field(CHIP_SELECT, 0, 1)) this.sent.push(value >>> 0);
      return;
    }
    this.registers.set(offset, value >>> 0);
    if (offset !== ENABLE) return;
    this.sent = [];
    this.received = [];
    this.changed(value === 1 && this.readable());
  }

  writeUint32Atomic(offset, value, kind) {
    const before = this.readUint32(offset);
    this.writeUint32(offset, [value, before ^ value, before | value, before & ~value][kind]);
  }

  // The program waits until all is sent: the selection of the chip ends.
  finish() {
    const sent = this.sent.splice(0);
    if (!sent.length) return;
    const mode = this.field(CONTROL_0, 8, 2), lines = this.field(CONTROL_0, 21, 2);
    if (mode === SEND_AND_RECEIVE && lines === 0) {
      this.received.push(...this.chip.transfer(sent));
    } else if (mode === COMMAND_THEN_RECEIVE && lines === FOUR_LINES) {
      const [command, address] = sent;
      const understood = command === FAST_READ_QUAD && this.chip.status2 & QUAD_ENABLE && this.four(2, 1);
      this.chip.continuous = Boolean(understood && (address & 0x30) === 0x20);
      this.received.push(0);
    } else {
      throw new Error(`the flash chip was spoken to in mode ${mode} on lines ${lines}`);
    }
  }

  // Whether a read has so many lengths of command (2: 8 bits, 0: none), goes over four lines, and waits as the chip does.
  four(commandLength, kind) {
    const shape = [this.field(SPI_CONTROL, 8, 2), this.field(SPI_CONTROL, 2, 4), this.field(SPI_CONTROL, 11, 5)];
    return shape.join() === [commandLength, 8, 4].join() && this.field(SPI_CONTROL, 0, 2) === kind;
  }

  // Whether reads of the memory reach the chip as it understands them now.
  readable() {
    if (this.field(CONTROL_0, 8, 2) !== COMMAND_THEN_RECEIVE || this.field(CONTROL_0, 16, 5) !== 31) return false;
    const command = this.field(SPI_CONTROL, 24, 8);
    if (this.field(CONTROL_0, 21, 2) === FOUR_LINES) {
      return this.chip.continuous && this.four(0, 2) && (command & 0x30) === 0x20;
    }
    return !this.chip.continuous && command === READ && this.field(SPI_CONTROL, 8, 2) === 2;
  }
}
