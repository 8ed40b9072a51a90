// The RP2040 of the npm package rp2040js, with what that leaves to its user: the boot ROM's part in a start, faults as a
// Cortex-M0+ raises them, and resets.
import { FlashInterface } from './flash_chip.mjs';

const FLASH = 0x10000000, SRAM = 0x20000000, SRAM_BYTES = 264 * 1024, BOOT2_BYTES = 256;
const BOOT2_RUNS_AT = SRAM + SRAM_BYTES - BOOT2_BYTES;
const SSI = 0x18000, WATCHDOG = 0x40058;
const HARD_FAULT = 3, HIGHEST = [2, 3]; // within a fault or an NMI another fault locks the processor up

class Fault extends Error {}
export class Reset {} // thrown when the watchdog resets the chip
export class BootLoader {} // thrown when the program asks the boot ROM for its drive

// Of the boot ROM's functions the one that starts its boot loader, and the one that finds it by its name (data sheet 2.8.3).
const ROM = { 0x14: 0x0100, 0x18: 0x0041, 0x40: 0x47702061, 0x60: 0xe7febeb0 }; // mov r0, #0x61; bx lr; and bkpt #0xb0
const IN_BOOT_LOADER = 0xb0;

// CRC-32 as the boot ROM counts it: highest bit first, not inverted at the end.
function checksum(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc < 0 ? 0x04c11db7 : 0);
  }
  return crc >>> 0;
}

export const chipOf = ({ RP2040, SimulationClock }) => class Chip extends RP2040 {
  // `program` (16 MB,): the content of flash. `before`: the chip before a reset that does not cut the power.
  constructor(program, flashChip, before) {
    super(new SimulationClock());
    this.flash.set(program);
    this.flash16 = new Uint16Array(0); // not readable before the second stage has set it up
    this.flash32 = new Uint32Array(0);
    this.sram16 = new Uint16Array(this.sram.buffer);
    this.sram32 = new Uint32Array(this.sram.buffer);
    this.locked = false;
    this.watchdog = this.peripherals[WATCHDOG];
    this.peripherals[SSI] = new FlashInterface(flashChip, (readable) => {
      this.flash16 = new Uint16Array(this.flash.buffer, 0, readable ? undefined : 0);
      this.flash32 = new Uint32Array(this.flash.buffer, 0, readable ? undefined : 0);
    });
    this.watchdog.onWatchdogTrigger = () => {
      throw new Reset();
    };
    const refuse = (component, message) => {
      if (component === 'RP2040' || component === 'CortexM0Core') throw new Fault(message);
    };
    this.logger = { debug() {}, info() {}, warn: refuse, error: refuse };
    this.onBreak = (code) => {
      throw code === IN_BOOT_LOADER ? new BootLoader() : new Fault('a breakpoint, with no debugger');
    };
    for (const [address, word] of Object.entries(ROM)) this.bootrom[address / 4] = word;
    if (before) {
      this.sram.set(before.sram);
      this.watchdog.scratchData.set(before.watchdog.scratchData);
      this.watchdog.reason = before.watchdog.reason;
    }
    flashChip.continuous = false;
    this.startSecondStage();
  }

  // What the boot ROM does with a chip that has a program (data sheet 2.8.1.3).
  startSecondStage() {
    const stage = this.flash.subarray(0, BOOT2_BYTES);
    const stored = new DataView(stage.buffer).getUint32(BOOT2_BYTES - 4, true);
    if (checksum(stage.subarray(0, -4)) !== stored) {
      throw new Error('the boot ROM finds no program: the checksum of the first 256 bytes of flash is wrong');
    }
    this.sram.set(stage, BOOT2_RUNS_AT - SRAM);
    this.core.SP = BOOT2_RUNS_AT;
    this.core.LR = 0;
    this.core.PC = BOOT2_RUNS_AT;
  }

  // One instruction; returns its cycles. Reset when the watchdog's time is over.
  executeOne() {
    const { core } = this, at = core.PC;
    try {
      return core.executeInstruction();
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.raise(at);
      return 1;
    }
  }

  raise(at) {
    const { core } = this;
    if (HIGHEST.includes(core.IPSR)) {
      this.locked = true;
      return;
    }
    core.PC = at;
    try {
      core.exceptionEntry(HARD_FAULT);
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      this.locked = true; // no stack to keep the registers on
    }
  }

  readUint32(address) {
    if (address & 3) throw new Fault('a read that is not aligned');
    const page = address >>> 24;
    if (page === 0x10) return known(this.flash32[(address & 0xffffff) >> 2]);
    if (page === 0x20 && address < SRAM + SRAM_BYTES) return this.sram32[(address - SRAM) >> 2];
    return super.readUint32(address);
  }

  readUint16(address) {
    if (address & 1) throw new Fault('a read that is not aligned');
    const page = address >>> 24;
    if (page === 0x10) return known(this.flash16[(address & 0xffffff) >> 1]);
    if (page === 0x20 && address < SRAM + SRAM_BYTES) return this.sram16[(address - SRAM) >> 1];
    return super.readUint16(address);
  }

  readUint8(address) {
    const page = address >>> 24;
    if (page === 0x10) {
      const both = known(this.flash16[(address & 0xffffff) >> 1]);
      return address & 1 ? both >> 8 : both & 0xff;
    }
    return super.readUint8(address);
  }

  writeUint32(address, value) {
    if (address & 3) throw new Fault('a write that is not aligned');
    const page = address >>> 24;
    if (page === 0x20 && address < SRAM + SRAM_BYTES) this.sram32[(address - SRAM) >> 2] = value;
    else if (page <= 0x13) throw new Fault('a write to ROM or flash');
    else super.writeUint32(address, value);
  }

  writeUint16(address, value) {
    if (address & 1) throw new Fault('a write that is not aligned');
    super.writeUint16(address, value);
  }
};

function known(value) {
  if (value === undefined) throw new Fault('a read of flash that no read mode was set up for');
  return value;
}
