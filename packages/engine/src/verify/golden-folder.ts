import { join } from "node:path";

import { GoldenFormatError, type GoldenJson } from "@gumshoe/grpo";

import { SafetensorsFile } from "../weights/safetensors-file.js";
import type { Expected } from "./check.js";
import { readGoldenJson } from "./golden-json-file.js";

const FORMAT = "gumshoe-golden";
const VERSION = 1;

/** One case of a `golden.json`. */
export interface GoldenCase {
  readonly name: string;
  /** One of the requested kinds. */
  readonly kind: string;
  readonly inputs: GoldenJson;
  readonly outputs: readonly GoldenOutput[];
}

/** One output of a case; its values are still in the file. */
export interface GoldenOutput extends Omit<Expected, "values"> {
  /** Name of the tensor in `golden.safetensors`. */
  readonly tensor: string;
}

/**
 * Reads the `golden.json` of a model folder.
 *
 * @param kinds  the known kinds of cases
 * @throws       GoldenFormatError on another format or version, an unknown kind or a broken field
 */
export async function readGoldenCases(
  dir: string,
  kinds: readonly string[],
): Promise<GoldenCase[]> {
  const root = await readGoldenJson(join(dir, "golden.json"));
  const format = root.field("format").text();
  const version = root.field("version").number();
  if (format !== FORMAT || version !== VERSION) {
    const problem = `is ${format} version ${version}, known is ${FORMAT} version ${VERSION}`;
    throw new GoldenFormatError(`${root.path}.format`, problem);
  }
  const cases = root.field("cases").items();
  if (cases.length === 0) throw new GoldenFormatError(`${root.path}.cases`, "is empty");
  return cases.map((item) => readCase(item, kinds));
}

function readCase(item: GoldenJson, kinds: readonly string[]): GoldenCase {
  const kind = item.field("kind").text();
  if (!kinds.includes(kind)) {
    const problem = `is ${kind}; known are ${kinds.join(", ")}`;
    throw new GoldenFormatError(`${item.path}.kind`, problem);
  }
  const outputs = item.field("outputs");
  return {
    name: item.field("name").text(),
    kind,
    inputs: item.field("inputs"),
    outputs: outputs.keys().map((name) => {
      const output = outputs.field(name);
      return {
        output: name,
        tensor: output.field("tensor").text(),
        scale: positive(output.field("scale")),
        tolerance: output.field("tolerance").number(),
        torchError: output.has("torchFloat32Error")
          ? output.field("torchFloat32Error").number()
          : null,
      };
    }),
  };
}

function positive(field: GoldenJson): number {
  const value = field.number();
  if (value > 0) return value;
  throw new GoldenFormatError(field.path, `is ${value}, not above 0`);
}

/** The tensors of a `golden.safetensors`. */
export class GoldenTensors {
  private constructor(private readonly file: SafetensorsFile) {}

  /** @throws ModelFolderError when the file is missing or broken */
  static async open(dir: string): Promise<GoldenTensors> {
    return new GoldenTensors(await SafetensorsFile.open(join(dir, "golden.safetensors")));
  }

  /** @throws ModelFolderError when there is no such tensor */
  async expected(output: GoldenOutput): Promise<Expected> {
    const { tensor: name } = output;
    const shape = this.file.tensors.get(name)?.shape ?? [];
    this.file.check(name, shape);
    const count = shape.reduce((product, size) => product * size, 1);
    return { ...output, values: await this.file.read(name, 0, count) };
  }

  async close(): Promise<void> {
    await this.file.close();
  }
}
