// What Python put into the page: plain values as JSON, arrays as zlib in base64.

export function base64Bytes(text) {
  const letters = atob(text);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

// The bytes that `packed` packed.
export async function unpack(text) {
  const stream = new Blob([base64Bytes(text)]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Pictures that `packed_pictures` packed: Uint8Array (N,H,W,C), one after the other.
export async function unpackPictures(text, width, channels) {
  const pixels = await unpack(text);
  const row = width * channels;
  for (let start = 0; start < pixels.length; start += row) {
    for (let i = start + channels; i < start + row; i++) pixels[i] += pixels[i - channels];
  }
  return pixels;
}

export function hex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
