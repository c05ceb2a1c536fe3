import { expect, test } from "vitest";

import { readOtlp } from "./otlp-settings.js";

test("by default traces go to a collector on this machine", () => {
  expect(readOtlp({})).toEqual({
    url: "http://localhost:4318/v1/traces",
    headers: {},
    compresses: false,
    timeoutMs: 10_000,
    resource: { "service.name": "gumshoe" },
  });
});

test("the variables of the specification are read, those for traces first", () => {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.example/base/",
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret, x-scope=a=b",
    OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_TIMEOUT: "20000",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "3000",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=lab,service.name=other",
    OTEL_SERVICE_NAME: "detectives",
  };
  expect(readOtlp(env)).toEqual({
    url: "https://collector.example/base/v1/traces",
    headers: { authorization: "Bearer secret", "x-scope": "a=b" },
    compresses: true,
    timeoutMs: 3000,
    resource: { "deployment.environment": "lab", "service.name": "detectives" },
  });
  // The URL for traces is taken as it is.
  const exact = { ...env, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://10.0.0.5:9/in" };
  expect(readOtlp(exact).url).toBe("http://10.0.0.5:9/in");
});

test.each([
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"],
  ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector/v1"],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://ann:secret@collector"],
  ["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"],
  ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "Bearer secret"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "a=1,b c=secret"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0d%0ax: y"],
  ["OTEL_EXPORTER_OTLP_HEADERS", "a=secret%zz"],
  ["OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "1e9"],
  ["OTEL_EXPORTER_OTLP_CERTIFICATE", "/etc/ca.pem"],
  ["OTEL_RESOURCE_ATTRIBUTES", "lab"],
])("%s=%s is refused by its name, without a secret", (name, value) => {
  const read = () => readOtlp({ [name]: value });
  expect(read).toThrow(name);
  expect(read).not.toThrow("secret");
});
