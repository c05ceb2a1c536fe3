/**
 * The characters by which byte-level tokenizers write bytes: printable characters stand for themselves, the other
 * 68 bytes for the characters from U+0100 on. So a token is readable text without white space.
 *
 * @source GPT-2's vocabulary
 */
export const BYTE_LETTERS: readonly string[] = byteLetters();

function byteLetters(): string[] {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const printable =
      (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    return String.fromCharCode(printable ? byte : next++);
  });
}
