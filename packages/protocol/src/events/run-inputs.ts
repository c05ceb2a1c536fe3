import { z } from "zod";

/** A file of the model folder that a run starts from. */
export const InputFile = z.object({
  file: z.string(),
  bytes: z.int().min(0),
  sha256: z.string(),
  /**
   * Identifies the file's state on its disk: modification and change time, inode. A file in the same state
   * has the same bytes, so a large one is not hashed again.
   */
  state: z.string(),
});
/** A file of the model folder that a run starts from. */
export type InputFile = z.infer<typeof InputFile>;

/** Tasks that a run draws from. */
export const InputSource = z.object({
  /** Field of the config, e.g. `tasks.source.file`. */
  field: z.string(),
  /** The file that the field names; null for a generated series. */
  file: z.string().nullable(),
  /** SHA-256 of everything that the source reads. */
  sha256: z.string(),
});
/** Tasks that a run draws from. */
export type InputSource = z.infer<typeof InputSource>;

/** Everything that a run reads, by its content: a resume with other content is refused. */
export const RunInputs = z.object({
  model: z.array(InputFile),
  sources: z.array(InputSource),
});
/** Everything that a run reads, by its content. */
export type RunInputs = z.infer<typeof RunInputs>;
