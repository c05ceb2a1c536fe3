import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { ROOT } from "./gumshoe.js";

const DOCUMENT = readFileSync(join(ROOT, "docs/client.md"), "utf8");

/** A Python with grpcio and grpcio-tools, or null; `npm test` looks for one and sets GUMSHOE_PYTHON. */
export const PYTHON = findPython();

function findPython(): string | null {
  const python = process.env["GUMSHOE_PYTHON"] ?? "python3";
  const { status } = spawnSync(python, ["-c", "import grpc, grpc_tools"]);
  if (status === 0) return python;
  console.warn("skipped: Python programs of docs/client.md; there is no grpcio, grpcio-tools");
  return null;
}

/** The programs, or blocks of commands, of docs/client.md in a language, in their order. */
export function documented(language: "ts" | "python" | "sh"): readonly string[] {
  const blocks = DOCUMENT.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"));
  return [...blocks].map(([, text = ""]) => text);
}

/** Makes the stubs of run.proto beside a Python program, as the document says. */
export function makeStubs(python: string, folder: string): void {
  const places = ["-I", join(ROOT, "protos"), `--python_out=${folder}`];
  const { stderr } = spawnSync(python, [
    ...["-m", "grpc_tools.protoc", ...places, `--grpc_python_out=${folder}`],
    join(ROOT, "protos/gumshoe/v1/run.proto"),
  ]);
  if (stderr.length > 0) throw new Error(stderr.toString());
}

/** The document's program in TypeScript with the connection that it gives for TLS. */
export function typescriptOverTls(): string {
  const [plain = "", connecting = ""] = documented("ts");
  const [imports = "", ...statements] = connecting.trim().split(/\n(?=const)/);
  const token = 'const token = process.env["GUMSHOE_TOKEN"] ?? "";';
  return plain
    .replace(/import \{ GumshoeClient \}.*/, imports)
    .replace(/const client = [\s\S]*?\n\}\);/, [token, ...statements].join("\n"));
}

/** The same in Python. */
export function pythonOverTls(): string {
  const [plain = "", connecting = ""] = documented("python");
  return plain.replace(/channel = grpc\.insecure_channel.*/, connecting.trim());
}
