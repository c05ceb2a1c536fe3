/**
 * The memory layout of a model's weights: the one form that kernels read, processes share and the optimizer
 * updates.
 *
 * - A matrix is packed in panels of 32 rows (`packMatrix`); rows that its last panel lacks are 0. Norms, biases,
 *   and an embedding that is not also the head, are stored as in the flat vector.
 * - Every piece begins at a multiple of 16 elements. The gaps between pieces are 0.
 */
import { PANEL } from "@gumshoe/kernels";

import { adapterLayout } from "./adapter-layout.js";
import type { ModelConfig } from "./model-config.js";
import { type ParameterLayout, parameterLayout } from "./parameter-layout.js";

/** One parameter and its range in the form. */
export interface WeightPiece {
  readonly name: string;
  /** Elements [start, end) of the flat vector. */
  readonly start: number;
  readonly end: number;
  /** First element in the form. */
  readonly offset: number;
  /** Rows n and columns k of a packed matrix; null if the elements are stored as in the flat vector. */
  readonly matrix: { readonly n: number; readonly k: number } | null;
}

/** The ranges of all parameters, in canonical order. */
export interface WeightForm {
  readonly pieces: readonly WeightPiece[];
  readonly numParameters: number;
  /** Number of elements of the form. */
  readonly length: number;
}

/** A part of a piece that is contiguous both in the flat vector and in the form. */
export interface WeightSpan {
  /** Elements [start, end) of the flat vector. */
  readonly start: number;
  readonly end: number;
  /** Range in the form: whole panels, of which the span may cover a part. */
  readonly offset: number;
  readonly length: number;
  /** First element of the panels in the flat vector, and their number of columns; null if not packed. */
  readonly packed: { readonly first: number; readonly k: number } | null;
}

const ALIGNMENT = 16;
/** Greatest number of elements of a span in the form, unless a single panel has more. */
const SPAN_ELEMENTS = 1 << 18;

/** Returns the form of a model's own weights, without an adapter's. */
export function weightForm(config: ModelConfig): WeightForm {
  const layout = parameterLayout(config);
  return formOf(layout, ({ name, shape }) => {
    const [n, k] = shape;
    if (n === undefined || k === undefined) return null;
    const isLookedUpOnly = name === "model.embed_tokens.weight" && !config.tiedHead;
    return isLookedUpOnly ? null : { n, k };
  });
}

/** Returns the form of the weights that training changes: those of the adapter if there is one, else all. */
export function trainableForm(config: ModelConfig): WeightForm {
  if (config.adapter === null) return weightForm(config);
  return formOf(adapterLayout(config), ({ shape: [n = 0, k = 0] }) => ({ n, k }));
}

/** Returns the form of a vector without a model: the vector itself. */
export function plainForm(numParameters: number): WeightForm {
  const piece = { name: "all", start: 0, end: numParameters, offset: 0, matrix: null };
  return { pieces: [piece], numParameters, length: numParameters };
}

function formOf(
  { entries, numParameters }: ParameterLayout,
  matrixOf: (entry: ParameterLayout["entries"][number]) => WeightPiece["matrix"],
): WeightForm {
  let length = 0;
  const pieces = entries.map((entry): WeightPiece => {
    const { name, start, end } = entry;
    const matrix = matrixOf(entry);
    const offset = length;
    const rows = matrix === null ? 0 : Math.ceil(matrix.n / PANEL) * PANEL;
    const elements = matrix === null ? end - start : rows * matrix.k;
    length += Math.ceil(elements / ALIGNMENT) * ALIGNMENT;
    return { name, start, end, offset, matrix };
  });
  return { pieces, numParameters, length };
}

/**
 * Splits elements [start, end) of the flat vector into spans, in order.
 *
 * @throws RangeError when the vector has no such elements
 */
export function* spansOf(form: WeightForm, start: number, end: number): Generator<WeightSpan> {
  if (!(start >= 0 && start <= end && end <= form.numParameters)) {
    throw new RangeError(`[${start}, ${end}) is not within 0 to ${form.numParameters}`);
  }
  for (const piece of form.pieces) {
    const to = Math.min(end, piece.end);
    for (let from = Math.max(start, piece.start); from < to;) {
      const span = spanAt(piece, from, to);
      yield span;
      from = span.end;
    }
  }
}

function spanAt(piece: WeightPiece, from: number, to: number): WeightSpan {
  const { start, offset, matrix } = piece;
  if (matrix === null) {
    const end = Math.min(to, from + SPAN_ELEMENTS);
    return { start: from, end, offset: offset + from - start, length: end - from, packed: null };
  }
  const { k } = matrix;
  const panel = PANEL * k;
  const first = Math.floor((from - start) / panel);
  const count = Math.max(1, Math.floor(SPAN_ELEMENTS / panel));
  const end = Math.min(to, start + (first + count) * panel);
  const panels = Math.ceil((end - start) / panel) - first;
  return {
    start: from,
    end,
    offset: offset + first * panel,
    length: panels * panel,
    packed: { first: start + first * panel, k },
  };
}

/**
 * Copies a span out of the form.
 *
 * @param memory  [span.length] f32, the form's content from `span.offset` on
 * @param into    [span.end - span.start] f32
 */
export function readSpan(span: WeightSpan, memory: Float32Array, into: Float32Array): void {
  if (span.packed === null) {
    into.set(memory.subarray(0, into.length));
    return;
  }
  eachRun(span, (at, to, count) => {
    for (let i = 0; i < count; i++) into[to + i] = memory[at + i * PANEL] as number;
  });
}

/**
 * Copies a span into the form; other elements of its panels are kept.
 *
 * @param memory  [span.length] f32, the form's content from `span.offset` on
 * @param values  [span.end - span.start] f32
 */
export function writeSpan(span: WeightSpan, memory: Float32Array, values: Float32Array): void {
  if (span.packed === null) {
    memory.set(values);
    return;
  }
  eachRun(span, (at, from, count) => {
    for (let i = 0; i < count; i++) memory[at + i * PANEL] = values[from + i] as number;
  });
}

/** Visits the rows of a packed span: their start in the panels and in the span, and their length. */
function eachRun(
  { start, end, packed }: WeightSpan,
  visit: (panelsAt: number, spanAt: number, count: number) => void,
): void {
  if (packed === null) return;
  const { first, k } = packed;
  for (let at = start; at < end;) {
    const row = Math.floor((at - first) / k);
    const column = at - first - row * k;
    const count = Math.min(k - column, end - at);
    const panel = Math.floor(row / PANEL) * PANEL * k;
    visit(panel + column * PANEL + (row % PANEL), at - start, count);
    at += count;
  }
}

/** Copies elements of the flat vector, from `start` on, out of the whole form. */
export function readWeights(
  form: WeightForm,
  memory: Float32Array,
  into: Float32Array,
  start = 0,
): void {
  for (const span of spansOf(form, start, start + into.length)) {
    const place = memory.subarray(span.offset, span.offset + span.length);
    readSpan(span, place, into.subarray(span.start - start, span.end - start));
  }
}

/** Copies values into the whole form, from element `start` of the flat vector on. */
export function writeWeights(
  form: WeightForm,
  memory: Float32Array,
  values: Float32Array,
  start = 0,
): void {
  for (const span of spansOf(form, start, start + values.length)) {
    const place = memory.subarray(span.offset, span.offset + span.length);
    writeSpan(span, place, values.subarray(span.start - start, span.end - start));
  }
}
