// A Raspberry Pi Pico as a process: the bytes of standard input and output are its serial line.
//
//     node device.mjs FOLDER_OF_RP2040JS firmware.uf2 usb|uart
//
// Time is the chip's: it passes as fast as this computer computes, and stands still while there is nothing to do.
// Called by rp2040_device.py.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { BootLoader, chipOf, Reset } from './chip.mjs';
import { FlashChip } from './flash_chip.mjs';
import { UartLine } from './uart_line.mjs';
import { UsbLine } from './usb_line.mjs';
import { readUf2 } from './uf2.mjs';

const SLICE = 100_000; // instructions, before the line is looked after
const REST_NANOS = 50e6; // of the chip's time, with nothing to do, before it stands still

const [, , folder, image, link] = process.argv;
const library = await import(pathToFileURL(join(folder, 'dist', 'esm', 'index.js')).href);
const { SimulationClock } = await import(pathToFileURL(join(folder, 'dist', 'esm', 'clock', 'simulation-clock.js')).href);
const Chip = chipOf({ ...library, SimulationClock });

const send = (bytes) => process.stdout.write(bytes);

function stop(why) {
  process.stderr.write(`the firmware stopped: ${why}\n`);
  process.exit(1);
}

class Machine {
  constructor(program) {
    this.program = program;
    this.flashChip = new FlashChip();
    this.line = link === 'uart' ? new UartLine(send) : new UsbLine(send, library);
    this.start(null);
  }

  start(before) {
    this.chip = new Chip(this.program, this.flashChip, before);
    this.line.attach(this.chip);
    this.rested = 0;
  }

  // Runs for a while; false when there is nothing to do before something is received.
  slice() {
    try {
      return this.run();
    } catch (event) {
      if (event instanceof BootLoader) stop('it asked for the boot loader, whose drive only a real board has');
      if (!(event instanceof Reset)) throw event;
      this.start(this.chip);
      return true;
    } finally {
      this.line.flush();
    }
  }

  run() {
    const { chip } = this, { clock, core } = chip;
    const cycle = 1e9 / chip.clkSys;
    for (let i = 0; i < SLICE; i++) {
      if (!core.waiting && !chip.locked) clock.tick(chip.executeOne() * cycle);
      else if (!this.rest()) return false;
    }
    return true;
  }

  // The processor waits for an interrupt, or for the watchdog: on to the next event, unless nothing is to be expected.
  rest() {
    const { chip } = this, { clock, core } = chip;
    if (chip.locked && !chip.watchdog.timer.enable) stop('a fault within a fault, and no watchdog');
    if (!chip.locked && (core.pendingSystick || core.pendingInterrupts & core.enabledInterrupts)) {
      core.waiting = false;
      return true;
    }
    if (!chip.locked && !this.line.busy && this.rested > REST_NANOS) return false;
    const step = clock.nanosToNextAlarm;
    this.rested += step;
    clock.tick(step);
    return true;
  }
}

let machine, running = false;

function go() {
  try {
    running = machine.slice();
    if (running) setImmediate(go);
  } catch (error) {
    stop(error.message);
  }
}

function wake() {
  machine.rested = 0;
  if (!running) {
    running = true;
    setImmediate(go);
  }
}

try {
  machine = new Machine(readUf2(readFileSync(image)));
} catch (error) {
  stop(error.message);
}
process.stdin.on('data', (bytes) => {
  machine.line.receive(bytes);
  wake();
});
for (const end of ['end', 'error']) process.stdin.on(end, () => process.exit(0)); // the line was closed
process.stdout.on('error', () => process.exit(0));
wake();
