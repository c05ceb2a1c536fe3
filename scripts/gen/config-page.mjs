/** Writes the config reference, docs/config.md, from the JSON Schema of run files. */

const INTRODUCTION = `# Config reference

<!-- Made by \`npm run gen\` from the schemas in packages/config/src: change those. -->

A run is described by a YAML or JSON file. This page lists every field; [runs/first.yaml](../runs/first.yaml) is a complete
config. Unknown fields are errors. So are fields that contradict each other: the tables below include these rules, and
submission checks them before the run starts. Relative paths start at the config's folder.

Editors can complete and check run files with [runs/run.schema.json](../runs/run.schema.json). Editors with the YAML language
server (VS Code with the YAML extension, Neovim, Helix) read the schema's path from the first line of the file. For a file in the folder \`mine\`:

\`\`\`yaml
# yaml-language-server: $schema=../runs/run.schema.json
\`\`\`

Settings of processes are environment variables, not fields of a run: [operations.md](operations.md#variables).
`;

const MAX_SAFE = 2 ** 53 - 1;

/** Returns the page as Markdown. */
export function configPage(schema) {
  const [grpo, sft] = schema.oneOf;
  const parts = collectParts([grpo, sft]);
  const same = (name) =>
    JSON.stringify(grpo.properties[name]) === JSON.stringify(sft.properties[name]);
  const shared = Object.keys(grpo.properties).filter(
    (name) => name in sft.properties && same(name),
  );
  const only = (sort) => Object.keys(sort.properties).filter((name) => !shared.includes(name));
  return [
    INTRODUCTION,
    "## Fields of every run",
    fieldTable({ object: grpo, names: shared, path: "", sort: "grpo" }, parts),
    ...[
      ["grpo", grpo],
      ["sft", sft],
    ].flatMap(([sort, object]) => [
      `## Fields of runs of \`type: ${sort}\``,
      fieldTable({ object, names: only(object), path: "", sort }, parts),
    ]),
    ...parts.flatMap((part) => [`## ${headingOf(part)}`, describePart(part, parts)]),
  ].join("\n\n");
}

/** A field that holds fields, or a list of them: the object or union behind it, without null. */
function innerOf(schema) {
  if (schema.type === "array" && schema.items?.properties !== undefined) return schema.items;
  const choices = schema.anyOf?.filter(({ type }) => type !== "null");
  const [inner] = choices ?? [schema];
  const { description, default: _default, ...core } = inner;
  return core.properties !== undefined || core.oneOf !== undefined ? core : null;
}

/**
 * Lists the fields that hold fields, each schema once with all paths at which it stands. A union whose
 * members are all in one that is listed already is not listed again: its fields link there.
 */
function collectParts(sorts) {
  const parts = [];
  const visit = (object, path, sort) => {
    for (const [name, field] of Object.entries(object.properties ?? {})) {
      const inner = innerOf(field);
      if (inner === null) continue;
      const at = path === "" ? name : `${path}.${name}`;
      const known = parts.find((part) => JSON.stringify(part.inner) === JSON.stringify(inner));
      const wider = parts.find((part) => isPartOf(inner, part.inner));
      if (known === undefined && wider !== undefined) {
        wider.links.push({ path: at, sort });
        continue;
      }
      if (known === undefined) parts.push({ inner, places: [{ path: at, sort }], links: [] });
      else known.places.push({ path: at, sort });
      for (const member of inner.oneOf ?? [inner]) visit(member, at, sort);
    }
  };
  for (const sort of sorts) visit(sort, "", sort.properties.type.const);
  for (const part of parts) {
    part.paths = [...new Set(part.places.map(({ path }) => path))];
    const others = parts.filter((other) => other !== part);
    part.isOfOneSort = others.some(({ places }) =>
      places.some(({ path }) => part.paths.includes(path)),
    );
  }
  return parts;
}

/** Whether a union is a part of another. */
function isPartOf(inner, other) {
  if (inner.oneOf === undefined || other.oneOf === undefined) return false;
  const members = other.oneOf.map((member) => JSON.stringify(member));
  return inner.oneOf.every((member) => members.includes(JSON.stringify(member)));
}

function headingOf({ paths, places, isOfOneSort }) {
  const names = paths.map((path) => `\`${path}\``).join(", ");
  return isOfOneSort ? `${names} of \`type: ${places[0].sort}\`` : names;
}

