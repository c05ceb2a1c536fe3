/** Entry point of the coordinator's second thread: see BackgroundThread, which starts it. */
import { serveCalls } from "@gumshoe/core";
import { type Group, planUpdates } from "@gumshoe/grpo";

import { BlobStore } from "../ledger/blob-store.js";
import { fileDigest } from "../ledger/file-digest.js";
import { encodePacks } from "../learn/encoded-packs.js";
import { readGroup } from "../sample/stored-group.js";
import type { BackgroundCalls, SampledGroups } from "./calls.js";

const stores = new Map<string, Promise<BlobStore>>();

function storeIn(folder: string): Promise<BlobStore> {
  let store = stores.get(folder);
  if (store === undefined) {
    store = BlobStore.open(folder);
    stores.set(folder, store);
    // Forget a failed open, so that the next blob of this folder retries it.
    store.catch(() => stores.delete(folder));
  }
  return store;
}

async function readGroups(sampled: SampledGroups): Promise<Group[]> {
  const { folder, blobs, promptTokens, promptLengths } = sampled;
  const store = await storeIn(folder);
  const groups: Group[] = [];
  let start = 0;
  for (const [i, blob] of blobs.entries()) {
    const end = start + (promptLengths[i] ?? 0) * Int32Array.BYTES_PER_ELEMENT;
    groups.push(readGroup(await store.get(blob), promptTokens.subarray(start, end)));
    start = end;
  }
  return groups;
}

serveCalls<BackgroundCalls>({
  writeBlob: async ({ folder, name, bytes }) => {
    const store = await storeIn(folder);
    await store.put(bytes, name);
  },
  hashFile: fileDigest,
  planUpdates: async (sampled) => {
    const { updates, counts } = planUpdates(await readGroups(sampled), sampled.rules);
    return { updates: updates.map(({ lanes }) => lanes.map(encodePacks)), counts };
  },
});
