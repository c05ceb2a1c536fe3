import { describe, expect, test } from "vitest";
import { ClusterError } from "./errors.js";
import { createLogger } from "./log.js";

/** Returns the lines that `speak` logs as text. */
function logged(speak: (log: ReturnType<typeof createLogger>) => void, level?: string): string {
  let text = "";
  const destination = { write: (line: string) => void (text += line) };
  speak(createLogger("coordinator", level, destination));
  return text;
}

describe("createLogger", () => {
  test("a line is one JSON document with name, time and message", () => {
    const text = logged((log) => log.info({ run: "first" }, "started"));
    expect(text.endsWith("\n")).toBe(true);
    const line = JSON.parse(text) as Record<string, unknown>;
    expect(line).toMatchObject({ name: "coordinator", run: "first", msg: "started", level: 30 });
    expect(line["time"]).toMatch(/^\d{4}-\d\d-\d\dT/);
  });

  test("fields with secrets are removed, also in objects, errors and child loggers", () => {
    const text = logged((log) => {
      log.info({ token: "s3cret", password: "s3cret" });
      log.info({ redis: { redisUrl: "s3cret" }, call: { authorization: "s3cret" } });
      log.error({ err: new ClusterError("INTERNAL", "x", { details: { token: "s3cret" } }) });
      log.child({ token: "s3cret" }).info("from a child");
    });
    expect(text).not.toContain("s3cret");
    expect(text.match(/\[secret\]/g)).toHaveLength(6);
  });

  test("secrets within texts are removed, in messages and fields", () => {
    const text = logged((log) => {
      log.warn("lost redis://:s3cret@127.0.0.1:6379/0");
      log.warn({ deeply: { nested: { url: "rediss://default:s3cret@host/0" } } });
      log.warn("sent authorization: Bearer s3cret.part-2");
      log.error(new Error("cannot reach redis://user:s3cret@host"));
    });
    expect(text).not.toContain("s3cret");
    expect(text).not.toContain("part-2");
    expect(text).toContain("redis://[secret]@127.0.0.1:6379/0");
  });

  test("the secret filter takes linear time", () => {
    const worst = ["a", "a:", "://", "://a", "Bearer ", "Bearer a", "x://y", "Bearer:", "@", '"'];
    for (const piece of worst) {
      const details = { text: piece.repeat(1_000_000 / piece.length) };
      const begun = performance.now();
      const error = new ClusterError("INTERNAL", "x", { details });
      expect(logged((log) => log.warn({ err: error })).length).toBeGreaterThan(1000);
      // Linear takes some milliseconds; quadratic would take minutes.
      expect(performance.now() - begun).toBeLessThan(2000);
    }
  });

  test("long fields, messages and errors are truncated", () => {
    const long = "x".repeat(100_000);
    const text = logged((log) => {
      log.info({ host: long }, long);
      log.error(new ClusterError("INTERNAL", long));
    });
    expect(text.length).toBeLessThan(30_000);
    expect(text).toContain("x... (100000 characters)");
    expect(
      text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => typeof JSON.parse(line)),
    ).toEqual(["object", "object"]);
  });

  test("a text without secrets is unchanged", () => {
    const message = "see https://example.org/a@b, mail a@b.org, took 3 ms";
    expect(logged((log) => log.info(message))).toContain(message);
  });

  test("messages below the level are not written", () => {
    expect(logged((log) => log.debug("detail"))).toBe("");
    expect(logged((log) => log.error("failure"), "silent")).toBe("");
  });
});
