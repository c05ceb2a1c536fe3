import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Rng } from "@gumshoe/core";
import { afterAll, describe, expect, test } from "vitest";

import { createAttentionPlan } from "../attention-plan.js";
import { createKvCache } from "../kv-cache.js";
import * as ops from "../ops.js";
import { AttentionCase } from "./attention-case.js";
import { loadEmulatedModule } from "./emulated-device.js";
import { OPERATION_CASES } from "./operation-cases.js";
import { recordOperations } from "./recorded-cases.js";
import { expectSameBits, normals, onDevice, onEmulation, type Rig, SCHEDULES } from "./rig.js";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));
const BUILD = join(PACKAGE, "build/cuda");

const build = (script: string) =>
  execFileSync(process.execPath, [join(PACKAGE, script)], { encoding: "utf8" });
build("build-checks.mjs");
const { hasNvcc } = JSON.parse(build("build-faults.mjs")) as { hasNvcc: boolean };

/** Seven stages of a product, for several warps. */
function product(rig: Rig): Float32Array {
  const [m, n, k] = [70, 40, 101];
  const rng = new Rng(21);
  const weight = rig.out(ops.packedLength(n, k));
  const [x, w, y] = [rig.put(normals(rng, m * k)), rig.put(normals(rng, n * k)), rig.out(m * n)];
  rig.run((list) => {
    ops.packMatrix(list, { w, packed: weight, n, k });
    ops.linear(list, { x, weight, bias: null, addend: null, y, m, n, k });
  });
  return rig.get(y);
}

/** Attention over more than one tile of keys, and its gradients. */
function attends(rig: Rig): Float32Array {
  const c = new AttentionCase({ heads: 2, kvHeads: 1, headDim: 16, packs: [[40, 13]] }, 22);
  const { heads, kvHeads, headDim } = c.shape;
  const cache = createKvCache(rig.device, { numBlocks: c.numBlocks, kvHeads, headDim });
  const plan = createAttentionPlan(rig.device, c.packedSpans());
  const [k, v, slots] = [rig.put(c.k), rig.put(c.v), rig.put(c.slots())];
  const [y, stats, dq] = [rig.out(c.q.length), rig.out(c.rows * heads * 2), rig.out(c.q.length)];
  const [dk, dv] = [rig.out(c.k.length), rig.out(c.k.length)];
  const common = { q: rig.put(c.q), y, plan, stats, heads, scale: c.scale };
  rig.run((list) => {
    ops.kvWrite(list, { k, v, slots, cache, rows: c.rows });
    ops.attention(list, { ...common, cache });
    const gradients = { dy: rig.put(c.dy), k, v, dq, dk, dv, kvHeads, headDim };
    ops.attentionBackward(list, { ...common, ...gradients });
  });
  return Float32Array.of(...rig.get(y), ...rig.get(dq), ...rig.get(dk), ...rig.get(dv));
}

/** What each schedule says of a module: null where it has the CPU's bits. */
function verdicts(name: string, body: (rig: Rig) => Float32Array): (string | null)[] {
  const want = onDevice({ threads: 1 }, body);
  const module = loadEmulatedModule(join(BUILD, "faults", name, "kernels.so"));
  return SCHEDULES.map((schedule) => {
    try {
      expectSameBits(onEmulation({ schedule, module }, body), want);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  });
}

const differs = /element \d+ is .*, not /;
const notWaited = /copies that (it did not wait|were not waited) for/;

describe("the emulation finds", () => {
  test.each([
    ["missing-barrier", "a barrier that is missing", product],
    ["late-wait", "a copy that is waited for a step too late", product],
    ["one-bit", "a kernel that differs by one bit in one element", product],
    ["wrong-lane", "a sum over a wrong lane", attends],
    ["missing-warp-barrier", "a barrier of a warp that is missing", attends],
  ])("%s: %s", (name, _, body) => {
    const found = verdicts(name, body).filter((verdict) => verdict !== null);
    expect(found).not.toEqual([]);
    for (const verdict of found)
      expect(verdict).toMatch(name === "late-wait" ? notWaited : differs);
  });

  test("a barrier that not all threads reach, and names where they wait", () => {
    for (const verdict of verdicts("divergent-barrier", product)) {
      expect(verdict).toMatch(
        /^pack_matrix: block \(\d, \d, 0\) is deadlocked: thread 0 waits at bar\.warp, thread 1 waits at __syncthreads$/,
      );
    }
  });
});

describe.skipIf(!hasNvcc)("the interpreter of PTX finds what only the GPU's compiler sees", () => {
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-faults-"));
  const [products, norms] = ["products", "norms"].map((name) => join(folder, name));
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function replay(name: string, cases: string): string {
    const program = join(BUILD, "checks/ptx-replay");
    const { stdout } = spawnSync(program, [join(BUILD, "ptx-faults", name, "kernels.ptx"), cases]);
    return stdout.toString();
  }

  test("a wait for another group of copies, in inline assembly", () => {
    recordOperations(products as string, "a product", (rig) => {
      product(rig);
    });
    expect(replay("wrong-group", products as string)).toMatch(notWaited);
  });

  test("contraction, which a flag forbids", () => {
    const [rows] = OPERATION_CASES.filter(({ name }) => name.includes("rows of 21"));
    recordOperations(norms as string, "rows", (rig) => rows?.run(rig));
    expect(replay("contraction", norms as string)).toBe(
      "an instruction that is not known: add.f32\n",
    );
  });
});
