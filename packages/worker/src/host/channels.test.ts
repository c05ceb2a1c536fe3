import { type Clock, systemClock } from "@gumshoe/core";
import { expect, test } from "vitest";

import { Channels } from "./channels.js";

test("a connection that was unused for minutes is closed when another one is opened", () => {
  let nowMs = 0;
  const clock: Clock = { ...systemClock, monotonicMs: () => nowMs };
  const channels = new Channels({ token: "t", tls: null, clock });
  const used = channels.to("127.0.0.1:1");
  channels.to("127.0.0.1:2");
  nowMs += 200_000;
  expect(channels.to("127.0.0.1:1")).toBe(used);
  nowMs += 200_000;
  channels.to("127.0.0.1:3");
  expect(channels.addresses).toEqual(["127.0.0.1:1", "127.0.0.1:3"]);
  channels.close();
  expect(channels.addresses).toEqual([]);
});
