/**
 * The regions that the processes of this machine share: links in a folder of temporary files, each named after what
 * a region holds, and pointing to a descriptor of the creating process under /proc.
 *
 * - A link holds no memory. A link whose process has ended is dangling, and is removed when it is found.
 * - A link says where a region is, not that it is complete: weights are verified by the digest of their values.
 */
import { createHash } from "node:crypto";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readlinkSync } from "node:fs";
import { existsSync, symlinkSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { errorMessage, hostIdentity, type Logger } from "@gumshoe/core";

import { Region } from "./region.js";

/** Attempts to join a region; one fails if another process creates the region first and then ends. */
const MAX_ATTEMPTS = 5;

/** How regions are shared. */
export interface RegionDirectoryOptions {
  /** If false, regions are private to this process. */
  readonly isShared: boolean;
  readonly logger: Logger;
  /** Where the folder of links is created; default: the system's folder of temporary files. */
  readonly root?: string;
}

/** The regions of one user's processes on one machine. */
export class RegionDirectory {
  /** The folder of links; null if nothing is shared. */
  readonly #folder: string | null;
  readonly #logger: Logger;
  readonly #warned = new Set<string>();
  /** Targets of the links that this process made, by name. */
  readonly #published = new Map<string, string>();

  constructor({ isShared, logger, root = tmpdir() }: RegionDirectoryOptions) {
    this.#logger = logger;
    this.#folder = isShared ? this.#openFolder(root) : null;
    if (this.#folder !== null) this.#sweep(this.#folder);
  }

  /** Returns whether processes of this machine can open the regions created here. */
  get isShared(): boolean {
    return this.#folder !== null;
  }

  /** Creates a region without a link. */
  create(elements: number): Region {
    return Region.create(elements, { isShared: this.isShared });
  }

  /** Opens the region of a link; null if there is none of this size. */
  find(name: string, elements: number): Region | null {
    const link = this.#linkOf(name);
    if (link === null) return null;
    const region = Region.open(link, elements);
    if (region === null) removeDead(link);
    return region;
  }

  /**
   * Opens the region of a name, or creates it; processes that write parts of one region use this to share it.
   *
   * @returns  the region, and whether this process created it
   */
  join(name: string, elements: number): { region: Region; isMaker: boolean } {
    for (let attempt = 1; ; attempt++) {
      const found = this.find(name, elements);
      if (found !== null) return { region: found, isMaker: false };
      const region = this.create(elements);
      const isFirst = this.publish(name, region);
      // If nothing is shared, or the name belongs to something else, the region is private to this process.
      if (isFirst || !this.isShared || attempt === MAX_ATTEMPTS) return { region, isMaker: true };
      region.close();
    }
  }

  /** Links a name to a region; returns false if the name is taken or nothing is shared. */
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

  /**
   * Removes the link of a name if this process made it. Call it before the region is closed.
   *
   * @param region  leaves a link to another region; default: any
   */
  withdraw(name: string, region: Region | null = null): void {
    const link = this.#linkOf(name);
    const path = this.#published.get(name);
    if (region !== null && region.file?.path !== path) return;
    this.#published.delete(name);
    if (link !== null && path !== undefined && targetOf(link) === path) remove(link);
  }

  /** Removes a link, whichever process made it: the region does not hold what its name says. */
  discard(name: string): void {
    const link = this.#linkOf(name);
    if (link !== null) remove(link);
  }

  /** Logs why regions are not shared, each reason once. */
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

/** Removes a dangling link. */
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
