import { type ServiceError, status } from "@grpc/grpc-js";
import { ClusterError } from "@gumshoe/core";
import { expect, test } from "vitest";

import { fromGrpcFailure, toGrpcFailure } from "./status.js";

const CALL = { method: "/gumshoe.v1.RunService/GetRun", address: "127.0.0.1:1" };

/** A failure as a caller gets it, with this trailer. */
function failureWith(trailer: string): ServiceError {
  const { details, metadata } = toGrpcFailure(new ClusterError("NOT_FOUND", "no run x"));
  metadata.set("gumshoe-error-bin", Buffer.from(trailer));
  return Object.assign(new Error(details), { code: status.NOT_FOUND, details, metadata });
}

test("code and details are read from the trailer", () => {
  const error = fromGrpcFailure(failureWith('{"code":"ABORTED","details":{"run":"x"}}'), CALL);
  expect(error).toMatchObject({ code: "ABORTED", message: "no run x", details: { run: "x" } });
});

test.each([
  ["no JSON", "{"],
  ["another code", '{"code":"constructor","details":{}}'],
  ["null", "null"],
  [
    "more than is ever sent",
    `{"code":"ABORTED","details":{"x":${"[".repeat(2000)}${"]".repeat(2000)}}}`,
  ],
])("a trailer of %s leaves code and message of the status", (_what, trailer) => {
  const error = fromGrpcFailure(failureWith(trailer), CALL);
  expect(error).toMatchObject({ code: "NOT_FOUND", message: "no run x" });
  expect(JSON.stringify(error.details)).not.toContain("[[");
});
