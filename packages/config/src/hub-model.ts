/** A model on the Hugging Face hub, as a config names it. */
export interface HubModel {
  /** `owner/name`. */
  readonly name: string;
  /** A branch, a tag or a commit; null for the newest of the main branch. */
  readonly revision: string | null;
}

/** A model on the hub at one commit. */
export interface PinnedModel {
  readonly name: string;
  /** 40 hexadecimal digits. */
  readonly commit: string;
}

const PART = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
const HUB_MODEL = new RegExp(`^(${PART}/${PART})(?:@([\\w][\\w./-]{0,199}))?$`);
const COMMIT = /^[0-9a-f]{40}$/;

/** Reads `owner/name` or `owner/name@revision`; null for what can only be a path. */
export function parseHubModel(text: string): HubModel | null {
  const [, name, revision = null] = HUB_MODEL.exec(text) ?? [];
  if (name === undefined || /--|\.\./.test(text) || name.endsWith(".git")) return null;
  return { name, revision };
}

/** Reads `owner/name@commit`; null for anything else. */
export function parsePinnedModel(text: string): PinnedModel | null {
  const { name = "", revision = null } = parseHubModel(text) ?? {};
  return revision !== null && COMMIT.test(revision) ? { name, commit: revision } : null;
}

/** Writes a model on the hub as a config names it. */
export function hubModelText({ name, revision }: HubModel): string {
  return revision === null ? name : `${name}@${revision}`;
}
