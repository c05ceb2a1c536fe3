import { ClusterError } from "@gumshoe/core";

/** Thrown when one answer of a request needs more KV cache than the sampler has. */
export class RequestTooLargeError extends ClusterError {
  constructor(id: string, neededBlocks: number, numBlocks: number) {
    super(
      "INVALID_ARGUMENT",
      `request ${id} needs ${neededBlocks} blocks of the KV cache, which has ${numBlocks}`,
      { details: { id, neededBlocks, numBlocks } },
    );
  }
}

/**
 * Thrown when a model's logits are NaN or infinite, so that its weights are unusable.
 *
 * @param subject  the model, or the request that was being sampled
 */
export class NotFiniteError extends ClusterError {
  /** @param subject  the model, or the request that it was asked */
  constructor(readonly subject: string) {
    const problem = "the logits are not finite numbers; the weights have diverged or are damaged";
    super("DATA_LOSS", `${subject}: ${problem}`, { details: { subject } });
  }
}

/** Thrown when a stored weight is NaN or infinite. */
export class DamagedWeightError extends ClusterError {
  constructor(
    readonly file: string,
    readonly tensor: string,
    element: { readonly value: number; readonly place: readonly number[] },
  ) {
    const { value, place } = element;
    const where = `${file}: tensor ${tensor} is ${value} at [${place.join(", ")}]`;
    super("DATA_LOSS", `${where}: the weights have diverged or are damaged`, {
      details: { file, tensor, place: [...place] },
    });
  }
}

/** Thrown when a model's `config.json` lacks a field, or requires a feature that the engine does not support. */
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

/** Thrown when a parameter is requested that the model's layout does not contain. */
export class UnknownParameterError extends ClusterError {
  constructor(readonly parameter: string) {
    super("INVALID_ARGUMENT", `the model has no parameter ${parameter}`, {
      details: { parameter },
    });
  }
}

/** Thrown when a model folder is unusable; names the file and, if one is at fault, the tensor. */
export class ModelFolderError extends ClusterError {
  readonly file: string;
  readonly tensor: string | null;

  constructor(
    where: { file: string; tensor?: string | null },
    readonly problem: string,
    cause?: unknown,
  ) {
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

/** Thrown when tokenizer files are unusable, or a text or id cannot be converted with them. */
export class TokenizerError extends ClusterError {
  constructor(
    readonly subject: string,
    readonly problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${subject} ${problem}`, { details: { subject, problem }, cause });
  }
}

/** Thrown when a chat template cannot be parsed or rendered; names the line if it is known. */
export class TemplateError extends ClusterError {
  constructor(
    readonly problem: string,
    /** Counted from 1. */
    readonly line: number | null = null,
  ) {
    const place = line === null ? "" : `line ${line} `;
    super("INVALID_ARGUMENT", `${place}${problem}`, { details: { problem, line } });
  }

  /** Returns a copy of this error with a line number. */
  at(line: number): TemplateError {
    return new TemplateError(this.problem, line);
  }
}

/** Thrown when a chat template needs the current date and the config gives none. */
export class TemplateDateError extends TemplateError {
  constructor(line: number | null = null) {
    super("asks for the date (strftime_now), and none is given", line);
  }

  override at(line: number): TemplateDateError {
    return new TemplateDateError(line);
  }
}

/** Thrown when a weight is outside the range of a checkpoint's dtype. */
export class UnstorableWeightError extends ClusterError {
  constructor(
    readonly value: number,
    readonly dtype: string,
  ) {
    const problem = `a weight of ${value} cannot be stored as ${dtype}`;
    super("INVALID_ARGUMENT", `${problem}; set checkpoint.dtype to float32`, {
      details: { value, dtype },
    });
  }
}

/** Thrown when a file of golden numbers is unusable; names the file and the position in it. */
export class GoldenFileError extends ClusterError {
  constructor(
    readonly file: string,
    problem: string,
    cause?: unknown,
  ) {
    super("INVALID_ARGUMENT", `${file}: ${problem}`, { details: { file, problem }, cause });
  }
}
