import { parseRunConfig } from "@gumshoe/config";
import { expect, test } from "vitest";

import { AllowedServers } from "./allowed-servers.js";

const ALLOWED = ["http://127.0.0.1:8900", "https://judge.example.com/v1/"];

/** Returns what is wrong with a config that names a server; null for nothing. */
function problem(url: string, urls = ALLOWED, place: "tasks" | "validation" = "tasks") {
  const http = { type: "http", url };
  const mix = { type: "mix", sources: [{ name: "a", source: { type: "zebra" } }] as object[] };
  mix.sources.push({ name: "b", source: http });
  const own = place === "tasks" ? http : { type: "generate" };
  const validation = place === "validation" ? { source: mix } : null;
  const config = { name: "a", type: "grpo", model: "m", tasks: { source: own }, validation };
  try {
    new AllowedServers(urls).check(parseRunConfig(JSON.stringify(config)));
    return null;
  } catch (thrown) {
    return (thrown as Error).message;
  }
}

test.each([
  "http://127.0.0.1:8900",
  "http://127.0.0.1:8900/tasks",
  "https://judge.example.com/v1",
  "https://JUDGE.example.com:443/v1/sums/",
])("%s is allowed", (url) => {
  expect(problem(url)).toBeNull();
});

test.each([
  "http://127.0.0.1:8901",
  "https://127.0.0.1:8900",
  "http://localhost:8900",
  "http://127.0.0.1:89000/".replace("89000", "890"),
  "https://judge.example.com/v10",
  "https://judge.example.com/v1/../admin",
  "https://judge.example.com/v1/%2e%2e/admin",
  "https://judge.example.com.evil.org/v1",
  "http://169.254.169.254/latest/meta-data",
])("%s is refused, with the field and how to allow it", (url) => {
  expect(problem(url)).toMatch(
    /^tasks\.source\.url: .* is not below a URL that this cluster allows/,
  );
  expect(problem(url)).toContain("GUMSHOE_SOURCE_URLS");
});

test("by default no server is allowed, also not one of loopback", () => {
  expect(problem("http://127.0.0.1:8900", [])).toContain("it allows none");
});

test("a server in a mix is refused by its place", () => {
  expect(problem("http://10.0.0.1/", ALLOWED, "validation")).toMatch(
    /^validation\.source\.sources\.1\.source\.url: /,
  );
});
