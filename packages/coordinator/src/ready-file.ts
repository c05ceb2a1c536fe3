import { readFile } from "node:fs/promises";

import { writeDurably } from "@gumshoe/core";
import { z } from "zod";

/** What a coordinator writes into its ready file once it serves. */
const Ready = z.object({
  /** host:port of gRPC. */
  address: z.string(),
  /** host:port of HTTP; null for none. */
  http: z.string().nullable(),
  pid: z.number(),
});
type Ready = z.infer<typeof Ready>;

/** Writes the ready file. */
export async function writeReadyFile(path: string, ready: Ready): Promise<void> {
  await writeDurably(path, JSON.stringify(ready));
}

/** Reads the HTTP address that an earlier process wrote; null for none. */
export async function readEarlierHttp(path: string | null): Promise<string | null> {
  if (path === null) return null;
  try {
    return Ready.parse(JSON.parse(await readFile(path, "utf8"))).http;
  } catch {
    return null;
  }
}
