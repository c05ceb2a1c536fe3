/** The thread of `npm run fuzz` that runs parsers, so that the main thread can detect a hang. */
import { parentPort, workerData } from "node:worker_threads";

import { ClusterError } from "@gumshoe/core";
import { toGrpcFailure } from "@gumshoe/rpc";

import { Random } from "../soak/random.mjs";
import { Mutator } from "./mutator.mjs";
import { PARSERS } from "./parsers.mjs";

const { names, first, texts, seed, progress } = workerData;
const MS_PER_10_KB = 50;
/** A slow input is repeated, to exclude JIT compilation and garbage collection. */
const TRIES = 5;
/** Findings after which a parser is not run any more. */
const MAX_FINDINGS = 20;
/** Largest headers that gRPC peers accept in total, in bytes. */
const MAX_HEADERS = 8192;
/** Characters of an input in a finding. */
const MAX_SHOWN = 300;

/** Returns a separate seed for each input, so that it can be reproduced alone. */
function seedOf(index) {
  let state = (seed * 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 15), 0xc2b2ae35);
  return (state ^ (state >>> 13)) >>> 0;
}

/**
 * CPU time of all threads of this process, in ms, which excludes other programs. The main thread
 * detects a parser that waits.
 */
function now() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function attempt(parser, input) {
  const begun = now();
  let problem = null;
  let isRefused = false;
  try {
    await parser.read(input);
  } catch (thrown) {
    isRefused = true;
    problem = problemOf(thrown);
  }
  const ms = now() - begun;
  Atomics.add(progress, 1, 1);
  return { ms, problem, isRefused };
}

/** Describes an invalid rejection; null for a ClusterError that can be sent to a caller. */
function problemOf(thrown) {
  if (!(thrown instanceof ClusterError)) return `throws ${describe(thrown)}`;
  if (thrown.code === "INTERNAL") return `is refused as INTERNAL: ${thrown.message}`;
  try {
    const { details, metadata } = toGrpcFailure(thrown);
    const trailers = Object.values(metadata.toHttp2Headers()).join("");
    const length = encodeURI(details).length + trailers.length;
    return length < MAX_HEADERS ? null : `is refused in ${length} bytes of headers`;
  } catch (error) {
    return `is refused by an error that cannot be sent: ${describe(error)}`;
  }
}

function describe(thrown) {
  const text = thrown instanceof Error ? (thrown.stack ?? String(thrown)) : String(thrown);
  return text.split("\n").slice(0, 5).join(" | ").slice(0, 800);
}

function shown(input) {
  const text = typeof input === "string" ? input : JSON.stringify(input);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}... (${text.length})`;
}

function sizeOf(input) {
  if (typeof input === "string") return Buffer.byteLength(input);
  return input.byteLength ?? Buffer.byteLength(JSON.stringify(input));
}

async function tryParser({ name, open }) {
  const begun = performance.now();
  const parser = await open();
  let numRefused = 0;
  const slowest = { msPer10Kb: 0, index: first };
  const findings = [];
  for (let index = first; index < first + texts; index++) {
    Atomics.store(progress, 0, index);
    const input = parser.make(new Mutator(new Random(seedOf(index)), parser.words));
    const size = sizeOf(input);
    const tensOfKb = Math.max(1, size / 10_000);
    // A parser behind a time limit of its own may take that long.
    const limitMs = parser.isFenced === true ? Infinity : MS_PER_10_KB * tensOfKb;
    const { ms, problem, isRefused } = await attempt(parser, input);
    let leastMs = ms;
    for (let tries = 1; leastMs > limitMs / 2 && tries < TRIES; tries++) {
      leastMs = Math.min(leastMs, (await attempt(parser, input)).ms);
    }
    if (isRefused) numRefused++;
    const msPer10Kb = Math.round(leastMs / tensOfKb);
    if (msPer10Kb > slowest.msPer10Kb) Object.assign(slowest, { msPer10Kb, index });
    const slow = `takes ${Math.round(leastMs)} ms for ${size} bytes`;
    const found = problem ?? (leastMs > limitMs ? slow : null);
    if (found !== null) findings.push({ index, problem: found, input: shown(input) });
    if (findings.length >= MAX_FINDINGS) break;
  }
  await parser.close?.();
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1));
  return { parser: name, numRefused, slowest, seconds, findings };
}

for (const name of names) {
  const parser = PARSERS.find((one) => one.name === name);
  parentPort.postMessage(await tryParser(parser));
}
