/**
 * `node scripts/bundle.mjs`: bundles the compiled entry file of every process and thread with what it imports, into
 * `dist/bundle` of its package; packages whose bundles are up to date are skipped. When a process or thread is
 * started, `packages/core/src/bundled-entry.ts` chooses between bundle and compiled file.
 */
import { createHash } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, relative } from "node:path";
import { argv } from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The entry files of each package, relative to its `dist`. */
const ENTRIES = {
  cli: ["main", "guardian/main", "puzzle/thread"],
  coordinator: ["main", "background/thread", "reading/thread"],
  environments: ["module/process-main", "table/parquet-thread"],
  serve: ["engine/thread"],
  worker: ["main", "engine/thread"],
};

/** Libraries that every process loads, which are bundled with what they load themselves. */
const BUNDLED_LIBRARIES = [
  "@bufbuild/protobuf",
  "@grpc/grpc-js",
  "bullmq",
  "commander",
  "ioredis",
  "pino",
  "prom-client",
  "yaml",
  "zod",
];

/** What these libraries use where it is installed: not by us, or native code. */
const OPTIONAL_LIBRARIES = ["@valkey/valkey-glide", "msgpackr-extract", "pg"];

/** Stands for the place of a compiled file until the file that it is bundled into is known. */
const LOCATION = /"location-of:([^"]+)"/g;

const folderOf = (name) => join(ROOT, "packages", name);
const isOurs = (id) => id.startsWith(join(ROOT, "packages"));

function isExternal(id, importer = "") {
  if (id.startsWith(".") || id.startsWith("/") || id.startsWith("@gumshoe/")) return false;
  if (isBuiltin(id) || OPTIONAL_LIBRARIES.includes(id)) return true;
  const isOfLibrary = importer.includes("/node_modules/");
  return (
    !isOfLibrary && !BUNDLED_LIBRARIES.some((name) => id === name || id.startsWith(`${name}/`))
  );
}

/** What bundles depend on besides the files in them: this script, and the versions of libraries. */
function recipe() {
  const hash = createHash("sha256");
  for (const file of ["scripts/bundle.mjs", "package-lock.json"])
    hash.update(readFileSync(join(ROOT, file)));
  return hash.digest("hex");
}

/** Keeps `import.meta.url` that of the compiled file: other files are found from there. */
function keepLocations(folder) {
  return {
    name: "keep-locations",
    transform(code, id) {
      if (!code.includes("import.meta.url")) return null;
      const location = `new URL(${JSON.stringify(`location-of:${id}`)}, import.meta.url).href`;
      return code.replaceAll("import.meta.url", location);
    },
    renderChunk(code, { fileName }) {
      const from = dirname(join(folder, fileName));
      return code.replace(LOCATION, (_, id) => JSON.stringify(relative(from, id)));
    },
  };
}

/** Lists all files of ours that are read, also those that nothing is used from. */
function listInputs(inputs) {
  return {
    name: "list-inputs",
    moduleParsed({ id }) {
      if (isOurs(id)) inputs.add(id);
    },
  };
}

function describe(packageFolder, file) {
  const { size, mtimeMs } = statSync(file);
  return [relative(packageFolder, file), size, Math.trunc(mtimeMs)];
}

/** Returns the names of the packages whose bundles are missing or outdated. */
export async function outdatedBundles() {
  const { readInputs } = await import("../packages/core/dist/bundled-entry.js");
  const wanted = recipe();
  return Object.keys(ENTRIES).filter((name) => readInputs(folderOf(name))?.recipe !== wanted);
}

/** Bundles the entry files of a package. */
export async function bundlePackage(name) {
  const { rolldown } = await import("rolldown");
  const packageFolder = folderOf(name);
  const folder = join(packageFolder, "dist/bundle");
  rmSync(folder, { recursive: true, force: true });
  const files = ENTRIES[name].map((entry) => [entry, join(packageFolder, "dist", `${entry}.js`)]);
  const isEntry = (id) => files.some(([, file]) => file === id);
  const inputs = new Set();
  const bundle = await rolldown({
    input: Object.fromEntries(files),
    platform: "node",
    external: isExternal,
    plugins: [keepLocations(folder), listInputs(inputs)],
    // Files that nothing is used from are left out: none of ours acts by being loaded, but entries.
    treeshake: { moduleSideEffects: (id) => !isOurs(id) || isEntry(id) },
  });
  await bundle.write({
    dir: folder,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  });
  await bundle.close();
  const list = [...inputs].map((file) => describe(packageFolder, file));
  // Last: without it, the bundles count as outdated.
  writeFileSync(join(folder, "inputs.json"), JSON.stringify({ recipe: recipe(), files: list }));
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of await outdatedBundles()) await bundlePackage(name);
}
