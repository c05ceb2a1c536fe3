import { readFileSync, readlinkSync } from "node:fs";

/**
 * Identifies the processes that can open each other's files under `/proc`: one boot of one machine, and one PID
 * namespace. Empty if the system has no `/proc`.
 */
export function hostIdentity(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return "";
  }
}
