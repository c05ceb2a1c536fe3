import { openModelFolder, openTokenizer, requireEndToken, type Tokenizer } from "@gumshoe/engine";

import { TokenTexts } from "../answer/token-texts.js";
import type { AdaptedFolders } from "./adapted-model.js";
import type { HeldModel } from "./calls.js";
import type { SamplerThread } from "./sampler-thread.js";

/** A model that is served: its tokenizer here, and its weights on every sampler's thread. */
export class ServedModel {
  readonly tokenizer: Tokenizer;
  readonly texts: TokenTexts;
  /** Positions of a prompt and its answer together. */
  readonly maxPositions: number;
  /** SHA-256 of the weights. */
  readonly digest: string;
  /** What is served, for people and for the list of models, such as `run first, checkpoint 20`. */
  readonly title: string;
  readonly #held: ReadonlyMap<SamplerThread, HeldModel>;
  #numOpen = 0;
  #isReplaced = false;

  private constructor(parts: {
    tokenizer: Tokenizer;
    title: string;
    held: ReadonlyMap<SamplerThread, HeldModel>;
  }) {
    this.tokenizer = parts.tokenizer;
    this.texts = new TokenTexts(parts.tokenizer);
    this.title = parts.title;
    this.#held = parts.held;
    const [first] = parts.held.values();
    if (first === undefined) throw new Error("there is no thread");
    this.maxPositions = first.maxPositions;
    this.digest = first.digest;
  }

  /** Loads a model on all threads, one after the other. @throws ModelFolderError and the thread's errors */
  static async load(
    threads: readonly SamplerThread[],
    folders: AdaptedFolders,
    title: string,
  ): Promise<ServedModel> {
    const tokenizer = await loadTokenizer(folders.folder);
    const held = new Map<SamplerThread, HeldModel>();
    try {
      for (const thread of threads) held.set(thread, await thread.load(folders));
    } catch (thrown) {
      // What the other threads have loaded would stay there.
      for (const [thread, { model }] of held) await thread.unload(model).catch(() => undefined);
      throw thrown;
    }
    return new ServedModel({ tokenizer, title, held });
  }

  /** Begins a request on the thread with the fewest; call `end` when it is over. */
  begin(): { readonly thread: SamplerThread; readonly model: number; readonly end: () => void } {
    const [least] = [...this.#held].sort(([a], [b]) => a.numOpen - b.numOpen);
    if (least === undefined) throw new Error("there is no thread");
    const [thread, { model }] = least;
    this.#numOpen += 1;
    const end = () => {
      this.#numOpen -= 1;
      this.#unloadIfDone();
    };
    return { thread, model, end };
  }

  /** Frees the model as soon as its last request is over. */
  replace(): void {
    this.#isReplaced = true;
    this.#unloadIfDone();
  }

  #unloadIfDone(): void {
    if (!this.#isReplaced || this.#numOpen > 0) return;
    // A thread that is gone has ended the server.
    for (const [thread, { model }] of this.#held) void thread.unload(model).catch(() => undefined);
  }
}

async function loadTokenizer(folder: string): Promise<Tokenizer> {
  const source = await openModelFolder(folder);
  try {
    const tokenizer = await openTokenizer(source);
    requireEndToken(folder, tokenizer);
    return tokenizer;
  } finally {
    await source.close();
  }
}
