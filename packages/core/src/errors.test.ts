import { expect, test } from "vitest";
import { ClusterError, ERROR_CODES, errorMessage, InvalidArgumentError } from "./errors.js";

test("an error carries its class's name, its code, details and cause", () => {
  class LostLeaseError extends ClusterError {}
  const cause = new Error("socket closed");
  const error = new LostLeaseError("ABORTED", "lost", { details: { job: "1/2" }, cause });
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("LostLeaseError");
  expect([error.code, error.message, error.cause]).toEqual(["ABORTED", "lost", cause]);
  expect(error.details).toEqual({ job: "1/2" });
  expect(new ClusterError("INTERNAL", "x").details).toEqual({});
  expect("cause" in new ClusterError("INTERNAL", "x")).toBe(false);
});

test("failures of the other side are retryable, wrong arguments and states are not", () => {
  const retryable = (Object.keys(ERROR_CODES) as (keyof typeof ERROR_CODES)[]).filter(
    (code) => new ClusterError(code, "").retryable,
  );
  expect(retryable).toEqual(["RESOURCE_EXHAUSTED", "UNAVAILABLE", "DEADLINE_EXCEEDED"]);
});

test("an invalid argument names the field, the problem and a suggestion", () => {
  const error = new InvalidArgumentError("lanes", "must be above 0", { suggestion: "try 2" });
  expect(error.message).toBe("lanes: must be above 0 (try 2)");
  expect(error.code).toBe("INVALID_ARGUMENT");
  expect(error.details).toEqual({
    field: "lanes",
    problem: "must be above 0",
    suggestion: "try 2",
  });
  expect(new InvalidArgumentError("lanes", "is missing").message).toBe("lanes: is missing");
});

test("any thrown value has a message", () => {
  expect(errorMessage(new Error("boom"))).toBe("boom");
  expect(errorMessage("boom")).toBe("boom");
  expect(errorMessage(undefined)).toBe("undefined");
});
