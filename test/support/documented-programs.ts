import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./gumshoe.js";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const DOCUMENT = read("docs/client.md");

/** The client programs of examples/. */
export const PROGRAMS = {
  typescript: read("examples/client-typescript/train.ts"),
  python: read("examples/client-python/train.py"),
} as const;

/**
 * A Python with grpcio and grpcio-tools, or null; `npm test` searches for one and sets
 * GUMSHOE_PYTHON.
 */
export const PYTHON = findPython();

function findPython(): string | null {
  const python = process.env["GUMSHOE_PYTHON"] ?? "python3";
  const { status } = spawnSync(python, ["-c", "import grpc, grpc_tools"]);
  if (status === 0) return python;
  console.warn("skipped: examples/client-python; there is no grpcio, grpcio-tools");
  return null;
}

/** Returns the code for a TLS connection in docs/client.md, in a language. */
function connectionOverTls(language: "ts" | "python"): string {
  const block = new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(DOCUMENT);
  return (block?.[1] ?? "").trim();
}

/** Generates the stubs of run.proto beside a Python program, as its README says. */
export function makeStubs(python: string, folder: string): void {
  const places = ["-I", join(ROOT, "protos"), `--python_out=${folder}`];
  const { stderr } = spawnSync(python, [
    ...["-m", "grpc_tools.protoc", ...places, `--grpc_python_out=${folder}`],
    join(ROOT, "protos/gumshoe/v1/run.proto"),
  ]);
  if (stderr.length > 0) throw new Error(stderr.toString());
}

/** Returns the TypeScript program with docs/client.md's TLS connection. */
export function typescriptOverTls(): string {
  const [, ...statements] = connectionOverTls("ts").split(/\n(?=const)/);
  const token = 'const token = process.env["GUMSHOE_TOKEN"] ?? "";';
  return PROGRAMS.typescript
    .replace("GumshoeClient }", "GumshoeClient, readTlsFolder }")
    .replace(/const client = [\s\S]*?\n\}\);/, [token, ...statements].join("\n"));
}

/** Returns the Python program with docs/client.md's TLS connection. */
export function pythonOverTls(): string {
  const connection = connectionOverTls("python");
  return PROGRAMS.python.replace(/channel = grpc\.insecure_channel.*/, connection);
}
