/**
 * Pings a gRPC server of this container: `node healthcheck.mjs PORT`, or, for a server on any free port,
 * `node healthcheck.mjs FILE` with the file named by GUMSHOE_READY_FILE.
 *
 * The process itself answers an HTTP/2 ping, not the kernel, so a hanging process fails the check.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const TIMEOUT_MS = 10_000;

const [where] = process.argv.slice(2);
const address = where.startsWith("/")
  ? JSON.parse(readFileSync(where, "utf8")).address
  : `127.0.0.1:${where}`;
const hasTls = !["", "off", undefined].includes(process.env.GUMSHOE_TLS);
// The check tests liveness, not identity, so it accepts any certificate.
const session = connect(`${hasTls ? "https" : "http"}://${address}`, { rejectUnauthorized: false });
const fail = (problem) => {
  console.error(problem);
  process.exit(1);
};
session.on("error", (error) => fail(error.message));
setTimeout(() => fail(`no answer within ${TIMEOUT_MS} ms`), TIMEOUT_MS);
session.once("remoteSettings", () => {
  session.ping((error) => {
    if (error !== null) fail(error.message);
    process.exit(0);
  });
});
