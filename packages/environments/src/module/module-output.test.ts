import { once } from "node:events";
import { PassThrough, Writable } from "node:stream";

import { expect, test } from "vitest";

import { passOn } from "./module-output.js";

test("a module's output is forwarded up to a limit, and the limit is reported once", async () => {
  const [from, other] = [new PassThrough(), new PassThrough()];
  let text = "";
  const to = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  passOn([from, other], to, "mine.mjs");
  from.write("hello\n");
  for (let i = 0; i < 300; i++) (i % 2 === 0 ? from : other).write("x".repeat(1024));
  from.end();
  other.end();
  await Promise.all([once(from, "end"), once(other, "end")]);
  expect(text.startsWith("hello\nxxx")).toBe(true);
  expect(text.match(/mine.mjs prints more than 262144 bytes/g)).toHaveLength(1);
  expect(text.length).toBeLessThan(262144 + 100);
});
