/**
 * Rules of the repository that the compiler does not check. CONTRIBUTING.md explains them; a
 * failure lists each violation with the remedy.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";

import {
  fileBytes,
  findCycles,
  type ImportEdge,
  listFiles,
  packageOf,
  readImports,
  readPackages,
  readText,
  resolveRelative,
  ROOT,
} from "./architecture/source-tree.js";

const PACKAGES = readPackages();
const byName = new Map(PACKAGES.map((folder) => [folder.manifest.name, folder]));
const EDGES = PACKAGES.flatMap((folder) => folder.sources.flatMap(readImports));
const FILES = listFiles();

/** Returns the package folder's name in a path under packages/. */
const folderOf = (path: string) => path.split("/")[1] ?? "";
const isRelative = ({ specifier }: ImportEdge) => specifier.startsWith(".");
const isOurs = ({ specifier }: ImportEdge) => specifier.startsWith("@gumshoe/");

/** Packages without I/O, clock and randomness. */
const PURE = ["puzzles", "grpo"];
/** Packages without dependencies on the cluster. */
const CLUSTERLESS = ["core", "puzzles", "grpo", "kernels", "engine", "cuda"];
const CLUSTER_LIBRARIES = ["bullmq", "ioredis", "@grpc/grpc-js", "express", "fastify"];

describe("floors", () => {
  test("every package is named after its folder and has a floor", () => {
    const bad = PACKAGES.filter(
      ({ name, manifest, floor }) =>
        manifest.name !== `@gumshoe/${name}` || !Number.isInteger(floor),
    ).map(({ name }) => `packages/${name}/package.json: set name @gumshoe/${name}, gumshoe.floor`);
    expect(bad).toEqual([]);
  });

  test("a package depends on strictly lower floors only, so that there are no cycles", () => {
    const bad = PACKAGES.flatMap((folder) =>
      Object.keys(folder.manifest.dependencies ?? {}).flatMap((dependency) => {
        const target = byName.get(dependency);
        if (!target || target.floor < folder.floor) return [];
        return [
          `packages/${folder.name} (floor ${folder.floor}) depends on ${dependency} ` +
            `(floor ${target.floor}): move the shared part down, or pass it in from above`,
        ];
      }),
    );
    expect(bad).toEqual([]);
  });

  test("every import is declared, and every declared package of the repository is a project reference", () => {
    const undeclared = EDGES.filter(
      (edge) => !isRelative(edge) && !edge.specifier.startsWith("node:"),
    )
      .filter(({ from, specifier }) => {
        const { manifest } = PACKAGES.find(({ name }) => name === folderOf(from)) ?? {};
        return manifest?.dependencies?.[packageOf(specifier)] === undefined;
      })
      .map(({ from, specifier }) => `${from}: declare ${specifier} in its package.json`);
    const unreferenced = PACKAGES.flatMap(({ name, manifest, references }) => {
      const ours = Object.keys(manifest.dependencies ?? {})
        .filter((dependency) => byName.has(dependency))
        .map((dependency) => dependency.replace("@gumshoe/", ""));
      const differs = ours.sort().join() !== [...references].sort().join();
      return differs
        ? [`packages/${name}/tsconfig.json: references must be ${ours.join(", ")}`]
        : [];
    });
    expect([...undeclared, ...unreferenced]).toEqual([]);
  });

  test("the algorithm and the puzzles are pure", () => {
    const impure =
      /\b(Date\.now|new Date\b|Math\.random|performance\.|process\.|setTimeout|fetch\()/;
    const files = PACKAGES.filter(({ name }) => PURE.includes(name)).flatMap(
      ({ sources }) => sources,
    );
    const calls = files.filter((path) => impure.test(withoutComments(path)));
    const imports = EDGES.filter(
      ({ from, specifier }) => PURE.includes(folderOf(from)) && specifier.startsWith("node:"),
    );
    const bad = [
      ...calls.map((path) => `${path}: pass time, chance and input in`),
      ...imports.map(({ from, specifier }) => `${from}: does without ${specifier}`),
    ];
    expect(bad).toEqual([]);
  });

  test("what weights depend on calls no function that JavaScript engines round differently", () => {
    const rounded =
      /\bMath\.(a?(cos|sin|tan)h?|atan2|exp|expm1|log|log1p|log2|log10|pow|cbrt|hypot)\(/;
    const isForComparison = /^packages\/(grpo\/src\/recipe|kernels\/src\/conformance)\//;
    const names = ["grpo", "puzzles", "environments", "kernels", "engine", "coordinator", "worker"];
    const files = PACKAGES.filter(({ name }) => names.includes(name))
      .flatMap(({ sources }) => sources)
      .filter((path) => !isForComparison.test(path) && !path.endsWith(".test.ts"));
    expect(files.length).toBeGreaterThan(200);
    expect(files.filter((path) => rounded.test(withoutComments(path)))).toEqual([]);
  });

  test("the engine and what it stands on know no Redis, no gRPC and no other cluster library", () => {
    const bad = EDGES.filter(
      ({ from, specifier }) =>
        CLUSTERLESS.includes(folderOf(from)) && CLUSTER_LIBRARIES.includes(packageOf(specifier)),
    ).map(({ from, specifier }) => `${from}: ${specifier} belongs to queue, client or protocol`);
    expect(bad).toEqual([]);
  });

  test("only the queue package imports the queue library", () => {
    const bad = EDGES.filter(
      ({ from, specifier }) => specifier === "bullmq" && folderOf(from) !== "queue",
    ).map(({ from }) => `${from}: use the classes of @gumshoe/queue`);
    expect(bad).toEqual([]);
  });
});

describe("package entry points", () => {
  test("a package is imported through its index only", () => {
    const deep = EDGES.filter((edge) => isOurs(edge) && !byName.has(edge.specifier)).map(
      ({ from, specifier }) => `${from}: import ${packageOf(specifier)}, not ${specifier}`,
    );
    const escapes = EDGES.filter(isRelative)
      .filter((edge) => !resolveRelative(edge).startsWith(`packages/${folderOf(edge.from)}/src/`))
      .map(({ from, specifier }) => `${from}: ${specifier} leaves the package`);
    const exports = PACKAGES.filter(({ manifest }) => {
      return Object.keys(manifest.exports ?? {}).join() !== ".";
    }).map(({ name }) => `packages/${name}/package.json: exports is "." and nothing else`);
    expect([...deep, ...escapes, ...exports]).toEqual([]);
  });

  test("a package's own files do not import its index", () => {
    const bad = EDGES.filter(
      (edge) => isRelative(edge) && /^packages\/[^/]+\/src\/index\.ts$/.test(resolveRelative(edge)),
    ).map(({ from }) => `${from}: import the file that defines it, not index.ts`);
    expect(bad).toEqual([]);
  });

  test("an index is a list of named re-exports", () => {
    const bad = PACKAGES.map(({ name }) => `packages/${name}/src/index.ts`)
      .filter(existing)
      .filter((path) => {
        const rest = withoutComments(path).replace(
          /export (?:(?:type )?\{[^}]*\}|\* as \w+) from "[^"]+";/g,
          "",
        );
        return rest.replace("export {};", "").trim() !== "";
      })
      .map((path) => `${path}: only lines such as export { a, type B } from "./c.js";`);
    expect(bad).toEqual([]);
  });

  test("generated code is imported by the protocol package only", () => {
    const bad = EDGES.filter(
      ({ from, specifier }) => /\/gen\//.test(specifier) && folderOf(from) !== "protocol",
    ).map(({ from }) => `${from}: import the message from @gumshoe/protocol`);
    expect(bad).toEqual([]);
  });
});

