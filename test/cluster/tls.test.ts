/** A cluster with mutual TLS: it works, and rejects callers without a valid certificate. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { get, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { readTlsFolder } from "@gumshoe/core";
import {
  AssignRequest,
  FetchGroupRequest,
  FetchLaneRequest,
  type Fleet,
  FleetService,
  PackService,
  ReducerService,
  RolloutService,
} from "@gumshoe/protocol";
import { RpcChannel } from "@gumshoe/rpc";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

// No command makes expired certificates, so the function behind the command is used.
import { makeCertificates } from "../../packages/cli/dist/certs/certificate-folder.js";
import {
  makeStubs,
  PYTHON,
  pythonOverTls,
  typescriptOverTls,
} from "../support/documented-programs.js";
import { Gumshoe, ROOT } from "../support/gumshoe.js";
import { freePort, startRedis, type TestRedis } from "../support/redis-server.js";

const TOKEN = "token-of-the-tls-test";
const TEST_TIMEOUT_MS = 120_000;
// For a process whose clock is a year behind, these certificates are a day old.
const A_YEAR_AGO = new Date(Date.now() - 366 * 86_400_000);
const CLOCK_BEHIND = {
  NODE_OPTIONS: `--import=${new URL("../support/clock-behind.mjs", import.meta.url).href}`,
};

const folder = mkdtempSync(join(tmpdir(), "gumshoe-tls-"));
const certs = join(folder, "certs");
const CONFIG = join(folder, "tiny.yaml");
const OPTIONS = { hosts: [], days: 30, renew: false };
const children: ChildProcess[] = [];
let redis: TestRedis;
let address: string;
let http: string;
let gumshoe: Gumshoe;
let coordinatorLog: () => string;

interface Started {
  readonly child: ChildProcess;
  readonly log: () => string;
}

/** Starts a process of the cluster with nothing but its own settings, as on a separate machine. */
function start(program: "coordinator" | "worker", env: Record<string, string>): Started {
  const child = spawn(process.execPath, [join(ROOT, `packages/${program}/dist/main.js`)], {
    env: {
      PATH: process.env["PATH"] ?? "",
      GUMSHOE_TOKEN: TOKEN,
      GUMSHOE_TLS: certs,
      GUMSHOE_REDIS_URL: redis.url,
      GUMSHOE_THREADS: "1",
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  let log = "";
  child.stdout.on("data", (data: Buffer) => (log += data.toString()));
  child.stderr.on("data", (data: Buffer) => (log += data.toString()));
  return { child, log: () => log };
}

function startWorker(role: string, env: Record<string, string> = {}): Started {
  return start("worker", { GUMSHOE_ROLE: role, GUMSHOE_COORDINATOR: address, ...env });
}

/** Returns the messages of a log at a level, e.g. 40 for warnings. */
function messages(log: string, level: number): string[] {
  return log
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as { level: number; msg: string })
    .filter((line) => line.level === level)
    .map(({ msg }) => msg);
}

/** Runs the command as a remote user with the client's certificate. */
async function call(...words: string[]): Promise<Record<string, unknown>> {
  const env = {
    GUMSHOE_TOKEN: TOKEN,
    GUMSHOE_ADDRESS: address,
    GUMSHOE_TLS: join(certs, "client"),
  };
  const { out, err, code } = await gumshoe.start([...words, "--json"], env).ended;
  if (code !== 0) throw new Error(err);
  return JSON.parse(out) as Record<string, unknown>;
}

/** Returns the folder of a worker whose certificate is valid, expired, or foreign. */
async function worksFolder(name: string): Promise<string> {
  const own = join(folder, name);
  if (existsSync(own)) return own;
  const all = name === "foreign" ? join(folder, "foreign-all") : certs;
  if (name === "foreign") await makeCertificates({ ...OPTIONS, folder: all });
  cpSync(join(all, "worker"), own, { recursive: true });
  if (name === "foreign") {
    // It trusts this cluster's authority too, but is not trusted by the cluster.
    const authorities = [all, certs].map((root) => readFileSync(join(root, "ca/ca.pem"), "utf8"));
    writeFileSync(join(own, "ca.pem"), authorities.join(""));
  }
  return own;
}

const workers = async () => ((await call("status")) as unknown as Fleet).workers;

beforeAll(async () => {
  // The authority is a year old, and so are the certificates of one worker.
  await makeCertificates({ ...OPTIONS, folder: certs, now: A_YEAR_AGO });
  cpSync(join(certs, "worker"), join(folder, "expired"), { recursive: true });
  await makeCertificates({ ...OPTIONS, folder: certs, renew: true });
  const text = readFileSync(join(ROOT, "test/cluster/tiny.yaml"), "utf8");
  const model = `model: ${join(ROOT, "models/rookie")}`;
  writeFileSync(
    CONFIG,
    text.replace(/model:.*/, model).replace(/iterations: \d+/, "iterations: 2"),
  );
  redis = await startRedis(join(certs, "redis"));
  gumshoe = await Gumshoe.create();
  address = `127.0.0.1:${await freePort()}`;
  const home = join(folder, "home");
  http = `127.0.0.1:${await freePort()}`;
  const listen = { GUMSHOE_LISTEN: address, GUMSHOE_HTTP_LISTEN: http };
  ({ log: coordinatorLog } = start("coordinator", { ...listen, GUMSHOE_HOME: home }));
  await vi.waitFor(() => expect(coordinatorLog()).toContain("coordinator is ready"), 20_000);
});

afterAll(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await gumshoe.close();
  await redis.close();
  rmSync(folder, { recursive: true, force: true });
});

describe("a cluster under mutual TLS", { timeout: TEST_TIMEOUT_MS }, () => {
  test("ends a run with the weights of one without TLS, a worker on another host included", async () => {
    // All files that another machine needs.
    const elsewhere = join(folder, "elsewhere");
    cpSync(join(certs, "worker"), elsewhere, { recursive: true });
    startWorker("reducer", { GUMSHOE_HOME: join(folder, "home") });
    startWorker("trainer", { GUMSHOE_TLS: elsewhere, GUMSHOE_LISTEN: "127.0.0.2:0" });
    startWorker("inference", { GUMSHOE_TLS: elsewhere, GUMSHOE_LISTEN: "127.0.0.2:0" });
    const result = await call("submit", CONFIG, "--watch");
    const plain = await Gumshoe.create();
    const expected = await plain.run([CONFIG, "--threads", "1"]);
    await plain.close();
    expect(result).toMatchObject({ weightsDigest: expected.weightsDigest, logprobGapMax: 0 });
    const done = (await workers()).map(({ role, jobsDone }) => [role, jobsDone > 0]);
    expect(Object.fromEntries(done)).toMatchObject({ inference: true, trainer: true });
    expect(coordinatorLog()).not.toMatch(/refused|NOT PRIVATE/);
  });

  test.each([
    ["a wrong token", "worker", { GUMSHOE_TOKEN: "guessed" }, "the token is wrong"],
    [
      "an expired certificate, of a machine whose clock is behind",
      ...["expired", CLOCK_BEHIND, "the certificate of worker expired on"],
    ] as const,
    ["a foreign certificate", "foreign", {}, "is not signed by this cluster's authority"],
  ])("a worker with %s is rejected, and takes no jobs", async (_, name, env, problem) => {
    const own = await worksFolder(name);
    const before = coordinatorLog().length;
    const { child, log } = startWorker("inference", { ...env, GUMSHOE_TLS: own });
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(2);
    expect(messages(log(), 60)).toEqual([expect.stringContaining(problem)]);
    const said = () =>
      messages(coordinatorLog().slice(before), 40).filter((line) => line.startsWith("refused"));
    await expect.poll(said).toEqual([expect.stringContaining(problem)]);
    expect((await workers()).map(({ pid }) => pid)).not.toContain(child.pid);
    expect(log() + coordinatorLog()).not.toContain(TOKEN);
  });

  test("the certificate of a client does not open what workers and the coordinator alone may call", async () => {
    const caller = { token: TOKEN, tls: readTlsFolder(certs, "client", "certs") };
    const coordinator = new RpcChannel(address, { ...caller, role: "coordinator" });
    const reducer = startWorker("reducer", { GUMSHOE_HOME: join(folder, "home") });
    const addressOf = () => /"address":"(127\.0\.0\.1:\d+)"/.exec(reducer.log())?.[1];
    await vi.waitFor(() => expect(addressOf()).toBeDefined(), 20_000);
    const worker = new RpcChannel(addressOf() ?? "", { ...caller, role: "worker" });
    const calls = [
      coordinator.client(FleetService).leave({ workerId: "w" }),
      coordinator.client(RolloutService).fetchGroup(FetchGroupRequest.create({})),
      coordinator.client(PackService).fetchLane(FetchLaneRequest.create({})),
      worker.client(ReducerService).assign(AssignRequest.create({})),
    ];
    for (const call of calls) {
      await expect(call).rejects.toThrow("a certificate of role client may not call this");
    }
    coordinator.close();
    worker.close();
    reducer.child.kill("SIGTERM");
    await once(reducer.child, "exit");
  });

  test("a worker that sees that its certificate has expired calls nobody", async () => {
    const own = await worksFolder("expired");
    const { child, log } = startWorker("inference", { GUMSHOE_TLS: own });
    expect(await once(child, "exit")).toEqual([2, null]);
    expect(log()).toMatch(
      /^GUMSHOE_TLS: .*expired\/cert.pem expired on .*gumshoe certs FOLDER --renew.*\n$/,
    );
  });

  test("a worker without a certificate is rejected, and takes no jobs", async () => {
    const { child, log } = startWorker("inference", { GUMSHOE_TLS: "" });
    await expect
      .poll(() => messages(log(), 40), { timeout: 20_000 })
      .toEqual([
        expect.stringMatching(/cannot join the cluster yet: .* it closes the connection; perhaps/),
      ]);
    child.kill("SIGKILL");
    const refused = "refused: only one of the two sides speaks TLS";
    expect(messages(coordinatorLog(), 40).filter((line) => line === refused)).toHaveLength(1);
    const own = join(folder, "none");
    mkdirSync(own);
    cpSync(join(certs, "ca", "ca.pem"), join(own, "ca.pem"));
    const { child: next, log: complaint } = startWorker("inference", { GUMSHOE_TLS: own });
    expect(await once(next, "exit")).toEqual([2, null]);
    expect(complaint()).toMatch(/^GUMSHOE_TLS: there is no .*none\/cert.pem \(only a client/);
  });

  test("a worker with files of another cluster does not trust this one, and reports that", async () => {
    const { child, log } = startWorker("inference", { GUMSHOE_TLS: join(folder, "foreign-all") });
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(2);
    expect(messages(log(), 60)).toEqual([
      expect.stringContaining("the other side's certificate is not of the authority in our ca.pem"),
    ]);
    await expect
      .poll(() => messages(coordinatorLog(), 40))
      .toContain("refused: it closed the connection: it may not trust our certificate");
  });

  test("metrics are served over TLS, to callers with a certificate and the token", async () => {
    const { ca, identity } = readTlsFolder(certs, "client", "certs");
    const headers = { authorization: `Bearer ${TOKEN}` };
    const read = (options: RequestOptions) =>
      new Promise<string>((resolve, reject) => {
        const asked = get(`https://${http}/metrics`, { ca, headers, ...options }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (part: string) => (text += part));
          response.on("end", () => resolve(text));
        });
        asked.on("error", reject);
      });
    expect(await read({ ...identity })).toContain('gumshoe_run_state{run="tiny",state="done"} 1');
    await expect(read({})).rejects.toThrow();
    expect(await read({ ...identity, headers: {} })).toBe("the token is missing\n");
  });

  describe("the programs of docs/client.md", () => {
    const here = join(folder, "programs");

    /**
     * Runs a program against this cluster, with the document's placeholders `certs` and `gpu-1.lan`
     * replaced.
     */
    async function runProgram(command: string, file: string, text: string): Promise<string> {
      mkdirSync(here, { recursive: true });
      if (!existsSync(join(here, "node_modules"))) {
        symlinkSync(join(ROOT, "node_modules"), join(here, "node_modules"));
        symlinkSync(certs, join(here, "certs"));
      }
      writeFileSync(join(here, file), text.replaceAll("gpu-1.lan:7070", address));
      const config = readFileSync(CONFIG, "utf8").replace("name: tiny", "name: by-program");
      writeFileSync(join(here, "config.yaml"), config);
      const env = { ...process.env, GUMSHOE_TOKEN: TOKEN };
      const words = [file, "config.yaml", `best-of-${file}`];
      return (await promisify(execFile)(command, words, { cwd: here, env })).stdout;
    }

    test("use TLS in TypeScript", async () => {
      const { outputText } = ts.transpileModule(typescriptOverTls(), {
        compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext },
      });
      const said = await runProgram(process.execPath, "train.mjs", outputText);
      expect(said).toMatch(/^run by-program: 2 iterations\n(.*\n)*iteration \d is in /);
    });

    test.skipIf(PYTHON === null)("and in Python (needs grpcio and grpcio-tools)", async () => {
      mkdirSync(here, { recursive: true });
      makeStubs(PYTHON ?? "", here);
      const said = await runProgram(PYTHON ?? "", "train.py", pythonOverTls());
      expect(said).toMatch(/^run by-program: 2 iterations\n(.*\n)*iteration \d is in /);
    });
  });
});
