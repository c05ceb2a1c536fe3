/** `gumshoe serve` with a certificate, as a process. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { makeCertificates } from "../../packages/cli/src/certs/certificate-folder.js";
import { Gumshoe, type Running } from "../support/gumshoe.js";
import { ROOKIE } from "../support/rookie.js";

let home: Gumshoe;
let served: Running;
let url: string;

beforeAll(async () => {
  home = await Gumshoe.create();
  const folder = join(home.home, "certs");
  await makeCertificates({ folder, hosts: [], days: 2, renew: false });
  const [cert, key] = ["cert.pem", "key.pem"].map((name) => join(folder, "coordinator", name));
  const tls = ["--tls-cert", cert ?? "", "--tls-key", key ?? ""];
  const words = ["serve", "--model", ROOKIE, "--no-key", "--listen", "127.0.0.1:0", "--json"];
  served = home.start([...words, ...tls]);
  await served.until("the address", () => served.out.includes("\n"));
  ({ url } = JSON.parse(served.out) as { url: string });
});
afterAll(() => home.close());

/** Completes a prompt; returns the status. */
function complete(ca?: Buffer): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const options = { method: "POST", headers, agent: false, ca };
    const sent = request(`${url}/completions`, options, (response) => {
      response.resume().on("end", () => resolve(response.statusCode));
    });
    sent.on("error", reject).end(JSON.stringify({ prompt: "A", max_tokens: 1 }));
  });
}

test("a server with a certificate answers by HTTPS, to clients that trust its authority", async () => {
  expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v1$/);
  expect(await complete(readFileSync(join(home.home, "certs/client/ca.pem")))).toBe(200);
  await expect(complete()).rejects.toThrow(/certificate/);
  await expect(fetch(url.replace("https:", "http:"))).rejects.toThrow();
});
