import { z } from "zod";

/** A file of the model folder that a run starts from. */
export const InputFile = z.object({
  file: z.string(),
  bytes: z.int().min(0),
  sha256: z.string(),
  /**
   * Identifies the state of the file on disk: modification and change time, and inode. Files with
   * an equal state are assumed to have equal bytes, so that large ones are not hashed again.
   */
  state: z.string(),
});
/** A file of the model folder that a run starts from. */
export type InputFile = z.infer<typeof InputFile>;

/** A source of a run's tasks. */
export const InputSource = z.object({
  /** Field of the config, e.g. `tasks.source.file`. */
  field: z.string(),
  /** The file that the field names; null for a generated series. */
  file: z.string().nullable(),
  /** SHA-256 of everything that the source reads. */
  sha256: z.string(),
});
/** A source of a run's tasks. */
export type InputSource = z.infer<typeof InputSource>;

/** Everything that a run reads, identified by content: a resume with other content is rejected. */
export const RunInputs = z.object({
  model: z.array(InputFile),
  sources: z.array(InputSource),
});
/** Everything that a run reads, identified by content. */
export type RunInputs = z.infer<typeof RunInputs>;
