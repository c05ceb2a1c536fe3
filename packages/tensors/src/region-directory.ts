/**
 * Which regions the processes of this machine share: links in a folder of temporary files, each named by what
 * a region holds, and pointing to a descriptor of the process that made it, under /proc.
 *
 * - A link holds no memory. One whose process has ended leads nowhere, and is removed when it is met.
 * - A link says where a region is, never that it is whole: weights are known by the digest of their values.
 */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { existsSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { errorMessage, type Logger } from "@gumshoe/core";

import { hostIdentity } from "./host-identity.js";
import { Region } from "./region.js";

/** Attempts to join a region: each fails if another process makes it first and then ends. */
const MAX_ATTEMPTS = 5;

/** How regions are shared. */
export interface RegionDirectoryOptions {
  /** False: regions are this process's alone. */
  readonly isShared: boolean;
  readonly logger: Logger;
  /** Where the folder of links is made; default: the system's folder of temporary files. */
  readonly root?: string;
}

/** The regions of one user's processes on one machine. */
export class RegionDirectory {
  /** The folder of links; null where nothing is shared. */
  readonly #folder: string | null;
  readonly #logger: Logger;
  readonly #warned = new Set<string>();
  /** What links of this process lead to, by name. */
  readonly #published = new Map<string, string>();

  constructor({ isShared, logger, root = tmpdir() }: RegionDirectoryOptions) {
    this.#logger = logger;
    this.#folder = isShared ? this.#openFolder(root) : null;
    if (this.#folder !== null) this.#sweep(this.#folder);
  }

  /** Says whether processes of this machine can open what is made here. */
  get isShared(): boolean {
    return this.#folder !== null;
  }

  /** Makes a region that no link leads to. */
  create(elements: number): Region {
    return Region.create(elements, { isShared: this.isShared });
  }

  /** Opens the region that a link leads to; null when there is none of this size. */
  find(name: string, elements: number): Region | null {
    const link = this.#linkOf(name);
    if (link === null) return null;
    const region = Region.open(link, elements);
    if (region === null) removeDead(link);
    return region;
  }

  /**
   * Opens the region of a name, or makes it: processes that write parts of one region meet in it.
   *
   * @returns  the region, and whether this process made it
   */
  join(name: string, elements: number): { region: Region; isMaker: boolean } {
    for (let attempt = 1; ; attempt++) {
      const found = this.find(name, elements);
      if (found !== null) return { region: found, isMaker: false };
      const region = this.create(elements);
      const isFirst = this.publish(name, region);
      // Where nothing is shared, or the name leads to something else, the region is this process's alone.
      if (isFirst || !this.isShared || attempt === MAX_ATTEMPTS) return { region, isMaker: true };
      region.close();
    }
  }

  /** Makes a link to a region; false when there is one of that name, or nothing is shared. */
  publish(name: string, region: Region): boolean {
    const link = this.#linkOf(name);
    const file = region.file;
    if (link === null || file === null) return false;
    removeDead(link);
    try {
      symlinkSync(file.path, link);
      this.#published.set(name, file.path);
      return true;
    } catch {
      return false;
    }
  }

  /** Removes the link of a name if this process made it. Call it before the region is closed. */
  withdraw(name: string): void {
    const link = this.#linkOf(name);
    const path = this.#published.get(name);
    this.#published.delete(name);
    if (link !== null && path !== undefined && targetOf(link) === path) remove(link);
  }

  /** Removes a link whoever made it: the region does not hold what its name says. */
  discard(name: string): void {
    const link = this.#linkOf(name);
    if (link !== null) remove(link);
  }

  /** Logs a reason why regions are not shared: once, however often it occurs. */
  warnOnce(problem: string): void {
    if (this.#warned.has(problem)) return;
    this.#warned.add(problem);
    this.#logger.warn(`memory is not shared between processes: ${problem}; values are copied`);
  }

  #linkOf(name: string): string | null {
    if (this.#folder === null) return null;
    if (!/^[\w.-]{1,200}$/.test(name)) throw new RangeError(`${name} is no name of a region`);
    return join(this.#folder, name);
  }

  #openFolder(root: string): string | null {
    const host = hostIdentity();
    const user = process.getuid?.();
    if (host === "" || user === undefined) {
      this.warnOnce("this system has no /proc");
      return null;
    }
    const hostHash = createHash("sha256").update(host).digest("hex").slice(0, 16);
    const folder = join(root, `gumshoe-${user}-${hostHash}`);
    const probe = Region.create(1, { isShared: true });
    const canOpen = probe.file !== null && existsSync(probe.file.path);
    probe.close();
    if (!canOpen) {
      this.warnOnce("this system has no memory without a name (memfd_create)");
      return null;
    }
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const found = lstatSync(folder);
      if (!found.isDirectory() || found.uid !== user) throw new Error("it is another user's");
      chmodSync(folder, 0o700);
      return folder;
    } catch (error) {
      this.warnOnce(`${folder} cannot be used: ${errorMessage(error)}`);
      return null;
    }
  }

  #sweep(folder: string): void {
    for (const name of readdirSync(folder)) removeDead(join(folder, name));
  }
}

/** Removes a link that leads nowhere. */
function removeDead(link: string): void {
  if (targetOf(link) !== null && !existsSync(link)) remove(link);
}

function targetOf(link: string): string | null {
  try {
    return readlinkSync(link);
  } catch {
    return null;
  }
}

function remove(link: string): void {
  try {
    unlinkSync(link);
  } catch {
    // Another process removed it.
  }
}
