/** Settings of a process: its environment, certificates, and names in jobs and requests. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import {
  ClusterError,
  readListenAddress,
  readLogLevel,
  readTls,
  readTlsFolder,
} from "@gumshoe/core";
import { parseGroupKey, parseTensorName } from "@gumshoe/protocol";

import { makeCertificates } from "../../packages/cli/dist/certs/certificate-folder.js";
import { readSettings as readCoordinatorSettings } from "../../packages/coordinator/dist/settings.js";
import { readRedisUrl } from "../../packages/queue/dist/redis-url.js";
import { readSettings as readWorkerSettings } from "../../packages/worker/dist/settings.js";
import { makeFolder, readAll } from "./files.mjs";

const isRefusal = (thrown) => thrown instanceof ClusterError;

const names = {
  name: "names",
  open: async () => ({
    words: ["train", "validation", "weights", "gradient", "/"],
    make: (mutator) => mutator.text(["0/train/1", "weights/3", "gradient/p-1/3/0"]),
    read: (text) => readAll([() => parseGroupKey(text), () => parseTensorName(text)], isRefusal),
  }),
};

const environments = {
  name: "variables",
  open: async () => {
    const valid = ["redis://:pw@host:6379/0", "127.0.0.1:7070", "[::1]:0", '["/a","/b"]', "cpu"];
    const fields = ["GUMSHOE_LISTEN", "GUMSHOE_DATA", "GUMSHOE_TOKEN", "GUMSHOE_DISK_WAIT_SECONDS"];
    return {
      words: ["redis://", "rediss://", ":@", ":6379", "/0", "[", '"', "info", "127.0.0.1:"],
      make: (mutator) => mutator.text(valid),
      read: (text) =>
        readAll(
          [
            () => readRedisUrl({ GUMSHOE_REDIS_URL: text }),
            () => readListenAddress({ X: text }, "X"),
            () => readLogLevel({ GUMSHOE_LOG_LEVEL: text }),
            ...fields.map((field) => () => readCoordinatorSettings({ ...BASE, [field]: text })),
            ...["GUMSHOE_ROLE", "GUMSHOE_COORDINATOR", "GUMSHOE_THREADS"].map(
              (field) => () => readWorkerSettings({ ...BASE, [field]: text }),
            ),
          ],
          isRefusal,
        ),
    };
  },
};

const BASE = {
  GUMSHOE_TOKEN: "x",
  GUMSHOE_REDIS_URL: "redis://127.0.0.1:6379",
  GUMSHOE_LISTEN: "127.0.0.1:0",
  GUMSHOE_COORDINATOR: "127.0.0.1:1",
  GUMSHOE_ROLE: "inference",
};

const certificates = {
  name: "certificates",
  open: async () => {
    const folder = makeFolder();
    await makeCertificates({ folder: folder.path, hosts: [], days: 9, renew: false });
    const own = join(folder.path, "worker");
    const names = ["ca.pem", "cert.pem", "key.pem"];
    const valid = names.map((name) => readFileSync(join(own, name), "utf8"));
    return {
      words: ["-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "\n", "MII", "=="],
      make: (mutator) => ({
        name: mutator.one(names),
        text: mutator.chance(0.2) ? mutator.one(valid) : mutator.text(valid),
      }),
      read: ({ name, text }) => {
        for (const [i, file] of names.entries()) {
          writeFileSync(join(own, file), file === name ? text : valid[i]);
        }
        readTlsFolder(own);
        readTls({ GUMSHOE_TLS: own }, "worker");
      },
      close: () => folder.remove(),
    };
  },
};

export const SETTINGS = [names, environments, certificates];
