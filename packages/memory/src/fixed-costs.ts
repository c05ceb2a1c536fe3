/**
 * What processes take beside tensors, in bytes: the runtime, compiled code, buffers, the tokenizer. Measured as
 * proportional set sizes of real runs (`gumshoe bench memory`); no code allocates them in one place.
 */
const MIB = 2 ** 20;

/** A worker, without the tokenizer. */
const WORKER = 92 * MIB;
/** The coordinator, without the tokenizer. */
const COORDINATOR = 130 * MIB;
/** Redis and the command that started the processes. */
const OTHERS = 100 * MIB;
/** A token of the vocabulary: its text, its merge and its entries in maps. */
const PER_TOKEN = 1200;

/** One worker process. */
export function workerBytes(vocabularySize: number): number {
  return WORKER + PER_TOKEN * vocabularySize;
}

/** The coordinator, Redis and the command, which lie on one machine. */
export function controlBytes(vocabularySize: number): number {
  return COORDINATOR + PER_TOKEN * vocabularySize + OTHERS;
}

/** The processes of a whole cluster, without any model. */
export function fleetBytes(workers: {
  readonly inference: number;
  readonly trainers: number;
  readonly reducers: number;
}): number {
  const { inference, trainers, reducers } = workers;
  return controlBytes(0) + (inference + trainers + reducers) * workerBytes(0);
}
