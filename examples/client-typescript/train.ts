/** Submits a run, prints its reward after each iteration, and downloads the best checkpoint. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

import { ClusterError, GumshoeClient } from "@gumshoe/client";

const [configFile, out] = process.argv.slice(2);
if (configFile === undefined || out === undefined) {
  console.error("usage: node train.js CONFIG OUT");
  process.exit(2);
}

const client = new GumshoeClient({
  address: process.env["GUMSHOE_ADDRESS"] ?? "127.0.0.1:7070",
  token: process.env["GUMSHOE_TOKEN"] ?? readFileSync(".gumshoe/token", "utf8").trim(),
});

/** Follows a run to its end; throws when it failed or was cancelled. */
async function follow(name: string): Promise<void> {
  for await (const { body } of client.watch(name)) {
    if (body.type === "iteration-sampled") {
      console.log(`iteration ${body.iteration}: reward ${body.meanReward?.toFixed(3)}`);
    } else if (body.type === "validation-done") {
      console.log(`validation: ${body.reward.toFixed(3)}`);
    }
  }
  const { state, error } = await client.get(name);
  if (state !== "done") throw new Error(`run ${name} is ${state}${error ? `: ${error}` : ""}`);
}

try {
  if (existsSync(out)) throw new Error(`${out} is there already`);
  mkdirSync(dirname(out), { recursive: true });

  const { name, iterationsTotal } = await client.submitFile(configFile);
  console.log(`run ${name}: ${iterationsTotal} iterations`);
  await follow(name);

  const best = await client.download(name, { out });
  console.log(`iteration ${best.iteration} is in ${best.folder}`);
} catch (error) {
  // Errors of the cluster have a code, e.g. UNAUTHENTICATED or UNAVAILABLE.
  console.error(error instanceof ClusterError ? `${error.code}: ${error.message}` : String(error));
  process.exitCode = 1;
} finally {
  client.close();
}
