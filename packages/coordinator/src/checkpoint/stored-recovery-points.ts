import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import type { RunRecord } from "../run/run-record.js";
import { type Durable, newestWeights } from "../run/run-state.js";
import { readManifest } from "./manifest.js";

/** Lists a run's recovery points that agree with its ledger, oldest first. */
export async function listRecoveryPoints(record: RunRecord): Promise<Durable[]> {
  const parent = recoveryFolder(record);
  const { digests } = record.state;
  const newest = newestWeights(record.state)?.version ?? 0;
  if (!existsSync(parent)) return [];
  const points: Durable[] = [];
  for (const name of await readdir(parent)) {
    if (!/^\d{1,10}$/.test(name) || Number(name) > newest) continue;
    const folder = join(parent, name);
    const found = await readManifest(folder).catch(() => null);
    if (found === null) continue;
    const { iteration, update: version, digest } = found.manifest;
    if (version !== Number(name) || digests[version] !== digest) continue;
    points.push({ iteration, version, folder, digest });
  }
  return points.sort((a, b) => a.version - b.version);
}

/** The folder of a run's recovery points. */
export function recoveryFolder({ folder }: RunRecord): string {
  return join(folder, "recovery");
}
