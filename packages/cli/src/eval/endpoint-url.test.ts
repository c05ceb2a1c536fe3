import { expect, test } from "vitest";

import { endpointUrl } from "./endpoint-url.js";

test.each([
  ["http://h:1/v1", "http://h:1/v1/chat/completions"],
  ["http://h:1/v1/", "http://h:1/v1/chat/completions"],
  ["http://h:1", "http://h:1/chat/completions"],
  ["http://h:1/v1?version=1", "http://h:1/v1/chat/completions?version=1"],
  ["http://h:1/v1/?version=1&x=2", "http://h:1/v1/chat/completions?version=1&x=2"],
  [
    "https://h/deployments/m/chat/completions?api-version=2",
    "https://h/deployments/m/chat/completions?api-version=2",
  ],
  ["http://h/v1/chat/completions/", "http://h/v1/chat/completions"],
  ["http://h/v1#part", "http://h/v1/chat/completions"],
])("%s serves at %s", (base, url) => {
  expect(endpointUrl(base)).toMatchObject({ url, shown: url, authorization: null });
});

test("user, password and keys are sent, and not shown", () => {
  const { url, shown, authorization } = endpointUrl("https://ann:p%40ss@h/v1?api_key=abc&v=1");
  expect(url).toBe("https://h/v1/chat/completions?api_key=abc&v=1");
  expect(shown).toBe("https://h/v1/chat/completions?api_key=***&v=1");
  expect(authorization).toBe(`Basic ${Buffer.from("ann:p@ss").toString("base64")}`);
});

test("a sign % of a user or password that begins no escape is sent as it is", () => {
  const { authorization } = endpointUrl("https://ann:100%@h/v1");
  expect(authorization).toBe(`Basic ${Buffer.from("ann:100%").toString("base64")}`);
});

test("what is no URL of HTTP is refused without its secrets", () => {
  expect(() => endpointUrl("127.0.0.1:8000/v1")).toThrow("--endpoint: ");
  expect(() => endpointUrl("ftp://h/v1")).toThrow("must begin with http:// or https://");
  expect(() => endpointUrl("http://ann:secret@h:port/")).toThrow(/^(?!.*secret).*is not a URL/);
});
