import type { SampleResult, TurnEnd } from "@gumshoe/engine";

/** What a step of the sampler has done. */
export interface SampleStep {
  readonly results: readonly SampleResult[];
  readonly turns: readonly TurnEnd[];
  /** Tokens that the engine has sampled with all its models. */
  readonly tokens: number;
  readonly hasWork: boolean;
}