describe("files", () => {
  const CODE = /\.(tsx?|css|mjs|js|cpp|h|cu|sh|py)$/;
  const MAX_LINES = 400;
  const MAX_MAIN_LINES = 60;

  test("no files import each other, directly or indirectly", () => {
    const graph = new Map<string, string[]>();
    for (const path of PACKAGES.flatMap(({ sources }) => sources)) graph.set(path, []);
    for (const edge of EDGES.filter(isRelative)) graph.get(edge.from)?.push(resolveRelative(edge));
    const circles = findCycles(graph).map((cycle) => `${cycle.join(" -> ")} -> ${cycle[0]}`);
    expect(circles).toEqual([]);
  });

  test("no file is longer than 400 lines, no main longer than 60", () => {
    const bad = FILES.filter((path) => CODE.test(path)).flatMap((path) => {
      const numLines = readText(path).trimEnd().split("\n").length;
      const limit = /^packages\/.*\/main\.ts$/.test(path) ? MAX_MAIN_LINES : MAX_LINES;
      return numLines > limit
        ? [`${path}: ${numLines} of ${limit} lines, make it two concepts`]
        : [];
    });
    expect(bad).toEqual([]);
  });

  test("files are kebab-case, one area folder deep, in folders named after the domain", () => {
    const kinds = /^(utils?|helpers?|types|interfaces|constants|common|misc)$/;
    const bad = FILES.filter((path) => /^packages\/[^/]+\/src\//.test(path)).flatMap((path) => {
      const parts = path.split("/").slice(3);
      const stem = basename(path).replace(/(\.(test|gpu|bench))*\.[a-z]+$/, "");
      const problems = [
        parts.length > 2 && "at most one area folder under src",
        parts.some((part) => kinds.test(part.replace(/\..*$/, ""))) && "name it after its concept",
        stem !== "README" && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem) && "kebab-case",
      ];
      return problems.flatMap((problem) => (problem === false ? [] : [`${path}: ${problem}`]));
    });
    expect(bad).toEqual([]);
  });

  test("every package has a README of about a page", () => {
    const bad = PACKAGES.filter(({ name, sources }) => {
      const path = `packages/${name}/README.md`;
      const isEmpty = sources.every((source) => fileBytes(source) < 20);
      return !isEmpty && (!existing(path) || readText(path).split("\n").length < 15);
    }).map(({ name }) => `packages/${name}/README.md: purpose, contract, one example`);
    expect(bad).toEqual([]);
  });

  test("error classes live in errors.ts, document when they are thrown, and derive from ClusterError", () => {
    const declaration = /(\*\/\s*)?export (?:abstract )?class (\w+) extends (\w*Error)\b/g;
    const bad = PACKAGES.flatMap(({ sources }) => sources).flatMap((path) => {
      const text = readText(path);
      return [...text.matchAll(declaration)].flatMap(
        ({ 1: comment, 2: name, 3: parent, index }) => {
          const doc = text.slice(text.lastIndexOf("/**", index), index);
          const problems = [
            basename(path) !== "errors.ts" && "move it to the package's errors.ts",
            parent === "Error" && name !== "ClusterError" && "derive it from ClusterError",
            name !== "ClusterError" &&
              !(comment && /Thrown when|The reason/.test(doc)) &&
              'say "Thrown when ..." above it',
          ];
          return problems.flatMap((problem) =>
            problem === false || problem === undefined ? [] : [`${path}: ${name}: ${problem}`],
          );
        },
      );
    });
    expect(bad).toEqual([]);
  });

  test("randomness is passed in, and the environment is read in a main only", () => {
    const sources = PACKAGES.flatMap(({ sources: paths }) => paths);
    const bad = [
      ...sources
        .filter((path) => /Math\.random\(/.test(withoutComments(path)))
        .map((path) => `${path}: draw from an Rng that is passed in`),
      ...sources
        .filter((path) => !path.startsWith("packages/cli/") && basename(path) !== "main.ts")
        .filter((path) => /process\.env\b/.test(withoutComments(path)))
        .map((path) => `${path}: take it as an option; main.ts reads the environment`),
    ];
    expect(bad).toEqual([]);
  });

  test("every kernel family has cpu/<stem>.cpp, cuda/<stem>.cu and src/ops/<stem>.ts", () => {
    const stems = (folder: string, pattern: RegExp) =>
      FILES.filter(
        (path) => path.startsWith(`packages/kernels/${folder}/`) && pattern.test(path),
      ).map((path) => basename(path).replace(pattern, ""));
    const ops = stems("src/ops", /(?<!\.test)\.ts$/);
    const native = [...stems("cpu", /\.cpp$/), ...stems("cuda", /\.cu$/)];
    const bad = [
      ...ops
        .filter((stem) => !native.includes(stem))
        .map((stem) => `packages/kernels/src/ops/${stem}.ts: has no cpu/${stem}.cpp`),
      ...stems("cuda", /\.cu$/)
        .filter((stem) => !ops.includes(stem))
        .map((stem) => `packages/kernels/cuda/${stem}.cu: has no src/ops/${stem}.ts`),
    ];
    expect(bad).toEqual([]);
  });
});

