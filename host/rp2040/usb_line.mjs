// The line over USB: the host's side of a serial port, by rp2040js' USBCDC, which sets the device up and opens the port.

export class UsbLine {
  constructor(write, library) {
    this.write = write;
    this.library = library;
    this.waiting = [];
    this.place = 0; // of the next byte, in the first of `waiting`
    this.leaving = [];
  }

  // Whether the firmware can take what has come for it.
  get busy() {
    return this.waiting.length > 0 && this.wanted > 0;
  }

  attach(chip) {
    const { USBCDC } = this.library;
    this.usb = chip.usbCtrl;
    this.wanted = 0; // bytes of a packet that the firmware is ready for
    const host = new USBCDC(this.usb);
    host.onSerialData = (bytes) => this.leaving.push(...bytes);
    // A host that has nothing to send asks nothing of the device; USBCDC would send empty packets.
    this.usb.onEndpointRead = (endpoint, size) => {
      if (endpoint !== host.outEndpoint) return;
      this.wanted = size;
      this.deliver();
    };
    this.endpoint = () => host.outEndpoint;
  }

  receive(bytes) {
    this.waiting.push(bytes);
    this.deliver();
  }

  flush() {
    if (this.leaving.length) this.write(Uint8Array.from(this.leaving.splice(0)));
  }

  // The next packet, where there is one and the firmware is ready.
  deliver() {
    if (!this.busy) return;
    const first = this.waiting[0].subarray(this.place);
    const packet = first.subarray(0, this.wanted);
    this.place += packet.length;
    if (packet.length === first.length) {
      this.waiting.shift();
      this.place = 0;
    }
    this.wanted = 0;
    this.usb.endpointReadDone(this.endpoint(), packet);
  }
}
