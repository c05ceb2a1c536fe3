/**
 * Inspects a run on this machine: `node scripts/debug.mjs COMMAND RUN-FOLDER ...`. It only reads
 * the folder; the cluster may be running or not.
 */
import { parseArgs } from "node:util";

import { main, setUp } from "./setup/set-up.mjs";

const HELP = `Usage: node scripts/debug.mjs <command> <folder of a run> ...

  group <folder> <key>                        a group as it was handed in: texts, tokens, log-probs
  replay <folder> <key>                       sample a group again here, and compare every bit
  lane <folder> <iteration> <update> <lane>   the packs of a lane, as JSON lines; all count from 0

Options:
  --threads <n>   threads of replay (default: 1)

A key is <iteration>/train/<task>, e.g. 0/train/3.
`;

// Not an error: `debug.mjs lane ... | head` closes the pipe early.
process.stdout.on("error", () => process.exit(0));

await main(async () => {
  const options = { threads: { type: "string", default: "1" }, help: { type: "boolean" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [command, folder, ...rest] = positionals;
  if (values.help === true || folder === undefined) {
    process.stdout.write(HELP);
    return values.help === true ? 0 : 2;
  }
  await setUp({ redis: false });
  const { replayGroup, showGroup, showLane } = await import("./debug/commands.mjs");
  const { RunFolder } = await import("./debug/run-folder.mjs");
  const work = { group: showGroup, replay: replayGroup, lane: showLane }[command];
  if (work === undefined) {
    process.stderr.write(HELP);
    return 2;
  }
  return work(new RunFolder(folder), rest, { threads: Number(values.threads) });
});
