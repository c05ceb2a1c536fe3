/** Health and reflection, called by generic clients. */
import { once } from "node:events";

import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import {
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
  FileDescriptorSetSchema,
} from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import {
  FleetService,
  HealthCheckRequest,
  type HealthCheckResponse,
  HealthService,
  RunService,
  ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionService,
} from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { ServerReflectionAlphaService } from "./reflection.js";
import { RpcServer } from "./server.js";

let server: RpcServer;
let client: Client;
beforeAll(async () => {
  server = new RpcServer({ token: "right" });
  server.serve(FleetService, {
    register: async () => ({ heartbeatIntervalMs: 1000 }),
    heartbeat: async () => ({ heartbeatIntervalMs: 1000, withdrawnJobs: [] }),
    leave: async () => ({}),
    reportEnd: async () => ({}),
  });
  client = new Client(await server.listen("127.0.0.1:0"), credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await server.stop(0);
});

/** Calls the health check without a token. */
function check(service: string): Promise<unknown> {
  const { path, requestSerialize, responseDeserialize } = HealthService.check;
  const request = HealthCheckRequest.create({ service });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
  });
}

/** Calls reflection; all requests are sent before the first response is read. */
async function reflect(
  questions: Partial<ServerReflectionRequest>[],
  options: { path?: string; token?: string } = {},
): Promise<ServerReflectionResponse[]> {
  const { path, requestSerialize, responseDeserialize } =
    ServerReflectionService.serverReflectionInfo;
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${options.token ?? "right"}`);
  const call = client.makeBidiStreamRequest(
    ...([options.path ?? path, requestSerialize, responseDeserialize, metadata] as const),
  );
  for (const question of questions) call.write(ServerReflectionRequest.create(question));
  call.end();
  const answers: ServerReflectionResponse[] = [];
  for await (const answer of call) answers.push(answer as ServerReflectionResponse);
  return answers;
}

function filesOf(answer: ServerReflectionResponse | undefined): FileDescriptorProto[] {
  const files = answer?.fileDescriptorResponse?.fileDescriptorProto ?? [];
  return files.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

test("a health probe needs no token", async () => {
  expect(await check("")).toEqual({ status: "SERVING" });
  expect(await check("gumshoe.v1.FleetService")).toEqual({ status: "SERVING" });
  await expect(check("gumshoe.v1.RunService")).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test("a watch of the health reports at once, and does not keep the server from stopping", async () => {
  const { path, requestSerialize, responseDeserialize } = HealthService.watch;
  const other = new RpcServer({ token: "right" });
  const watcher = new Client(await other.listen("127.0.0.1:0"), credentials.createInsecure());
  const request = HealthCheckRequest.create({});
  const call = watcher.makeServerStreamRequest(
    ...([path, requestSerialize, responseDeserialize, request] as const),
  );
  call.on("error", () => undefined);
  const first = await new Promise<HealthCheckResponse>((resolve) => call.once("data", resolve));
  expect(first.status).toBe("SERVING");
  await other.stop(50);
  watcher.close();
});

test("reflection lists the served services", async () => {
  const [answer] = await reflect([{ listServices: "" }]);
  expect(answer?.listServicesResponse?.service.map(({ name }) => name)).toEqual([
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "gumshoe.v1.FleetService",
  ]);
});

test("the health check and its watch follow the server's status", async () => {
  const { path, requestSerialize, responseDeserialize } = HealthService.watch;
  const request = HealthCheckRequest.create({ service: "gumshoe.v1.FleetService" });
  const seen: unknown[] = [];
  const [serialize, deserialize] = [requestSerialize, responseDeserialize];
  const stream = client.makeServerStreamRequest(path, serialize, deserialize, request);
  const next = () => once(stream, "data");
  stream.on("data", (answer: HealthCheckResponse) => seen.push(answer.status));
  stream.on("error", () => undefined);
  await next();
  server.isServing = false;
  await next();
  expect(await check("")).toEqual({ status: "NOT_SERVING" });
  server.isServing = true;
  await next();
  expect(await check("gumshoe.v1.FleetService")).toEqual({ status: "SERVING" });
  stream.cancel();
  expect(seen).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
});

test("reflection returns the file of a service, method, message or file name, with its imports", async () => {
  const answers = await reflect([
    { fileContainingSymbol: "gumshoe.v1.RunService" },
    { fileContainingSymbol: "gumshoe.v1.RunService.SubmitRun" },
    { fileContainingSymbol: "gumshoe.v1.Run" },
    { fileByFilename: "gumshoe/v1/pack.proto" },
    { fileContainingSymbol: "grpc.reflection.v1alpha.ServerReflection" },
  ]);
  const [service, ...others] = answers.map((answer) => filesOf(answer).map(({ name }) => name));
  expect(service).toEqual(["gumshoe/v1/run.proto"]);
  expect(others).toEqual([
    ["gumshoe/v1/run.proto"],
    ["gumshoe/v1/run.proto"],
    ["gumshoe/v1/pack.proto", "gumshoe/v1/rollout.proto", "gumshoe/v1/run.proto"],
    ["grpc/reflection/v1/reflection.proto"],
  ]);
});

test("the descriptors of reflection match the wire format", async () => {
  const [answer] = await reflect([{ fileContainingSymbol: "gumshoe.v1.RunService" }]);
  const registry = createFileRegistry({
    $typeName: FileDescriptorSetSchema.typeName,
    file: filesOf(answer),
  });
  const described = registry.getService("gumshoe.v1.RunService")?.methods.map(({ name }) => name);
  const served = Object.values(RunService).map(({ path }) => path.split("/")[2]);
  expect(described).toEqual(served);
});

test("reflection serves v1alpha clients, and reports unknown symbols", async () => {
  const { path } = ServerReflectionAlphaService.serverReflectionInfo;
  const questions = ["gumshoe.v1.Moon", "", "gumshoe.v1"].map((fileContainingSymbol) => ({
    fileContainingSymbol,
  }));
  const more = [{ fileByFilename: "moon.proto" }, { allExtensionNumbersOfType: "gumshoe.v1.Run" }];
  for (const answer of await reflect([...questions, ...more], { path })) {
    expect(answer.errorResponse?.errorCode).toBe(status.NOT_FOUND);
  }
});

test("reflection needs the token", async () => {
  await expect(reflect([{ listServices: "" }], { token: "wrong" })).rejects.toMatchObject({
    code: status.UNAUTHENTICATED,
  });
});
