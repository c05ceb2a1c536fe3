/**
 * Asks a gRPC server of this container for a sign of life: `node healthcheck.mjs PORT`, or, where the port is
 * any, `node healthcheck.mjs FILE` with the file that GUMSHOE_READY_FILE names.
 *
 * An HTTP/2 ping is answered by the process itself, not by the kernel, so one that hangs fails the check.
 */
import { readFileSync } from "node:fs";
import { connect } from "node:http2";

const TIMEOUT_MS = 10_000;

const [where] = process.argv.slice(2);
const address = where.startsWith("/")
  ? JSON.parse(readFileSync(where, "utf8")).address
  : `127.0.0.1:${where}`;
const hasTls = !["", "off", undefined].includes(process.env.GUMSHOE_TLS);
// It is asked whether it lives, not who it is.
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
