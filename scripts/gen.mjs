/**
 * Generates packages/protocol/src/gen from protos/ (`npm run gen`).
 *
 * The output is committed, so only someone who changes a .proto needs protoc. `--check` generates into
 * a temporary folder and fails when the committed files differ.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
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

class GenError extends Error {}

function fail(message) {
  throw new GenError(message);
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

function generate(output) {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
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
    fail(
      "protoc is not installed. Debian and Ubuntu: `sudo apt-get install protobuf-compiler`; " +
        "macOS: `brew install protobuf`.",
    );
  }
  if (result.error) fail(result.error.message);
  if (result.status !== 0) fail(`protoc failed with exit code ${result.status}`);
  writeDescriptors(binary, output);
}

function check() {
  const fresh = mkdtempSync(join(tmpdir(), "gumshoe-gen-"));
  try {
    generate(fresh);
    const names = new Set([...listFiles(fresh), ...listFiles(OUTPUT)]);
    const read = (folder, name) => {
      try {
        return readFileSync(join(folder, name), "utf8");
      } catch {
        return null;
      }
    };
    const stale = [...names].filter((name) => read(fresh, name) !== read(OUTPUT, name));
    if (stale.length > 0) fail(`run \`npm run gen\`; out of date: ${stale.join(", ")}`);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

try {
  if (process.argv.includes("--check")) check();
  else generate(OUTPUT);
} catch (error) {
  if (!(error instanceof GenError)) throw error;
  console.error(`gen: ${error.message}`);
  process.exitCode = 1;
}
