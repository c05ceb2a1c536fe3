/**
 * A copy of the checkout for the documented commands: files that they read are linked, files that
 * they may write are copied, so that each command line runs in it unchanged.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROOT } from "./gumshoe.js";

const LINKED = ["node_modules", "models", "packages", "protos", "package.json", "scripts"];

const COPIED = ["examples", "runs"];

/** A folder with the contents of the checkout. */
export class CheckoutCopy {
  private constructor(readonly folder: string) {}

  /** Creates a copy in the system's temporary folder, with an empty folder `mine`. */
  static create(): CheckoutCopy {
    const folder = mkdtempSync(join(tmpdir(), "gumshoe-checkout-"));
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    mkdirSync(join(folder, "mine"));
    return new CheckoutCopy(folder);
  }

  /**
   * Replaces the numbers of a config's fields, so that a run takes seconds; `checkpoints` is the number in the
   * path of the checkpoint that it starts from.
   */
  shorten(file: string, numbers: Readonly<Record<string, number>>): void {
    const path = join(this.folder, file);
    let text = readFileSync(path, "utf8");
    for (const [field, value] of Object.entries(numbers)) {
      const number = new RegExp(`\\b(${field}(?:: |/))\\d+`, "g");
      text = text.replace(number, (_, before: string) => `${before}${value}`);
    }
    writeFileSync(path, text);
  }

  /** Removes the copy. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
