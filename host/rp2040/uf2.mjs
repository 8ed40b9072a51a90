// Reads a UF2 file as the RP2040's boot ROM does, into the content of a flash chip.

const BLOCK_BYTES = 512, FLASH = 0x10000000, FLASH_BYTES = 2 * 1024 * 1024, ERASED = 0xff;
const FIRST_MAGIC = 0x0a324655, SECOND_MAGIC = 0x9e5d5157, LAST_MAGIC = 0x0ab16f30;
const FAMILY_GIVEN = 0x2000, RP2040_FAMILY = 0xe48bff56, PAGE_BYTES = 256;

export function readUf2(file) {
  const flash = new Uint8Array(FLASH_BYTES).fill(ERASED);
  const blocks = file.length / BLOCK_BYTES;
  for (let number = 0; number < blocks; number++) {
    const word = (offset) => file.readUInt32LE(number * BLOCK_BYTES + offset);
    const head = [0, 4, 8, 16, 20, 24, 28, 508].map(word);
    const wanted = [FIRST_MAGIC, SECOND_MAGIC, FAMILY_GIVEN, PAGE_BYTES, number, blocks, RP2040_FAMILY, LAST_MAGIC];
    const place = word(12) - FLASH;
    if (head.some((value, i) => value !== wanted[i]) || place % PAGE_BYTES || place < 0 || place >= FLASH_BYTES) {
      throw new Error(`block ${number} of the UF2 file is none for an RP2040 with 2 MB of flash`);
    }
    const data = number * BLOCK_BYTES + 32;
    flash.set(file.subarray(data, data + PAGE_BYTES), place);
  }
  return flash;
}
