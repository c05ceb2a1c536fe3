/** A model in this process, to inspect a run's computations. */
import {
  loadWeights,
  Model,
  openModelFolder,
  openTokenizer,
  Sampler,
} from "../../packages/engine/dist/index.js";
import { createCpuDevice } from "../../packages/kernels/dist/index.js";

/** Loads a model folder and its tokenizer; `close` frees the device. */
export async function loadModel(folder, { threads }) {
  const source = await openModelFolder(folder);
  const device = createCpuDevice({ threads });
  try {
    const model = new Model({ device, config: source.config, training: false });
    await loadWeights(model, source);
    const tokenizer = await openTokenizer(source);
    return { model, tokenizer, close: () => device.dispose() };
  } finally {
    await source.close();
  }
}

/** Returns the tokens of a prompt, as the coordinator renders it. */
export function encodePrompt(tokenizer, config, prompt) {
  const { template: variables, date } = config.tasks;
  return tokenizer.encodeChat([{ role: "user", content: prompt }], { variables, date });
}

/** Samples a single request. */
export function sample(model, request) {
  const sampler = new Sampler({ model });
  try {
    sampler.add(request);
    return sampler.run()[0].rollouts;
  } finally {
    sampler.dispose();
  }
}
