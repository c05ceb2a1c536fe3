/** One case of a file: a prompt and the answer to each of its questions by letter. */
export interface PuzzleRecord {
  /** Clues in the prompt. */
  num_clues: number;
  prompt: string;
  /** Answer by letter, e.g. { A: "Mrs. White" }. */
  solution: Readonly<Record<string, string>>;
}
/**
 * Reads a file of cases: a JSON array, or one JSON object per line (JSONL).
 *
 * Fields that are not known are left out of the result.
 *
 * @throws DatasetError naming the line or record, and the field
 */
export declare function parseDataset(text: string): PuzzleRecord[];
//# sourceMappingURL=dataset.d.ts.map