describe("repository", () => {
  const TEXT = /\.(tsx?|css|mjs|js|json|md|ya?ml|proto|cpp|h|cu|sh|py|toml)$|Dockerfile$|\/run$/;
  const MAX_FILE_BYTES = 9 * 1024 * 1024;

  test("no file mentions a path of a particular machine", () => {
    const machinePath =
      /(?<![\w.:/])\/(?:work|root|home\/(?!node\b)\w+|Users\/\w+|tmp\/\w+\/\w+)\//;
    const bad = FILES.filter((path) => TEXT.test(path) && !path.startsWith("test/golden/"))
      .filter((path) => !path.startsWith("models/"))
      .flatMap((path) =>
        readText(path)
          .split("\n")
          .flatMap((line, i) =>
            machinePath.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [],
          ),
      );
    expect(bad).toEqual([]);
  });

  test("the lock file names the public registry only", () => {
    const hosts = [...readText("package-lock.json").matchAll(/"resolved": "https?:\/\/([^/"]+)/g)];
    const foreign = hosts.map(([, host]) => host).filter((host) => host !== "registry.npmjs.org");
    expect([...new Set(foreign)]).toEqual([]);
  });

  test("no file exceeds the size limit of committed models", () => {
    const large = FILES.filter((path) => fileBytes(path) > MAX_FILE_BYTES);
    expect(large).toEqual([]);
  });

  test("every link in the documents leads to a file", () => {
    const bad = FILES.filter((path) => path.endsWith(".md")).flatMap((path) =>
      [...readText(path).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target = ""]) => target)
        .filter((target) => !existing(join(path, "..", target)))
        .map((target) => `${path}: ${target} is not there`),
    );
    expect(bad).toEqual([]);
  });
});

function existing(path: string): boolean {
  return existsSync(join(ROOT, path));
}

/** Returns a file's text without comments, so that a mention of a call does not count as one. */
function withoutComments(path: string): string {
  return readText(path).replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, "");
}
