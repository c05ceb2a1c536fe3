/** The thread that writes blobs: see DiskThread, which starts it. */
import { parentPort } from "node:worker_threads";

import { errorMessage } from "@gumshoe/core";

import { type BlobOrder, type BlobOutcome } from "./blob-order.js";
import { BlobStore } from "./blob-store.js";

const port = parentPort;
if (port === null) throw new Error("this module is a thread of DiskThread");

const stores = new Map<string, Promise<BlobStore>>();

function storeIn(folder: string): Promise<BlobStore> {
  let store = stores.get(folder);
  if (store === undefined) {
    store = BlobStore.open(folder);
    stores.set(folder, store);
    // A folder that could not be made is tried again with the next blob.
    store.catch(() => stores.delete(folder));
  }
  return store;
}

async function write({ id, folder, name, bytes }: BlobOrder): Promise<void> {
  const outcome = await storeIn(folder)
    .then((store) => store.put(bytes, name))
    .then(
      () => ({ id, problem: null }),
      (error: unknown) => ({ id, problem: errorMessage(error) }),
    );
  port?.postMessage(outcome satisfies BlobOutcome);
}

port.on("message", (order: BlobOrder) => void write(order));
