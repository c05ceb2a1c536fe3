/**
 * The tokens of an answer, shaded by how unlikely the model found each.
 *
 * Tokens are drawn in blocks. A block is plain text until it comes near the visible part of the page,
 * so that an answer of a hundred thousand tokens costs what a screen of tokens costs.
 */
import type { TokenPage } from "@gumshoe/api";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

import { formatCount, formatFixed } from "../figures/format.js";
import { visibleText } from "./visible-text.js";

const BLOCK_TOKENS = 250;
const MAX_TOKENS = 1500;

/** Log-probs (natural logarithm) at which a shade begins: probabilities of 90 % down to 0.2 %. */
const SHADE_LIMITS = [-0.105, -0.357, -0.693, -1.386, -2.303, -3.507, -4.605, -6.215];
const NUM_SHADES = SHADE_LIMITS.length;

/** Draws tokens. `load` brings more of them from a place on; null when that fails. */
export function TokenHeat(props: {
  readonly tokens: TokenPage;
  readonly load: (from: number) => Promise<TokenPage | null>;
}) {
  const { tokens, load } = props;
  const { total } = tokens;
  const isWhole = useSignal(false);
  const rest = useSignal<readonly TokenPage[]>([]);
  const texts = [tokens, ...rest.value].flatMap((page) => page.texts);
  const logprobs = [tokens, ...rest.value].flatMap((page) => page.logprobs);
  const showAll = async () => {
    isWhole.value = !isWhole.value;
    let from = texts.length;
    while (isWhole.peek() && from < total) {
      const page = await load(from);
      if (page === null || page.texts.length === 0) return;
      rest.value = [...rest.peek(), page];
      from += page.texts.length;
    }
  };
  const numShown = isWhole.value ? texts.length : Math.min(MAX_TOKENS, texts.length);
  const begins = Array.from(
    { length: Math.ceil(numShown / BLOCK_TOKENS) },
    (_, i) => i * BLOCK_TOKENS,
  );
  return (
    <>
      <pre class="text">
        {begins.map((begin) => {
          const end = Math.min(numShown, begin + BLOCK_TOKENS);
          return (
            <TokenBlock
              key={begin}
              texts={texts.slice(begin, end)}
              logprobs={logprobs.slice(begin, end)}
            />
          );
        })}
        {numShown < total && "…"}
      </pre>
      {total > MAX_TOKENS && (
        <button class="button show-all" type="button" onClick={() => void showAll()}>
          {isWhole.value ? "Show the beginning only" : `Show all ${formatCount(total)} tokens`}
        </button>
      )}
    </>
  );
}

function TokenBlock(props: {
  readonly texts: readonly string[];
  readonly logprobs: readonly (number | null)[];
}) {
  const { texts, logprobs } = props;
  const block = useRef<HTMLSpanElement>(null);
  const isNear = useSignal(false);
  useEffect(() => {
    if (block.current === null) return;
    const near = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting } of entries) isNear.value = isIntersecting;
      },
      { rootMargin: "600px" },
    );
    near.observe(block.current);
    return () => near.disconnect();
  }, []);
  return (
    <span ref={block} class="piece">
      {isNear.value
        ? texts.map((text, i) => <Token key={i} text={text} logprob={logprobs[i] ?? null} />)
        : visibleText(texts.join(""))}
    </span>
  );
}

function Token({ text, logprob }: { readonly text: string; readonly logprob: number | null }) {
  if (logprob === null) {
    return (
      <span class="token muted" title="given between two turns, not sampled">
        {visibleText(text)}
      </span>
    );
  }
  const probability = formatFixed(Math.exp(logprob), 4);
  return (
    <span
      class={`token heat-${shadeOf(logprob)}`}
      title={`log-prob ${formatFixed(logprob, 4)}, probability ${probability}`}
    >
      {visibleText(text)}
    </span>
  );
}

/** Returns the shade of a log-prob: 0 for a likely token, 8 for the least likely. */
function shadeOf(logprob: number): number {
  const shade = SHADE_LIMITS.findIndex((limit) => logprob >= limit);
  return shade < 0 ? NUM_SHADES : shade;
}

/** Draws what the shades mean. */
export function HeatLegend() {
  return (
    <span class="heat-legend muted">
      likely
      <span aria-hidden="true">
        {Array.from({ length: NUM_SHADES + 1 }, (_, shade) => (
          <i key={shade} class={`heat-${shade}`} />
        ))}
      </span>
      unlikely
    </span>
  );
}
