/**
 * Asks a gRPC server of this container for a sign of life: `node healthcheck.mjs PORT`.
 *
 * An HTTP/2 ping is answered by the process itself, not by the kernel, so one that hangs fails the check.
 */
import { connect } from "node:http2";

const TIMEOUT_MS = 10_000;

const session = connect(`http://127.0.0.1:${process.argv[2]}`);
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
