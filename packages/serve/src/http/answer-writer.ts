import type { ServerResponse } from "node:http";

import { EventStream } from "@gumshoe/http";

import type { AnswerFormat } from "../answer/answer-format.js";
import type { Generation } from "../answer/generation.js";
import type { Problem } from "./problem.js";

/** What every chunk, and a whole answer, says of itself. */
export interface AnswerIdentity {
  readonly id: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: string;
  /** Names the weights. */
  readonly system_fingerprint: string;
}

/** Returns the JSON of a whole answer. */
export function wholeAnswer(
  identity: AnswerIdentity,
  format: AnswerFormat,
  generation: Generation,
): object {
  const choices = generation.answers.map((answer, index) => {
    const part = answer.take() ?? { text: "", tokens: [] };
    return format.choice(index, part, answer.finish ?? "stop");
  });
  return { ...identity, object: format.object, choices, usage: generation.usage };
}

/** Writes answers as server-sent events while they are sampled. */
export class AnswerStream {
  readonly #stream: EventStream;
  readonly #format: AnswerFormat;
  readonly #generation: Generation;
  /** Each chunk is this, a choice, and the tail: to write all of it as JSON each time would cost more than the choice. */
  readonly #head: string;
  readonly #tail: string;
  readonly #includesUsage: boolean;
  readonly #begun = new Set<number>();

  constructor(
    response: ServerResponse,
    options: {
      readonly identity: AnswerIdentity;
      readonly format: AnswerFormat;
      readonly generation: Generation;
      readonly includesUsage: boolean;
    },
  ) {
    const { identity, format, generation, includesUsage } = options;
    this.#stream = new EventStream(response);
    this.#format = format;
    this.#generation = generation;
    this.#includesUsage = includesUsage;
    const open = JSON.stringify({ ...identity, object: format.chunkObject }).slice(0, -1);
    this.#head = `data: ${open},"choices":[`;
    this.#tail = includesUsage ? `],"usage":null}\n\n` : `]}\n\n`;
  }

  /** Writes what an answer has to say since the last time, if anything. */
  write(index: number): void {
    const answer = this.#generation.answers[index];
    const part = answer?.take() ?? null;
    if (answer === undefined || part === null) return;
    if (!this.#begun.has(index)) {
      this.#begun.add(index);
      const opening = this.#format.opening(index);
      if (opening !== null) this.#send(opening);
    }
    this.#send(this.#format.chunk(index, part, answer.finish));
  }

  end(): void {
    if (this.#includesUsage) {
      const usage = JSON.stringify(this.#generation.usage);
      this.#stream.write(`${this.#head}],"usage":${usage}}\n\n`);
    }
    this.#stream.write("data: [DONE]\n\n");
    this.#stream.end();
  }

  /** Ends with an error, which clients throw. */
  fail(problem: Problem): void {
    this.#stream.write(`data: ${JSON.stringify(problem)}\n\n`);
    this.#stream.end();
  }

  #send(choice: unknown): void {
    this.#stream.write(this.#head + JSON.stringify(choice) + this.#tail);
  }
}
