/**
 * `npm run test:gpu`: what only a real GPU can show, in a few minutes. Every operation, the golden numbers and one
 * run of a cluster are compared with the CPU; then kernels, launches and copies are timed. Each check is done even
 * if one before it failed, and all results are kept in bench/results/.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { stdout } from "node:process";
import { parseArgs } from "node:util";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, SetUpError } from "./setup/step.mjs";

const HELP = `Usage: npm run test:gpu -- [options]

Check a GPU against the CPU, bit by bit, and measure it.

Options:
  --device <name>  GPU of all checks but the run, which uses all GPUs (default: cuda:0)
  --shape <name>   model shape of the measurements, 2m or 25m (default: 25m)
  --out <file>     where the results go (default: bench/results/<date>-<GPU>.json)
  --help           show this`;

const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");
const GOLDEN = ["llama3", "qwen2", "qwen2-tied", "qwen3"].map((name) => `test/golden/${name}`);
const CONFIG = "test/cluster/tiny.yaml";

/** Runs a gumshoe command; returns its JSON document, whatever its exit code. */
function gumshoe(...words) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [COMMAND, ...words, "--json"], { cwd: ROOT });
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => {
      try {
        const value = JSON.parse(out);
        if (value.error === undefined) resolve(value);
        else reject(new Error(value.error.message));
      } catch {
        reject(new Error(`gumshoe ${words[0]} ended with code ${code}: ${err.slice(-2000)}`));
      }
    });
  });
}

/** Describes driver, GPU and compiler; throws a SetUpError, of one line, when the GPU cannot be used. */
async function describeGpu(device) {
  const { CudaDriver, Nvrtc } = await import("@gumshoe/cuda");
  const { openDevice, parseDeviceName } = await import("@gumshoe/gpu");
  const name = parseDeviceName("--device", device);
  if (name.type !== "cuda") throw new SetUpError("--device: name a GPU, such as cuda:0");
  const startedAtMs = performance.now();
  try {
    openDevice(name, { environment: process.env }).dispose();
  } catch (error) {
    throw new SetUpError(`npm run test:gpu needs a GPU. ${error.message}`);
  }
  const openedMs = Math.round(performance.now() - startedAtMs);
  const driver = CudaDriver.open();
  const gpu = driver.gpu(name.ordinal);
  const [major, minor] = gpu.computeCapability;
  let nvrtc = null;
  try {
    nvrtc = Nvrtc.open({ environment: process.env }).version.join(".");
  } catch {
    // Its kernels were kept.
  }
  return {
    name: gpu.name,
    capability: `${major}.${minor}`,
    memoryBytes: gpu.totalMemoryBytes,
    multiprocessors: gpu.attribute("multiprocessors"),
    driver: driver.version,
    gpus: driver.gpuCount,
    nvrtc,
    // With the compilation of the kernels, the first time.
    openedMs,
  };
}

async function compareOperations(device) {
  const { compareDevices, createCpuDevice } = await import("@gumshoe/kernels");
  const { openDevice, parseDeviceName } = await import("@gumshoe/gpu");
  const [cpu, gpu] = [
    createCpuDevice(),
    openDevice(parseDeviceName("--device", device), { environment: process.env }),
  ];
  try {
    const cases = [...compareDevices(cpu, gpu)];
    const different = cases.filter(({ numDifferent }) => numDifferent > 0);
    const numElements = cases.reduce((sum, one) => sum + one.numElements, 0);
    const ok = different.length === 0;
    const text = `${cases.length} cases, ${numElements} numbers, ${different.length} cases differ`;
    return { ok, text, different };
  } finally {
    gpu.dispose();
    cpu.dispose();
  }
}

async function verifyGolden(device) {
  const { ok, numChecks, checks } = await gumshoe("verify", ...GOLDEN, "--device", device);
  const failed = checks.filter((check) => !check.ok);
  return { ok, text: `${numChecks - failed.length} of ${numChecks} hold`, failed };
}

async function compareRuns() {
  const home = mkdtempSync(join(tmpdir(), "gumshoe-test-gpu-"));
  try {
    const run = (name, ...words) =>
      gumshoe("run", CONFIG, "--home", join(home, name), "--trainers", "2", ...words);
    const cpu = await run("cpu", "--device", "cpu");
    const gpu = await run("gpu", "--device", "cuda");
    const ok = cpu.weightsDigest === gpu.weightsDigest && gpu.logprobGapMax === 0;
    const text = `digests ${cpu.weightsDigest.slice(0, 12)} and ${gpu.weightsDigest.slice(0, 12)}`;
    return { ok, text: `${text}, ${cpu.seconds} and ${gpu.seconds} s`, cpu, gpu };
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

async function measure(device, shape) {
  const { results } = await gumshoe("bench", "--device", device, "--shape", shape);
  const shown = results.map(({ name, shape: size, median, unit, share }) => {
    const part = share === undefined ? "" : `, ${(100 * share).toFixed(0)}% of the limit`;
    return `    ${name}, ${size}: ${median.toPrecision(4)} ${unit}${part}`;
  });
  return { ok: true, text: `${results.length} figures\n${shown.join("\n")}`, results };
}

/** Runs a check; a failure is a result like others. */
async function check(title, work) {
  const startedAtMs = performance.now();
  let result;
  try {
    result = await work();
  } catch (error) {
    result = { ok: false, text: error.message };
  }
  const seconds = Number(((performance.now() - startedAtMs) / 1000).toFixed(1));
  stdout.write(`${result.ok ? "ok    " : "FAILED"} ${title} (${seconds} s): ${result.text}\n`);
  return { title, seconds, ...result };
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      device: { type: "string", default: "cuda:0" },
      shape: { type: "string", default: "25m" },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    stdout.write(`${HELP}\n`);
    return 0;
  }
  await setUp({ redis: true });
  const { device, shape } = values;
  const gpu = await describeGpu(device);
  stdout.write(`${gpu.name}, driver for CUDA ${gpu.driver}, kernels ready in ${gpu.openedMs} ms\n`);
  const checks = [
    await check("every operation has the CPU's bits", () => compareOperations(device)),
    await check("golden numbers of PyTorch hold", () => verifyGolden(device)),
    await check("a run has the CPU's weights", compareRuns),
    await check("kernels, launches and copies", () => measure(device, shape)),
  ];
  const date = new Date().toISOString().slice(0, 10);
  const slug = gpu.name.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  const isEmulated = gpu.name.startsWith("Emulated");
  const file = values.out ?? (isEmulated ? null : join(ROOT, `bench/results/${date}-${slug}.json`));
  if (file !== null) {
    writeFileSync(file, `${JSON.stringify({ date, gpu, checks }, null, 2)}\n`);
    stdout.write(`results: ${relative(ROOT, file)}\n`);
  } else stdout.write("nothing is kept of an emulated GPU\n");
  return checks.every(({ ok }) => ok) ? 0 : 1;
});
