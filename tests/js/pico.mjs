// The emulated Pico seen from inside: node pico.mjs FOLDER_OF_RP2040JS firmware.uf2 SCENARIO; prints JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { BootLoader, chipOf } from '../../host/rp2040/chip.mjs';
import { FlashChip } from '../../host/rp2040/flash_chip.mjs';
import { UsbLine } from '../../host/rp2040/usb_line.mjs';
import { readUf2 } from '../../host/rp2040/uf2.mjs';

const [, , folder, image, scenario] = process.argv;
const library = await import(join(folder, 'dist/esm/index.js'));
const { SimulationClock } = await import(join(folder, 'dist/esm/clock/simulation-clock.js'));
const Chip = chipOf({ ...library, SimulationClock });
const WATCHDOG_SELECTS = 0x40010008, PAD_RX = 0x4001c008;

function run(chip, until, instructions = 2e6) {
  for (let i = 0; i < instructions && !until(); i++) {
    if (chip.core.waiting) {
      chip.core.waiting = !(chip.core.pendingSystick || chip.core.pendingInterrupts & chip.core.enabledInterrupts);
      if (chip.core.waiting) chip.clock.tick(chip.clock.nanosToNextAlarm);
    } else {
      chip.clock.tick(chip.executeOne() * 8);
    }
  }
}

// A start up to the open line, with a flash chip whose four lines are not enabled, or are.
function start(status2) {
  const flashChip = new FlashChip();
  flashChip.status2 = status2;
  const chip = new Chip(readUf2(readFileSync(image)), flashChip, null);
  run(chip, () => chip.core.enabledInterrupts);
  return {
    clkSys: chip.clkSys,
    clkPeri: chip.clkPeri,
    usb: chip.pllUsb.frequency,
    baud: chip.uart[0].baudDivider ? chip.uart[0].baudRate : 0,
    vectors: chip.core.VTOR,
    watchdogResets: chip.readUint32(WATCHDOG_SELECTS),
    watchdogOn: chip.watchdog.timer.enable,
    rxPad: chip.readUint32(PAD_RX),
    pins: [0, 1, 25].map((pin) => chip.gpio[pin].ctrl & 31),
    flash: { status2: flashChip.status2, continuous: flashChip.continuous },
  };
}

// What a host at the bus hears: each request is [bmRequestType, bRequest, wValue, wIndex, wLength, data to the device].
function talk(requests) {
  const chip = new Chip(readUf2(readFileSync(image)), new FlashChip(), null);
  const line = new UsbLine(() => {}, library);
  line.attach(chip);
  const usb = chip.usbCtrl, answers = [];
  const packets = [];
  const wrote = usb.onEndpointWrite;
  run(chip, () => line.endpoint() > 0 && chip.core.waiting);
  usb.onEndpointWrite = (endpoint, bytes) => (endpoint === 0 ? packets.push([...bytes]) : wrote(endpoint, bytes));
  const read = usb.onEndpointRead;
  for (const [type, request, value, index, length, data] of requests) {
    packets.length = 0;
    usb.onEndpointRead = (endpoint, size) => {
      if (endpoint === 0) usb.endpointReadDone(0, Uint8Array.from(data ?? []));
      else read(endpoint, size);
    };
    chip.usbDPRAMView.setUint32(0x80, 0, true);
    usb.sendSetupPacket(Uint8Array.of(type, request, value & 255, value >> 8, index & 255, index >> 8, length & 255, length >> 8));
    let entered = false;
    try {
      run(chip, () => false, 4000);
    } catch (event) {
      if (!(event instanceof BootLoader)) throw event;
      entered = true;
    }
    const stalled = Boolean(chip.usbDPRAMView.getUint32(0x80, true) & (1 << 11));
    answers.push({ packets: packets.map((bytes) => [...bytes]), stalled, entered, address: usb.addrEndp });
    if (entered) break;
  }
  return answers;
}

console.log(JSON.stringify(scenario === 'start' ? [0, 2].map(start) : talk(JSON.parse(scenario))));
