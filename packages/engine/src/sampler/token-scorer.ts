import { type CommandList, ops, type Tensor } from "@gumshoe/kernels";

import { Arena } from "../model/activations.js";
import { at } from "../model/checked.js";
import { recordFinalNorm } from "../model/forward.js";
import type { Model } from "../model/model.js";
import type { TokenPlace } from "../model/token-distribution.js";
import { TruncatedRows } from "../model/truncated-rows.js";

/** Rows that are scored at a time. */
const MAX_ROWS = 512;
/** Logits that exist at a time where alternatives are searched: 64 MiB, unless a row has more. */
const MAX_LOGITS = 2 ** 24;

/** A token to score, and the row of the residual stream that predicts it. */
export interface ScoredToken {
  readonly row: number;
  readonly token: number;
  readonly place: TokenPlace;
  /** How many of the likeliest tokens are wanted in its place. */
  readonly numAlternatives: number;
}

/** A token that could have stood in another's place. */
export interface TokenAlternative {
  readonly token: number;
  /** In nats; a float32. */
  readonly logprob: number;
}

/** What is known of a scored token. */
export interface TokenScore {
  /** In nats; a float32. NaN if the model's logits are not finite. */
  readonly logprob: number;
  /**
   * The likeliest tokens by descending logit, of equal logits the lower id first, so that the first is the one that temperature
   * 0 takes; fewer than wanted if the distribution keeps fewer
   */
  readonly alternatives: readonly TokenAlternative[];
}

/** The residual stream after the last layer: [rows, D] f32. */
interface Stream {
  readonly x: Tensor;
  readonly rows: number;
}

interface Buffers {
  readonly rows: number;
  readonly numLogits: number;
  readonly predictors: Tensor;
  readonly gathered: Tensor;
  readonly normed: Tensor;
  readonly rstd: Tensor;
  readonly targets: Tensor;
  readonly invTemperature: Tensor;
  readonly logprobs: Tensor;
  readonly stats: Tensor;
  /** Null until alternatives are wanted. */
  readonly logits: Tensor | null;
}

/**
 * Scores given tokens, and finds alternatives to them, from a residual stream that was computed.
 *
 * Every log-prob, of a given token and of an alternative, is that of `headLogprobs`, the kernel that scores tokens for the
 * trainer: an alternative other than the given token is scored in a row of its own. The logits decide only which ids these are.
 */
export class TokenScorer {
  readonly #model: Model;
  readonly #list: CommandList;
  readonly #truncated: TruncatedRows;
  #arena: Arena;
  #buffers: Buffers | null = null;

  constructor(model: Model) {
    this.#model = model;
    this.#list = model.device.createCommandList();
    this.#truncated = new TruncatedRows(model.device);
    this.#arena = new Arena(model.device);
  }

  /** @returns one score per token, in order @throws OutOfMemoryError */
  score(stream: Stream, tokens: readonly ScoredToken[]): TokenScore[] {
    const most = tokens.reduce((all, { numAlternatives }) => Math.max(all, numAlternatives), 0);
    const scores: TokenScore[] = [];
    for (const some of inRuns(tokens, this.#rowsAtATime(most > 0))) {
      const logprobs = this.#logprobs(stream, some, most > 0);
      const found = most > 0 ? this.#alternatives(stream, some, logprobs) : [];
      for (const i of some.keys()) {
        scores.push({ logprob: at(logprobs, i), alternatives: found[i] ?? [] });
      }
    }
    return scores;
  }

  free(): void {
    this.#truncated.free();
    this.#arena.free();
    this.#buffers = null;
  }

  /** Finds the alternatives to the tokens whose logits were kept last, with these log-probs. */
  #alternatives(
    stream: Stream,
    tokens: readonly ScoredToken[],
    known: Float32Array,
  ): TokenAlternative[][] {
    const { vocabularySize: vocabulary, numLogits } = this.#logitsSize(tokens.length);
    const logits = new Float32Array(numLogits);
    const { logits: kept } = this.#buffers ?? { logits: null };
    if (kept === null) throw new Error("no logits were kept");
    this.#model.device.read(kept, logits);
    const ids = tokens.map(({ numAlternatives }, row) =>
      ops.likeliestIds(logits, { row, rows: tokens.length, vocabulary }, numAlternatives),
    );
    const found = ids.map((own, row) =>
      own.map((token) => ({ token, logprob: at(known, row), scored: at(tokens, row) })),
    );
    const others = found.flatMap((own) =>
      own.filter(({ token, scored }) => token !== scored.token),
    );
    for (const some of inRuns(others, MAX_ROWS)) {
      const scored = some.map((other) => ({ ...other.scored, token: other.token }));
      const logprobs = this.#logprobs(stream, scored, false);
      for (const [i, other] of some.entries()) other.logprob = at(logprobs, i);
    }
    return found.map((own) => own.map(({ token, logprob }) => ({ token, logprob })));
  }

