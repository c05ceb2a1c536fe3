/** Rows of which only those near the visible part exist as elements. */
import { useSignal } from "@preact/signals";
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";

const NUM_ROWS_BEYOND = 12;

/** Which rows of how many are shown, and how high they are. */
export interface VirtualRowsOptions {
  readonly count: number;
  /** The height of a row in px, or a guess of it where rows are measured. */
  readonly rowPx: number;
  readonly scroller: { readonly current: HTMLElement | null };
  /** Space above the first row inside the scroller, in px. */
  readonly startPx?: number;
}

/** Keeps track of the rows to be drawn, for as long as the calling component is shown. */
export function useVirtualRows(options: VirtualRowsOptions): Virtualizer<HTMLElement, HTMLElement> {
  const version = useSignal(0);
  void version.value;
  const settings: VirtualizerOptions<HTMLElement, HTMLElement> = {
    count: options.count,
    getScrollElement: () => options.scroller.current,
    estimateSize: () => options.rowPx,
    scrollMargin: 0,
    paddingStart: options.startPx ?? 0,
    overscan: NUM_ROWS_BEYOND,
    initialRect: { width: 0, height: 600 },
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => (version.value += 1),
  };
  const held = useRef<Virtualizer<HTMLElement, HTMLElement> | null>(null);
  held.current ??= new Virtualizer(settings);
  const virtualizer = held.current;
  virtualizer.setOptions(settings);
  useEffect(() => virtualizer._didMount(), []);
  useLayoutEffect(() => virtualizer._willUpdate());
  return virtualizer;
}
