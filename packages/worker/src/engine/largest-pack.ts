import { blocksFor } from "@gumshoe/engine";
import { countRowTokens, countTargets, type Pack } from "@gumshoe/grpo";
import type { PackSize } from "@gumshoe/memory";

/** The size of the pack with most rows. */
export function largestPack(packs: readonly Pack[]): PackSize {
  const sizes = packs.map((pack) => ({
    rows: countRowTokens(pack),
    targets: countTargets(pack),
    numBlocks: [pack.promptTokens, ...pack.answers.map(({ tokens }) => tokens)].reduce(
      (blocks, { length }) => blocks + blocksFor(length),
      0,
    ),
  }));
  return sizes.reduce((most, size) => (size.rows > most.rows ? size : most), {
    rows: 1,
    targets: 1,
    numBlocks: 1,
  });
}
