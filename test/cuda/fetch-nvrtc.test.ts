/** NVRTC from a Python package index: a server that speaks its routes. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";

import { fetchNvrtc, nvrtcWheel, type NvrtcWheel, wheelFolder } from "@gumshoe/cuda";
import { afterAll, beforeAll, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";
import { ROOT } from "../support/gumshoe.js";

/** Makes a zip file of texts; the first is deflated, the others are stored. */
function zip(texts: Readonly<Record<string, string>>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const [i, [name, text]] of Object.entries(texts).entries()) {
    const data = i === 0 ? deflateRawSync(Buffer.from(text)) : Buffer.from(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(i === 0 ? 8 : 0, 4);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), data]);
    const entry = Buffer.concat([Buffer.from("PK\x01\x02\0\0"), common, Buffer.alloc(14)]);
    entry.writeUInt32LE(at, 42);
    directory.push(entry, Buffer.from(name));
    bodies.push(local);
    at += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", 0, "latin1");
  end.writeUInt16LE(bodies.length, 8);
  end.writeUInt16LE(bodies.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(at, 16);
  return Buffer.concat([...bodies, listed, end]);
}

const PACKAGE = zip({ "nvidia/lib/a.so": "a".repeat(100_000), "nvidia/lib/b.so": "bb", c: "c" });
const WHEEL: NvrtcWheel = {
  version: "1.0",
  project: "nvrtc",
  file: "nvrtc-1.0.whl",
  sha256: createHash("sha256").update(PACKAGE).digest("hex"),
  bytes: PACKAGE.length,
  members: ["nvidia/lib/a.so", "nvidia/lib/b.so"],
};

let server: Server;
let index: string;
let root: string;
const requests: { path: string; authorization: string | undefined }[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "gumshoe-wheels-"));
  const pinned = nvrtcWheel("x64", 13);
  const names = [WHEEL.file, pinned?.file ?? "", nvrtcWheel("arm64", 13)?.file ?? ""];
  server = createServer(({ url = "", headers }, response) => {
    requests.push({ path: url, authorization: headers.authorization });
    if (url.startsWith("/json/")) {
      response.setHeader("Content-Type", "application/vnd.pypi.simple.v1+json");
      const files = names.map((filename) => ({ filename, url: `/files/${filename}` }));
      response.end(JSON.stringify({ files }));
    } else if (url === "/html/nvrtc/") {
      response.setHeader("Content-Type", "text/html");
      response.end(`<a href="../../files/${WHEEL.file}#sha256=0" data-x="">${WHEEL.file}</a>`);
    } else if (url.startsWith("/files/")) {
      response.end(PACKAGE);
    } else {
      response.statusCode = 404;
      response.end();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  index = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

test.each(["json", "html"])("two files of a wheel are kept, from an index in %s", async (kind) => {
  const folder = join(root, "of", kind);
  let received = 0;
  const options = {
    wheel: WHEEL,
    folder,
    index: `${index.replace("//", "//me:pass%20word@")}/${kind}/`,
    onProgress: ({ receivedBytes }: { receivedBytes: number }) => {
      received = receivedBytes;
    },
  };
  expect(await fetchNvrtc(options)).toBe(true);
  expect(readFileSync(join(folder, "a.so"), "utf8")).toBe("a".repeat(100_000));
  expect(readFileSync(join(folder, "b.so"), "utf8")).toBe("bb");
  expect(existsSync(join(folder, WHEEL.file))).toBe(false);
  expect(received).toBe(PACKAGE.length);
  expect(requests.at(-1)?.authorization).toBe(
    `Basic ${Buffer.from("me:pass word").toString("base64")}`,
  );
  const before = requests.length;
  expect(await fetchNvrtc(options)).toBe(false);
  expect(requests.length).toBe(before);
});

test.each([
  [
    "another hash",
    { sha256: "0".repeat(64) },
    /came with the SHA-256 .* 000000000000\.\.\. is pinned/,
  ],
  ["a missing file", { file: "other.whl" }, /other\.whl is not at http/],
  ["a missing member", { members: ["nvidia/lib/d.so"] }, /has no nvidia\/lib\/d\.so/],
  ["a missing project", { project: "none" }, undefined],
])("%s keeps nothing", async (_title, change, message) => {
  const folder = join(root, "kept-nothing");
  const wheel = Object.assign({}, WHEEL, change);
  const kind = message === undefined ? "html" : "json";
  const fetched = fetchNvrtc({ wheel, folder, index: `${index}/${kind}` });
  await expect(fetched).rejects.toThrow(message ?? /html\/none\/: answers 404/);
  expect(existsSync(folder)).toBe(false);
});

test("an index that cannot be reached is UNAVAILABLE, without the password", async () => {
  const fetched = fetchNvrtc({
    wheel: WHEEL,
    folder: join(root, "away"),
    index: "http://me:secret@127.0.0.1:2/simple",
  });
  await expect(fetched).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect(fetched).rejects.not.toThrow("secret");
});

test("each processor has a wheel that its driver can use", () => {
  expect(nvrtcWheel("x64", 13)?.version).toBe("13.0.88");
  expect(nvrtcWheel("arm64", Infinity)?.version).toBe("13.0.88");
  expect(nvrtcWheel("x64", 12)?.version).toBe("12.9.86");
  expect(nvrtcWheel("x64", 11)).toBeNull();
  expect(nvrtcWheel("riscv64", 13)).toBeNull();
  expect(wheelFolder("1.0", { XDG_CACHE_HOME: "/c" })).toBe("/c/gumshoe/nvrtc-1.0");
});

/** Runs the gumshoe command. */
async function gumshoe(args: readonly string[], env: NodeJS.ProcessEnv) {
  const command = join(ROOT, "packages/cli/bin/gumshoe.js");
  const child = spawn(process.execPath, [command, ...args, "--json"], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, result: JSON.parse(out) as Record<string, unknown> };
}

test.skipIf(process.platform !== "linux")(
  "`gumshoe cuda fetch` refuses a package that is not the pinned one",
  async () => {
    const { code, result } = await gumshoe(["cuda", "fetch"], {
      PIP_INDEX_URL: `${index}/json`,
      XDG_CACHE_HOME: root,
    });
    expect(code).toBe(1);
    expect(JSON.stringify(result)).toMatch(/came with the SHA-256/);
    expect(existsSync(join(root, "gumshoe", "nvrtc-13.0.88"))).toBe(false);
  },
);

const folder = emulatedFolder();
test.skipIf(folder === null)("doctor's lines show the GPUs and the compiler", () => {
  const { environment } = new EmulatedGpu(folder ?? "");
  const lines = join(ROOT, "packages/cli/dist/doctor/gpus.js");
  const program = `
    import { checkGpus } from ${JSON.stringify(lines)};
    process.stdout.write(JSON.stringify(checkGpus(process.env)));`;
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env: { ...process.env, ...environment, GUMSHOE_EMULATED_GPUS: "2" },
  });
  const findings = JSON.parse(stdout) as { name: string; verdict: string; detail: string }[];
  expect(findings.map(({ name, verdict, detail }) => `${verdict} ${name}: ${detail}`)).toEqual([
    "ok GPU 0: Emulated GPU 0, 1.0 GiB, sm_90, at 0000:01:00.0; driver for CUDA 13.0",
    "ok GPU 1: Emulated GPU 1, 1.0 GiB, sm_90, at 0000:02:00.0; driver for CUDA 13.0",
    "ok NVRTC: 13.0, libnvrtc.so.13",
  ]);
});
