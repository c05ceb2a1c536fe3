/** The text matched by each placeholder of a template, with a lower-case first letter. */
export type MatchedWords = Readonly<Record<string, string>>;

/** Returns a function that matches sentences against a template: the matched text, or null. */
export function templateMatcher(template: string): (sentence: string) => MatchedWords | null {
  const pattern = new RegExp(
    `^${template
      .split(/(\{\w+\})/)
      .map(partPattern)
      .join("")}$`,
  );
  return (sentence) => {
    const match = pattern.exec(sentence);
    return match === null ? null : { ...match.groups };
  };
}

function partPattern(part: string): string {
  const name = /^\{(\w+)\}$/.exec(part)?.[1];
  if (name === undefined) return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const group = name.charAt(0).toLowerCase() + name.slice(1);
  switch (group) {
    case "in":
    case "inFrom":
    case "inTo":
      return `(?<${group}>in|at)`;
    case "a":
      return `(?<${group}>the|a)`;
    case "when":
      return `(?<${group}>(?: at \\d\\d:\\d\\d [AP]M)?)`;
    default:
      // Non-greedy: the lexicon decides whether the text means anything.
      return `(?<${group}>.+?)`;
  }
}
