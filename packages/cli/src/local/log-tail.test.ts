import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { lastComplaint } from "./log-tail.js";

function complaintOf(text: string): string | null {
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-log-"));
  writeFileSync(join(folder, "log"), text);
  const complaint = lastComplaint(join(folder, "log"));
  rmSync(folder, { recursive: true });
  return complaint;
}

test("the last error of a log is told, not what was said after it", () => {
  const lines = [
    { level: 50, msg: "first" },
    { level: 50, msg: "cannot listen", err: { message: "port 7070 is in use" } },
    { level: 30, msg: "bye" },
  ];
  expect(complaintOf(lines.map((line) => JSON.stringify(line)).join("\n"))).toBe(
    "port 7070 is in use",
  );
});

test("without an error the last line is told, and nothing of an empty or missing log", () => {
  expect(complaintOf("hello\nSegmentation fault\n")).toBe("Segmentation fault");
  expect(complaintOf("")).toBeNull();
  expect(lastComplaint("/nowhere/log")).toBeNull();
});

test("a line of another program is no complaint, whatever its fields hold", () => {
  const lines = [{ level: 50, msg: -1 }, { level: [60], msg: "x" }, { level: 50, err: [] }, null];
  expect(complaintOf(lines.map((line) => JSON.stringify(line)).join("\n"))).toBe("null");
});

test("only the end of a long log is read", () => {
  const early = JSON.stringify({ level: 50, msg: "early" });
  const filler = `${JSON.stringify({ level: 30, msg: "x".repeat(80) })}\n`.repeat(400);
  expect(complaintOf(`${early}\n${filler}${JSON.stringify({ level: 50, msg: "late" })}\n`)).toBe(
    "late",
  );
});
