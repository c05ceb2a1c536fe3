import { spawnSync } from "node:child_process";
import { freemem, totalmem } from "node:os";

import { errorMessage, readVariable } from "@gumshoe/core";
import { createCpuDevice, type InstructionSet, measureFmaPeak, ops } from "@gumshoe/kernels";

import { freePort } from "../local/free-port.js";
import type { Home } from "../local/home.js";
import { findProgram, findRedisServer } from "../local/redis-program.js";
import { type Finding, ok } from "./finding.js";
import { checkGpus } from "./gpus.js";
import { checkRedisServer } from "./redis-server.js";

/**
 * The oldest Node.js version that every dependency supports, as in `engines` of the root
 * package.json.
 */
export const OLDEST_NODE = "20.18.1";
const MIN_FREE_BYTES = 2 ** 30;
const DEFAULT_CLUSTER = "gumshoe";
const COMPILERS = ["g++", "clang++", "c++"];

/** Checks everything that Gumshoe requires of this machine. */
export async function examine(options: { env: NodeJS.ProcessEnv; home: Home }): Promise<Finding[]> {
  const { env, home } = options;
  const path = env["PATH"] ?? "";
  const redisServer = await checkRedisServer(
    env,
    readVariable(env, "GUMSHOE_CLUSTER") ?? DEFAULT_CLUSTER,
  );
  return [
    checkNode(process.versions.node),
    checkCompiler(path),
    checkKernels(),
    checkExactness(),
    checkRedis(path),
    ...(redisServer === null ? [] : [redisServer]),
    checkMemory(),
    ...checkGpus(env),
    await checkPorts(),
    checkHome(home),
  ];
}

/** Checks the version of Node.js. */
export function checkNode(version: string): Finding {
  const name = "Node.js";
  const isNewEnough = version.localeCompare(OLDEST_NODE, "en", { numeric: true }) >= 0;
  if (isNewEnough) return ok(name, version);
  const advice = `install Node.js ${OLDEST_NODE} or newer`;
  return { name, verdict: "problem", detail: version, advice };
}

function checkCompiler(path: string): Finding {
  const name = "C++ compiler";
  const found = COMPILERS.map((compiler) => findProgram(compiler, path)).find(Boolean);
  if (found) return ok(name, firstLine(found, ["--version"]));
  const advice = "install g++ or clang++; only needed where the kernels are built";
  return { name, verdict: "warning", detail: "none on the PATH", advice };
}

function checkKernels(): Finding {
  const name = "kernels";
  try {
    const device = createCpuDevice();
    const peak = measureFmaPeak(device);
    device.dispose();
    const { instructionSet, threads } = device;
    return ok(name, `${instructionSet}, ${threads} threads, ${peak.toFixed(0)} GFLOP/s at best`);
  } catch (thrown) {
    const advice = "npm run build";
    return { name, verdict: "problem", detail: errorMessage(thrown), advice };
  }
}

/**
 * Computes a product on one and on all threads, with plain and with the best instructions, and
 * compares the bits.
 */
function checkExactness(): Finding {
  const name = "exactness";
  try {
    const reference = product({ threads: 1, instructionSet: "scalar" }).join();
    const best = product({}).join();
    const detail = "plain and vector instructions, one and all threads: the same bits";
    if (reference === best) return ok(name, detail);
    const advice = "report it, with the processor's and the compiler's name";
    return { name, verdict: "problem", detail: "two computations differ", advice };
  } catch (thrown) {
    return { name, verdict: "problem", detail: errorMessage(thrown), advice: "npm run build" };
  }
}

/** Multiplies two fixed matrices with odd sizes; returns the bits of the result. */
function product(options: { threads?: number; instructionSet?: InstructionSet }): Uint32Array {
  const [m, n, k] = [37, 53, 129];
  const device = createCpuDevice(options);
  const fill = (length: number, step: number) =>
    Float32Array.from({ length }, (_, i) => Math.fround(((i * step) % 1009) / 1009 - 0.5));
  const x = device.alloc("f32", m * k);
  const w = device.alloc("f32", n * k);
  const packed = device.alloc("f32", ops.packedLength(n, k));
  const y = device.alloc("f32", m * n);
  device.write(x, fill(m * k, 31));
  device.write(w, fill(n * k, 57));
  const list = device.createCommandList();
  ops.packMatrix(list, { w, packed, n, k });
  ops.linear(list, { x, weight: packed, bias: null, y, m, n, k, addend: null });
  list.run();
  const result = new Float32Array(m * n);
  device.read(y, result);
  device.dispose();
  return new Uint32Array(result.buffer);
}

function checkRedis(path: string): Finding {
  const name = "Redis";
  const found = findRedisServer(path);
  if (found !== null) return ok(name, firstLine(found, ["--version"]));
  const advice = "Debian and Ubuntu: sudo apt-get install redis-server; macOS: brew install redis";
  return { name, verdict: "problem", detail: "no redis-server, no valkey-server", advice };
}

function checkMemory(): Finding {
  const name = "memory";
  const [free, total] = [freemem(), totalmem()];
  const detail = `${gib(free)} GiB free of ${gib(total)} GiB`;
  if (free >= MIN_FREE_BYTES) return ok(name, detail);
  return { name, verdict: "warning", detail, advice: "end other programs, or use fewer workers" };
}

async function checkPorts(): Promise<Finding> {
  const name = "ports";
  try {
    return ok(name, `loopback answers (port ${await freePort()} was free)`);
  } catch (thrown) {
    const advice = "allow programs to listen on 127.0.0.1";
    return { name, verdict: "problem", detail: errorMessage(thrown), advice };
  }
}

function checkHome(home: Home): Finding {
  const name = "home";
  try {
    home.create();
    const cluster = home.readCluster();
    const state = cluster === null ? "no cluster runs here" : `a cluster at ${cluster.address}`;
    return ok(name, `${home.folder}: ${state}`);
  } catch (thrown) {
    const advice = "give a folder that can be written to by --home";
    return { name, verdict: "problem", detail: errorMessage(thrown), advice };
  }
}

function firstLine(program: string, args: string[]): string {
  const { stdout } = spawnSync(program, args, { encoding: "utf8", timeout: 5000 });
  return stdout.split("\n")[0]?.trim() || program;
}

function gib(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1);
}
