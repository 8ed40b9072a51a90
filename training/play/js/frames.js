// Frames on a serial line: COBS, a CRC-32 with the session's key in it, and a sequence number; docs/protocol.md.

const NUMBERS_IN_SIGHT = 128;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

export function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

// No zero byte inside: each block starts with how far it is to the next zero.
export function cobsEncode(bytes) {
  const out = [0];
  let block = 0;
  bytes.forEach((byte, i) => {
    if (byte !== 0) out.push(byte);
    const length = out.length - block;
    if (byte === 0 || (length === 255 && i < bytes.length - 1)) {
      out[block] = length;
      block = out.push(0) - 1;
    }
  });
  out[block] = out.length - block;
  return out;
}

// null where it is no such encoding.
export function cobsDecode(bytes) {
  const out = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes[at];
    if (length === 0 || at + length > bytes.length) return null;
    for (let i = at + 1; i < at + length; i++) out.push(bytes[i]);
    at += length;
    if (length < 255 && at < bytes.length) out.push(0);
  }
  return Uint8Array.from(out);
}

function key(session, sequence) {
  return sequence ? (session + (sequence >>> 8)) >>> 0 : 0;
}

// The bytes on the wire, with the closing zero.
export function encodeFrame(type, sequence, payload, session) {
  const body = new Uint8Array(payload.length + 6);
  body.set([type, sequence & 255]);
  body.set(payload, 2);
  const check = (crc32(body.subarray(0, -4)) ^ key(session, sequence)) >>> 0;
  new DataView(body.buffer).setUint32(payload.length + 2, check, true);
  return Uint8Array.from([...cobsEncode(body), 0]);
}

export class Decoder {
  constructor() {
    Object.assign(this, { session: 0, newest: 0, pending: [] });
  }

  // The frames completed by these bytes: [{type, sequence, payload}].
  push(bytes) {
    const frames = [];
    for (const byte of bytes) {
      if (byte !== 0) this.pending.push(byte);
      else if (this.pending.length) {
        const frame = this.decode(this.pending);
        this.pending = [];
        if (frame) frames.push(frame);
      }
    }
    return frames;
  }

  decode(chunk) {
    const body = cobsDecode(chunk);
    if (!body || body.length < 6) return null;
    const payload = body.slice(2, -4);
    const found = (crc32(body.subarray(0, -4)) ^ new DataView(body.buffer).getUint32(body.length - 4, true)) >>> 0;
    const [type, low] = body;
    if (low === 0 && found === 0) return { type, sequence: 0, payload };
    const sequence = this.newest + ((low - this.newest + NUMBERS_IN_SIGHT) & 255) - NUMBERS_IN_SIGHT;
    if (!this.session || sequence <= 0 || found !== key(this.session, sequence)) return null;
    this.newest = Math.max(this.newest, sequence);
    return { type, sequence, payload };
  }
}
