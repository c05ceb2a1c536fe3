import { expect, test } from "vitest";

import { SharedSync } from "./shared-sync.js";

/** Fake syncs that complete when the test releases them. */
function heldSyncs() {
  const ends: ((error?: Error) => void)[] = [];
  const shared = new SharedSync(
    () =>
      new Promise((resolve, reject) =>
        ends.push((error) => (error === undefined ? resolve() : reject(error))),
      ),
  );
  return { ends, shared };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

test("callers that arrive during a sync share the next one", async () => {
  const { ends, shared } = heldSyncs();
  const done: string[] = [];
  const ask = (name: string) => shared.done().then(() => done.push(name));
  const all = [ask("a"), ask("b")];
  await settle();
  expect(ends.length).toBe(1);
  all.push(ask("c"), ask("d"));
  await settle();
  expect(ends.length).toBe(1);
  ends[0]?.();
  await settle();
  expect(done).toEqual(["a", "b"]);
  expect(ends.length).toBe(2);
  ends[1]?.();
  await Promise.all(all);
  expect(done).toEqual(["a", "b", "c", "d"]);
  expect(ends.length).toBe(2);
});

test("a failed sync rejects the callers that waited for it, and no others", async () => {
  const { ends, shared } = heldSyncs();
  const first = shared.done();
  await settle();
  const second = shared.done();
  ends[0]?.(new Error("disk is full"));
  await expect(first).rejects.toThrow("disk is full");
  await settle();
  ends[1]?.();
  await expect(second).resolves.toBeUndefined();
});
