/**
 * Fields of OpenAI's API, and of other servers that speak it, that this server does not support.
 *
 * A field with a value that changes nothing is accepted, because clients send it; with any other value it is refused by
 * name, never passed over. To support a field, move it to the schema of its request.
 */

/** A field that is not supported. */
export interface UnsupportedField {
  /** Values that ask for what is done anyway; null is always one. */
  readonly neutral: readonly unknown[];
  /** Why other values are refused, after "is not supported". */
  readonly reason: string;
}

const SAMPLING =
  "the sampler changes the distribution by temperature, top_k, top_p, min_p and min_tokens only";
const TOOLS = "this server calls no tools";
const TEXT_ONLY = "this server reads and writes text only";

/** Sampling that the sampler cannot do. */
const SAMPLING_FIELDS = {
  frequency_penalty: { neutral: [0], reason: SAMPLING },
  presence_penalty: { neutral: [0], reason: SAMPLING },
  repetition_penalty: { neutral: [1], reason: SAMPLING },
  logit_bias: { neutral: [{}], reason: SAMPLING },
  ignore_eos: { neutral: [false], reason: SAMPLING },
  stop_token_ids: { neutral: [[]], reason: "answers end with the end tokens of the model" },
} satisfies Record<string, UnsupportedField>;

/** Fields of every request. */
const UNSUPPORTED: Readonly<Record<string, UnsupportedField>> = {
  ...SAMPLING_FIELDS,
  best_of: { neutral: [1], reason: "use n" },
  service_tier: { neutral: ["auto", "default"], reason: "there is one tier" },
};

/** Fields of chat requests. */
export const UNSUPPORTED_IN_CHAT: Readonly<Record<string, UnsupportedField>> = {
  ...UNSUPPORTED,
  tools: { neutral: [[]], reason: TOOLS },
  tool_choice: { neutral: ["none", "auto"], reason: TOOLS },
  parallel_tool_calls: { neutral: [true, false], reason: TOOLS },
  functions: { neutral: [[]], reason: TOOLS },
  function_call: { neutral: ["none", "auto"], reason: TOOLS },
  web_search_options: { neutral: [], reason: TOOLS },
  audio: { neutral: [], reason: TEXT_ONLY },
  modalities: { neutral: [["text"]], reason: TEXT_ONLY },
  response_format: { neutral: [{ type: "text" }], reason: "answers have no grammar" },
  prediction: { neutral: [], reason: "nothing is predicted ahead" },
  store: { neutral: [false], reason: "answers are not stored" },
  reasoning_effort: { neutral: [], reason: "chat_template_kwargs sets the template's variables" },
  verbosity: { neutral: [], reason: "chat_template_kwargs sets the template's variables" },
  add_generation_prompt: { neutral: [true], reason: "an answer begins a turn" },
  continue_final_message: { neutral: [false], reason: "an answer begins a turn" },
};

/** Fields of requests for completions. */
export const UNSUPPORTED_IN_COMPLETIONS: Readonly<Record<string, UnsupportedField>> = {
  ...UNSUPPORTED,
  suffix: { neutral: [""], reason: "answers are written from left to right" },
};

/** Fields that identify a user or a cache of prompts. They are accepted, and do not change an answer. */
export const WITHOUT_EFFECT: readonly string[] = [
  "user",
  "safety_identifier",
  "metadata",
  "prompt_cache_key",
  "prompt_cache_retention",
];
