/**
 * The guardian process: kills the processes of a local cluster when the process that started them
 * has ended for any reason, including kill -9.
 *
 * It reads lines from its parent: `+PID` adds a process group, `-PID` removes it. When the pipe
 * closes, it kills every group that is left.
 */
import { createInterface } from "node:readline";

const guarded = new Set<number>();

// Ignore signals that also reach the guardian, e.g. from a stop of the whole service: its work
// begins afterwards.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => undefined);

const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const pid = Number(line.slice(1));
  if (!Number.isInteger(pid) || pid <= 1) return;
  if (line.startsWith("+")) guarded.add(pid);
  else guarded.delete(pid);
});
lines.on("close", () => {
  for (const pid of guarded) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // The group has ended already.
    }
  }
  process.exit(0);
});
