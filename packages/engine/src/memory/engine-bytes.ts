/**
 * What the engine allocates, in bytes. The code that allocates runs on a device that only counts, so that
 * these numbers are the engine's own and no second formula.
 */
import { createCountingDevice } from "@gumshoe/kernels";

import { Arena } from "../model/activations.js";
import { layerCaches, stepBuffers } from "../sampler/model-runner.js";
import { shardVectors } from "../trainer/parameter-shard.js";
import { embeddingShare } from "../trainer/trainer.js";
import { Workspace, type WorkspaceOptions } from "../trainer/workspace.js";
import { trainableLayout } from "../weights/adapter-layout.js";
import type { ModelConfig } from "../weights/model-config.js";
import { trainableForm, weightForm } from "../weights/weight-form.js";

const F32_BYTES = Float32Array.BYTES_PER_ELEMENT;

/** One batch of a trainer. */
export type WorkspaceSize = Omit<WorkspaceOptions, "backward">;

function counted(allocate: (arena: Arena) => unknown): number {
  const device = createCountingDevice();
  allocate(new Arena(device));
  return device.allocatedBytes;
}

/** A model's own weights in the form that kernels read, without an adapter's. */
export function weightBytes(config: ModelConfig): number {
  return weightForm(config).length * F32_BYTES;
}

/** One version of the weights that training changes: those of an adapter, or else all. */
export function trainableBytes(config: ModelConfig): number {
  return trainableForm(config).length * F32_BYTES;
}

/** A gradient of all trainable parameters. */
export function gradientBytes(config: ModelConfig): number {
  return trainableLayout(config).numParameters * F32_BYTES;
}

/** What a trainer keeps apart of the gradient of a tied head. */
export function embeddingShareBytes(config: ModelConfig): number {
  return counted((arena) => embeddingShare(arena, config));
}

/** One block of the keys and values of all layers. */
export function kvBlockBytes(config: ModelConfig): number {
  return counted((arena) => layerCaches(arena, config, 1));
}

/** What a sampler's largest step works in, for so many rows and answers. */
export function samplerBytes(
  config: ModelConfig,
  size: { readonly rows: number; readonly samples: number },
): number {
  return counted((arena) => stepBuffers(arena, config, size));
}

/** What a trainer computes one batch in. */
export function workspaceBytes(config: ModelConfig, size: WorkspaceSize): number {
  const device = createCountingDevice();
  new Workspace({ device, config }, { ...size, backward: true });
  return device.allocatedBytes;
}

/** What a reducer keeps of so many parameters, apart from weights. */
export function shardBytes(length: number): { moments: number; sum: number } {
  const all = counted((arena) => shardVectors(arena, length));
  const sum = length * F32_BYTES;
  return { moments: all - sum, sum };
}
