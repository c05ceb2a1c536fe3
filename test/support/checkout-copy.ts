/**
 * A copy of the checkout for commands of the documents: what they read is linked, what they may write is
 * their own, so that a documented command line runs in it as it is written.
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

/** A folder that looks like the checkout. */
export class CheckoutCopy {
  private constructor(readonly folder: string) {}

  /** Makes one in the system's temporary folder, with an empty folder `mine`. */
  static create(): CheckoutCopy {
    const folder = mkdtempSync(join(tmpdir(), "gumshoe-checkout-"));
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(folder, name));
    for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    mkdirSync(join(folder, "mine"));
    return new CheckoutCopy(folder);
  }

  /** Sets the numbers of a config's fields, each wherever it stands, so that a run of it takes seconds. */
  shorten(file: string, numbers: Readonly<Record<string, number>>): void {
    const path = join(this.folder, file);
    let text = readFileSync(path, "utf8");
    for (const [field, value] of Object.entries(numbers)) {
      text = text.replace(new RegExp(`\\b${field}: \\d+`, "g"), `${field}: ${value}`);
    }
    writeFileSync(path, text);
  }

  /** Removes it. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