  /** Computes log-probs [N] of up to {@link MAX_ROWS} tokens. */
  #logprobs(stream: Stream, tokens: readonly ScoredToken[], keepsLogits: boolean): Float32Array {
    const { device, config, parameters } = this.#model;
    const { width, vocabularySize: vocabulary } = config;
    const count = tokens.length;
    const b = this.#reserve(count, keepsLogits);
    device.write(
      b.predictors,
      Int32Array.from(tokens, ({ row }) => row),
    );
    device.write(
      b.targets,
      Int32Array.from(tokens, ({ token }) => token),
    );
    device.write(b.invTemperature, Float32Array.from(tokens, inverseTemperature));
    const truncation = this.#truncated.load(tokens.map(({ place }) => place));
    const list = this.#list;
    list.reset();
    recordFinalNorm(list, this.#model, { ...b, x: stream.x, sourceRows: stream.rows, count });
    ops.headLogprobs(list, {
      x: b.normed,
      weight: parameters.head.packed,
      targets: b.targets,
      invTemperature: b.invTemperature,
      logprobs: b.logprobs,
      entropies: null,
      stats: b.stats,
      kept: keepsLogits ? b.logits : null,
      truncation,
      rows: count,
      width,
      vocabulary,
    });
    list.run();
    const logprobs = new Float32Array(count);
    device.read(b.logprobs, logprobs);
    return logprobs;
  }

  #rowsAtATime(keepsLogits: boolean): number {
    if (!keepsLogits) return MAX_ROWS;
    const fit = Math.floor(MAX_LOGITS / this.#logitsSize(1).numLogits);
    return Math.min(Math.max(1, fit), MAX_ROWS);
  }

  #logitsSize(rows: number): { vocabularySize: number; numLogits: number } {
    const { vocabularySize } = this.#model.config;
    return { vocabularySize, numLogits: ops.keptLogitsLength(rows, vocabularySize) };
  }

  /** If the allocation fails, there are no buffers. */
  #reserve(rows: number, keepsLogits: boolean): Buffers {
    const old = this.#buffers;
    const numLogits = keepsLogits ? this.#logitsSize(rows).numLogits : 0;
    if (old !== null && rows <= old.rows && numLogits <= old.numLogits) return old;
    const size = {
      rows: Math.max(rows, old?.rows ?? 0),
      numLogits: Math.max(numLogits, old?.numLogits ?? 0),
      width: this.#model.config.width,
    };
    // Freed first, so that the old and the new buffers never exist together.
    this.#buffers = null;
    this.#arena.free();
    this.#buffers = Arena.transaction(this.#model.device, (arena) => {
      this.#arena = arena;
      return makeBuffers(arena, size);
    });
    return this.#buffers;
  }
}

function makeBuffers(
  arena: Arena,
  { rows, numLogits, width }: { rows: number; numLogits: number; width: number },
): Buffers {
  return {
    rows,
    numLogits,
    predictors: arena.i32(rows),
    gathered: arena.f32(rows * width),
    normed: arena.f32(rows * width),
    rstd: arena.f32(rows),
    targets: arena.i32(rows),
    invTemperature: arena.f32(rows),
    logprobs: arena.f32(rows),
    stats: arena.f32(2 * rows),
    logits: numLogits === 0 ? null : arena.f32(numLogits),
  };
}

function inverseTemperature({ place }: ScoredToken): number {
  const { temperature } = place.distribution;
  return temperature === 0 ? 0 : 1 / temperature;
}

function* inRuns<T>(items: readonly T[], length: number): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += length) {
    yield items.slice(start, start + length);
  }
}
