import { totalmem } from "node:os";

/** Memory of the machine, or of the control group (cgroup) that this process is in. */
export interface MachineMemory {
  /** What its processes may hold together, in bytes. */
  readonly limitBytes: number;
  /** What is not taken now, in bytes. */
  readonly availableBytes: number;
  /** Where the limit comes from. */
  readonly limitedBy: "machine" | "cgroup";
}

/** Reads how much memory there is, and how much of it can be taken now. */
export function machineMemory(): MachineMemory {
  const total = totalmem();
  const group = process.constrainedMemory();
  const isGroup = group > 0 && group < total;
  const limitBytes = isGroup ? group : total;
  const availableBytes = Math.min(limitBytes, process.availableMemory());
  return { limitBytes, availableBytes, limitedBy: isGroup ? "cgroup" : "machine" };
}