/** The anchor that GitHub gives a heading. */
function anchorOf(heading) {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

function describePart(part, parts) {
  const [{ sort }] = part.places;
  const [path] = part.paths;
  if (part.inner.oneOf === undefined) {
    const names = Object.keys(part.inner.properties);
    return fieldTable({ object: part.inner, names, path, sort }, parts);
  }
  return part.inner.oneOf
    .map((object) => {
      const { type, ...others } = object.properties;
      const title = `\`type: ${type.const}\`: ${type.description}`;
      const names = Object.keys(others);
      if (names.length === 0) return `${title}.`;
      return `${title}:\n\n${fieldTable({ object, names, path, sort }, parts)}`;
    })
    .join("\n\n");
}

function fieldTable({ object, names, path, sort }, parts) {
  const rows = names.map((name) => {
    const field = object.properties[name];
    const at = path === "" ? name : `${path}.${name}`;
    const cells = [
      `\`${name}\``,
      typeOf(field, partAt(parts, at, sort)),
      defaultOf(field, object.required?.includes(name) ?? false, name),
      field.description ?? "",
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  });
  return ["| Field | Type | Default | Meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function partAt(parts, path, sort) {
  return parts.find(({ places, links }) =>
    [...places, ...links].some((one) => one.path === path && one.sort === sort),
  );
}

function defaultOf(field, isRequired, name) {
  if (isRequired) return "required";
  if (name === "name" && field.default === undefined) return "the file's name";
  if (field.default === undefined) return "none";
  const text = JSON.stringify(field.default);
  if (text === "{}") return innerOf(field) === null ? "`{}`" : "its defaults";
  if (Array.isArray(field.default)) return `\`[${field.default.join(", ")}]\``;
  if (typeof field.default === "object" && field.default !== null) {
    const fields = Object.entries(field.default).map(([key, value]) => `${key}: ${value}`);
    return `\`{ ${fields.join(", ")} }\``;
  }
  return `\`${typeof field.default === "string" ? field.default : text}\``;
}

/** Says in words what a field takes. */
function typeOf(schema, part) {
  if (part !== undefined) {
    const words = part.inner.oneOf === undefined ? "fields" : "fields by `type`";
    const link = `[${words}](#${anchorOf(headingOf(part))})`;
    if (schema.type === "array") {
      return `list of ${inWords(schema.minItems)} to ${inWords(schema.maxItems)} of ${link}`;
    }
    return `${link}${isNullable(schema) ? ", or `null`" : ""}`;
  }
  if (schema.anyOf !== undefined) {
    return schema.anyOf.map((choice) => typeOf(choice)).join(", or ");
  }
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const).replaceAll('"', "")}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  switch (schema.type) {
    case "integer":
      return `whole number, ${rangeOf(schema)}`;
    case "number":
      return `number, ${rangeOf(schema)}`.replace(/, $/, "");
    case "boolean":
      return "`true`, `false`";
    case "string":
      return textOf(schema);
    case "null":
      return "`null`";
    case "array":
      return listOf(schema);
    case "object":
      return "names with values";
    default:
      throw new Error(`the config reference has no words for ${JSON.stringify(schema)}`);
  }
}

function isNullable({ anyOf }) {
  return anyOf?.some(({ type }) => type === "null") ?? false;
}

function textOf({ format, pattern, maxLength }) {
  if (format === "date") return "date";
  if (pattern !== undefined) return `text: \`${pattern}\``;
  return maxLength === undefined ? "text" : `text, at most ${inWords(maxLength)} characters`;
}

function listOf({ items, minItems, maxItems }) {
  if (Array.isArray(items)) return `list: ${items.map((item) => typeOf(item)).join("; then ")}`;
  return `list of ${inWords(minItems)} to ${inWords(maxItems)} of ${typeOf(items)}`;
}

function rangeOf({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }) {
  if (minimum !== undefined && maximum !== undefined) {
    return `${inWords(minimum)} to ${inWords(maximum)}`;
  }
  return [
    minimum === undefined ? "" : `at least ${inWords(minimum)}`,
    exclusiveMinimum === undefined ? "" : `above ${inWords(exclusiveMinimum)}`,
    maximum === undefined ? "" : `at most ${inWords(maximum)}`,
    exclusiveMaximum === undefined ? "" : `below ${inWords(exclusiveMaximum)}`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

/** Writes a number for people. */
function inWords(number) {
  return number === MAX_SAFE ? "2^53 - 1" : number.toLocaleString("en-US");
}
