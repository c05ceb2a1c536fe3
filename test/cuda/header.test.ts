/** The table of driver functions against cuda.h, where the CUDA toolkit is installed. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { DRIVER_FUNCTIONS } from "@gumshoe/cuda";
import { expect, test } from "vitest";

const header = findHeader();

function findHeader(): string | null {
  const installed = existsSync("/usr/local") ? readdirSync("/usr/local") : [];
  const roots = [
    process.env["CUDA_HOME"],
    ...installed.filter((name) => /^cuda/.test(name)).map((name) => join("/usr/local", name)),
  ];
  for (const root of roots.filter((one) => one !== undefined)) {
    const file = join(root, "include/cuda.h");
    if (existsSync(file)) return readFileSync(file, "utf8");
  }
  console.warn("SKIPPED: the table of driver functions against cuda.h (there is no CUDA toolkit)");
  return null;
}

/** What a parameter's C type is called in the table; outputs and inputs by pointer are `host`. */
function kindOf(parameter: string): string {
  const type = parameter
    .trim()
    .replace(/\s*\b\w+$/, "")
    .trim();
  if (/^(const )?char \*$/.test(type) && /\b(name|pciBusId)$/.test(parameter))
    return "host or text";
  if (/^const char \*\*$/.test(type)) return "textOut";
  if (parameter.includes("*")) return "host";
  if (type === "CUdeviceptr") return "address";
  if (type === "size_t") return "size";
  if (type === "unsigned char") return "u8";
  if (type === "unsigned int") return "u32";
  if (type === "unsigned long long") return "u64";
  if (/^CUipc\w+Handle$/.test(type)) return "bytes64";
  if (/^CU(context|stream|event|module|function|graph|graphExec)$/.test(type)) return "handle";
  // Device numbers and enumerations.
  return "i32";
}

/** Returns the kinds of a function's parameters by cuda.h; null when it is not declared there. */
function declared(text: string, name: string): string[] | null {
  const plain = name.replace(/_v2$/, "");
  const declaration = new RegExp(`CUresult CUDAAPI ${plain}\\s*\\(([^)]*)\\);`).exec(text);
  if (declaration === null) return null;
  const parameters = (declaration[1] ?? "").replace(/\s+/g, " ").trim();
  if (parameters === "void" || parameters === "") return [];
  return parameters.split(",").map(kindOf);
}

test.skipIf(header === null)("every function has the parameters that cuda.h declares", () => {
  const text = header ?? "";
  const wrong = Object.entries(DRIVER_FUNCTIONS).flatMap(([name, { parameters }]) => {
    const expected = declared(text, name);
    // Declared by a macro only.
    if (expected === null && name === "cuGraphInstantiateWithFlags") return [];
    const isSame =
      expected?.length === parameters.length &&
      parameters.every(
        (kind, i) => expected[i] === kind || expected[i]?.split(" or ").includes(kind),
      );
    return isSame ? [] : [`${name}(${parameters.join(", ")}): cuda.h has (${String(expected)})`];
  });
  expect(wrong).toEqual([]);
});
