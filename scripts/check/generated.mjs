/** Checks that the committed generated files are up to date. */
import { staleConfigFiles } from "../gen/config.mjs";
import { hasProtoc, staleProtos } from "../gen/protos.mjs";

/** Checks the messages and services generated from protos/. */
export async function checkProtos() {
  return hasProtoc() ? verdict(staleProtos()) : { skipped: "there is no protoc" };
}

/** Checks the config reference and the schema of run files. */
export async function checkConfigFiles() {
  return verdict(await staleConfigFiles());
}

function verdict(stale) {
  if (stale.length === 0) return { code: 0 };
  return { code: 1, output: `run \`npm run gen\`; out of date: ${stale.join(", ")}` };
}
