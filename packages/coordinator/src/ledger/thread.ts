/** The thread that writes blobs and hashes files: see DiskThread, which starts it. */
import { parentPort } from "node:worker_threads";

import { errnoOf, errorMessage } from "@gumshoe/core";

import { type BlobWrite, type DiskRequest, type DiskOutcome } from "./blob-write.js";
import { BlobStore } from "./blob-store.js";
import { fileDigest } from "./file-digest.js";

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

/** Returns the SHA-256 of a file, or nothing once a blob is on disk. */
async function perform(request: DiskRequest): Promise<string> {
  switch (request.type) {
    case "blob":
      await write(request);
      return "";
    case "hash":
      return fileDigest(request.file);
    default:
      return request satisfies never;
  }
}

async function write({ folder, name, bytes }: BlobWrite): Promise<void> {
  const store = await storeIn(folder);
  await store.put(bytes, name);
}

async function answer(request: DiskRequest): Promise<void> {
  const { id } = request;
  const outcome = await perform(request).then(
    (sha256) => ({ id, problem: null, errno: "", sha256 }),
    (error: unknown) => ({ id, problem: errorMessage(error), errno: errnoOf(error), sha256: "" }),
  );
  port?.postMessage(outcome satisfies DiskOutcome);
}

port.on("message", (request: DiskRequest) => void answer(request));
