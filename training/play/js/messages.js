// Messages as bytes, by the layouts that Python's table of the protocol gives: {name: {id, fields: [[name, kind]]}}.

const SCALARS = { u8: ["Uint8", 1], u16: ["Uint16", 2], u32: ["Uint32", 4], i32: ["Int32", 4], f32: ["Float32", 4] };

export function packMessage(layout, values) {
  const parts = layout.fields.map(([name, kind]) => {
    if (kind === "rest") return values[name];
    const [type, size] = SCALARS[kind];
    const part = new Uint8Array(size);
    new DataView(part.buffer)[`set${type}`](0, values[name], true);
    return part;
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

// Throws a RangeError where the payload ends early.
export function unpackMessage(layout, payload) {
  const reader = new Reader(payload);
  return Object.fromEntries(layout.fields.map(([name, kind]) => [name, reader.read(kind)]));
}

class Reader {
  constructor(payload) {
    Object.assign(this, { payload, at: 0, view: new DataView(payload.buffer, payload.byteOffset, payload.length) });
  }

  take(size) {
    if (this.at + size > this.payload.length) throw new RangeError("a message ended early");
    this.at += size;
    return this.payload.slice(this.at - size, this.at);
  }

  read(kind) {
    if (kind in SCALARS) {
      const [type, size] = SCALARS[kind];
      this.at += size;
      return this.view[`get${type}`](this.at - size, true);
    }
    if (kind === "sha256") return this.take(32);
    if (kind === "text") return new TextDecoder().decode(this.take(this.read("u8")));
    if (kind === "rest") return this.take(this.payload.length - this.at);
    return Array.from({ length: this.read("u8") }, () => {
      const shape = Array.from({ length: this.read("u8") }, () => this.read("u16"));
      return { shape, scale: this.read("f32"), zero_point: this.read("i32") };
    });
  }
}
