/** Returns term i, from 1, of the Luby sequence 1 1 2 1 1 2 4 1 1 2 1 1 2 4 8 ... */
export function luby(term: number): number {
  let size = 1;
  let power = 0;
  while (size < term) {
    size = 2 * size + 1;
    power++;
  }
  let rest = term - 1;
  while (size - 1 !== rest) {
    size = (size - 1) >> 1;
    power--;
    rest %= size;
  }
  return 2 ** power;
}
