/**
 * Text of any length. It is shown as text, with control characters made visible.
 *
 * - A long text is cut, with a button that shows all of it, and loads what is missing.
 * - It is drawn in pieces, and the browser lays out those near the visible part only.
 */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";

import { formatCount } from "../figures/format.js";
import { visibleText } from "./visible-text.js";

const MAX_CHARACTERS = 6000;
const PIECE_CHARACTERS = 4000;

/** Draws a text; occurrences of `words` are marked. */
export function LongText(props: {
  readonly text: string;
  /** Characters of the whole text, of which `text` may be the beginning. */
  readonly total?: number;
  /** Loads the text from a place on; null when that fails. */
  readonly load?: (from: number) => Promise<string | null>;
  readonly words?: string;
}) {
  const { text, words = "", load } = props;
  const total = props.total ?? text.length;
  const isWhole = useSignal(false);
  const rest = useSignal("");
  const known = text + rest.value;
  const showAll = async () => {
    isWhole.value = !isWhole.value;
    while (isWhole.peek() && load !== undefined) {
      const from = text.length + rest.peek().length;
      const more = from < total ? await load(from) : null;
      if (more === null || more === "") return;
      rest.value += more;
    }
  };
  const isCut = !isWhole.value && known.length > MAX_CHARACTERS;
  const shown = isCut ? known.slice(0, endOfPiece(known, MAX_CHARACTERS)) : known;
  return (
    <>
      <pre class="text">
        {pieces(shown).map((piece, i) => (
          <span key={i} class="piece">
            {marked(visibleText(piece), words)}
          </span>
        ))}
        {shown.length < total && "…"}
      </pre>
      {total > MAX_CHARACTERS && (
        <button class="button show-all" type="button" onClick={() => void showAll()}>
          {isWhole.value ? "Show the beginning only" : `Show all ${formatCount(total)} characters`}
        </button>
      )}
    </>
  );
}

/** Cuts a text into pieces, never inside a character. */
function pieces(text: string): string[] {
  const found: string[] = [];
  for (let begin = 0; begin < text.length;) {
    const end = endOfPiece(text, begin + PIECE_CHARACTERS);
    found.push(text.slice(begin, end));
    begin = end;
  }
  return found;
}

function endOfPiece(text: string, wanted: number): number {
  if (wanted >= text.length) return text.length;
  const code = text.charCodeAt(wanted - 1);
  return code >= 0xd800 && code < 0xdc00 ? wanted - 1 : wanted;
}

function marked(text: string, words: string): ComponentChildren {
  const lower = text.toLowerCase();
  const sought = words.trim().toLowerCase();
  // A letter that changes its length in lower case would shift the places.
  if (sought === "" || lower.length !== text.length) return text;
  const found: ComponentChildren[] = [];
  let begin = 0;
  for (let at = lower.indexOf(sought); at >= 0; at = lower.indexOf(sought, begin)) {
    found.push(text.slice(begin, at), <mark key={at}>{text.slice(at, at + sought.length)}</mark>);
    begin = at + sought.length;
  }
  found.push(text.slice(begin));
  return found;
}
