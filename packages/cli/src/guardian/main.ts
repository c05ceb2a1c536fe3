/**
 * The guardian: ends the local cluster's processes when the process that started them is gone,
 * however it went (kill -9 included).
 *
 * It reads lines from its parent: `+PID` guards a process group, `-PID` lets it go. When the pipe
 * closes, every group that is still guarded is killed.
 */
import { createInterface } from "node:readline";

const guarded = new Set<number>();

// A Ctrl-C or a stop of the whole service reaches the guardian too; its work begins only after.
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
      // It has ended by itself.
    }
  }
  process.exit(0);
});
