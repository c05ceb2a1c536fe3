import { readFileSync, readlinkSync } from "node:fs";

/**
 * Names the place in which processes can open each other's files under `/proc`: one boot of one machine,
 * one space of process numbers. Empty where there is no such thing.
 */
export function hostIdentity(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
