import { describe, expect, test } from "vitest";

import {
  checkToken,
  isAddress,
  readListenAddress,
  readLogLevel,
  readVariable,
} from "./settings.js";

test("an empty variable counts as not set", () => {
  expect(readVariable({ GUMSHOE_HOME: "" }, "GUMSHOE_HOME")).toBeNull();
  expect(readVariable({ GUMSHOE_HOME: "a" }, "GUMSHOE_HOME")).toBe("a");
  expect(readListenAddress({ GUMSHOE_LISTEN: "" }, "GUMSHOE_LISTEN")).toBeNull();
  expect(readLogLevel({ GUMSHOE_LOG_LEVEL: "" })).toBe("info");
});

test("an unknown log level is rejected with the list of levels", () => {
  expect(readLogLevel({ GUMSHOE_LOG_LEVEL: "debug" })).toBe("debug");
  expect(() => readLogLevel({ GUMSHOE_LOG_LEVEL: "loud" })).toThrow(
    "GUMSHOE_LOG_LEVEL: loud is not one of trace, debug, info,",
  );
});

test.each(["host", "host:", ":7070", "host:70700", "ho st:7070", "http://host:7070", "::1:7070"])(
  "%s is not an address to listen on",
  (address) => {
    expect(() => readListenAddress({ GUMSHOE_LISTEN: address }, "GUMSHOE_LISTEN")).toThrow(
      `GUMSHOE_LISTEN: ${address} is not host:port`,
    );
  },
);

test("port 0 is accepted for listening, and rejected for connecting", () => {
  expect(readListenAddress({ A: "[::]:0" }, "A")).toBe("[::]:0");
  expect(isAddress("127.0.0.1:0", 1)).toBe(false);
  expect(isAddress("gpu-1.lan:7070", 1)).toBe(true);
});

describe("a token", () => {
  test.each(["\u00fc", "a b", "a\nb", "", "a".repeat(1001)])("%j cannot be sent", (token) => {
    expect(() => checkToken("GUMSHOE_TOKEN", token)).toThrow("GUMSHOE_TOKEN: may have 1 to 1000");
  });

  test("that cannot be sent is not repeated in the error", () => {
    expect(() => checkToken("token", "pass word")).not.toThrow("pass word");
    expect(() => checkToken("token", "aZ09-_+/=.~!")).not.toThrow();
  });
});
