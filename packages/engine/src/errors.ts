import { ClusterError } from "@gumshoe/core";

/** Thrown when one answer of a request needs more of the KV cache than there is. */
export class RequestTooLargeError extends ClusterError {
  constructor(id: string, neededBlocks: number, numBlocks: number) {
    super(
      "INVALID_ARGUMENT",
      `request ${id} needs ${neededBlocks} blocks of the KV cache, which has ${numBlocks}`,
      { details: { id, neededBlocks, numBlocks } },
    );
  }
}

/** Thrown when a model's `config.json` lacks a field, or asks for what the engine cannot do. */
export class ModelConfigError extends ClusterError {
  constructor(
    readonly field: string,
    readonly problem: string,
    file = "config.json",
  ) {
    super("INVALID_ARGUMENT", `${file}: ${field} ${problem}`, {
      details: { file, field, problem },
    });
  }
}

/** Thrown when a parameter is asked for that the model's layout does not have. */
export class UnknownParameterError extends ClusterError {
  constructor(readonly parameter: string) {
    super("INVALID_ARGUMENT", `the model has no parameter ${parameter}`, {
      details: { parameter },
    });
  }
}

/** Thrown when a model folder cannot be used; names the file and, where one is at fault, a tensor. */
export class ModelFolderError extends ClusterError {
  readonly file: string;
  readonly tensor: string | null;

  constructor(where: { file: string; tensor?: string | null }, problem: string, cause?: unknown) {
    const tensor = where.tensor ?? null;
    const subject = tensor === null ? where.file : `${where.file}: tensor ${tensor}`;
    super("INVALID_ARGUMENT", `${subject} ${problem}`, {
      details: { file: where.file, tensor, problem },
      cause,
    });
    this.file = where.file;
    this.tensor = tensor;
  }
}

/** Thrown when tokenizer files cannot be used, or a text or id cannot be converted with them. */
export class TokenizerError extends ClusterError {
  constructor(
    readonly subject: string,
    problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${subject} ${problem}`, { details: { subject, problem }, cause });
  }
}

/** Thrown when a file of golden numbers cannot be used; names the file and the place in it. */
export class GoldenFileError extends ClusterError {
  constructor(
    readonly file: string,
    problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${file}: ${problem}`, { details: { file, problem }, cause });
  }
}
