/**
 * Generates packages/protocol/src/gen from protos/. The output is committed, so protoc is needed to change a
 * .proto, and for nothing else.
 */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { ROOT, SetUpError } from "../setup/step.mjs";

const PROTOS = join(ROOT, "protos");
const OUTPUT = join(ROOT, "packages/protocol/src/gen");

const OPTIONS = [
  "env=node",
  "esModuleInterop=true",
  "importSuffix=.js",
  "outputServices=grpc-js",
  // 64-bit fields are counts and milliseconds; decoding throws beyond 2^53.
  "forceLong=number",
  "stringEnums=true",
  "removeEnumPrefix=true",
  "outputJsonMethods=false",
  "useExactTypes=false",
  // No protoc version in the files: two machines with different protoc generate the same bytes.
  "annotateFilesWithVersion=false",
];

/** The protos in binary form, which reflection serves; line breaks keep a change readable. */
const DESCRIPTORS = "descriptors.ts";
const BASE64_COLUMNS = 96;

/** Lists files under a folder by path relative to it, sorted. */
function listFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function writeDescriptors(binary, output) {
  const base64 = readFileSync(binary).toString("base64");
  const lines = base64
    .match(new RegExp(`.{1,${BASE64_COLUMNS}}`, "g"))
    .map((line) => `  "${line}"`);
  writeFileSync(
    join(output, DESCRIPTORS),
    "/** All protos: a serialised FileDescriptorSet, in base64. */\n" +
      `export const DESCRIPTOR_SET =\n${lines.join(" +\n")};\n`,
  );
  rmSync(binary);
}

/** Fills an empty folder. */
function generate(output) {
  const bin = join(ROOT, "node_modules/.bin");
  const binary = join(output, "descriptors.bin");
  const result = spawnSync(
    "protoc",
    [
      `--plugin=protoc-gen-ts_proto=${join(bin, "protoc-gen-ts_proto")}`,
      `--proto_path=${PROTOS}`,
      `--ts_proto_out=${output}`,
      `--ts_proto_opt=${OPTIONS.join(",")}`,
      `--descriptor_set_out=${binary}`,
      ...listFiles(PROTOS).filter((file) => file.endsWith(".proto")),
    ],
    { stdio: "inherit", env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` } },
  );
  if (result.error?.code === "ENOENT") {
    throw new SetUpError(
      "protoc is not installed. Debian and Ubuntu: `sudo apt-get install protobuf-compiler`; " +
        "macOS: `brew install protobuf`.",
    );
  }
  if (result.error) throw new SetUpError(result.error.message);
  if (result.status !== 0) throw new SetUpError(`protoc failed with exit code ${result.status}`);
  writeDescriptors(binary, output);
}

/** Whether protoc is installed. */
export function hasProtoc() {
  return spawnSync("protoc", ["--version"]).status === 0;
}

/** Writes the messages and services. @throws SetUpError when there is no protoc, or it fails */
export function writeProtos() {
  // The old output is removed only when the new one is complete.
  generated((fresh) => {
    rmSync(OUTPUT, { recursive: true, force: true });
    cpSync(fresh, OUTPUT, { recursive: true });
  });
}

/** Lists the committed files that differ from what protoc makes now. */
export function staleProtos() {
  return generated((fresh) => {
    const names = new Set([...listFiles(fresh), ...listFiles(OUTPUT)]);
    const read = (folder, name) => {
      try {
        return readFileSync(join(folder, name), "utf8");
      } catch {
        return null;
      }
    };
    return [...names]
      .filter((name) => read(fresh, name) !== read(OUTPUT, name))
      .map((name) => join(OUTPUT, name).slice(ROOT.length));
  });
}

/** Generates into a folder that exists during the call. */
function generated(use) {
  const fresh = mkdtempSync(join(tmpdir(), "gumshoe-gen-"));
  try {
    generate(fresh);
    return use(fresh);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
