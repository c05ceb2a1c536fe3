/**
 * A table of any number of rows: sorted by its headings, opened by a click or by Enter.
 *
 * - Only rows near the visible part exist as elements.
 * - Keyboard: up, down, page up, page down, home and end choose a row; Enter opens it, space marks it.
 */
import { type Signal, useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";

import { useVirtualRows } from "./virtual-rows.js";

const ROW_PX = 32;
const HEAD_PX = 32;
const NUM_ROWS_PER_PAGE = 10;

/** One column. */
export interface TableColumn<Row> {
  readonly key: string;
  readonly title: string;
  readonly hint?: string;
  /** A track of a CSS grid, e.g. `80px` or `minmax(120px, 1fr)`. */
  readonly width: string;
  readonly isNumber?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
  /** The value by which rows are sorted; null comes last. Without it the column cannot be sorted. */
  readonly order?: (row: Row) => number | string | null;
}

/** The order of a table. */
export interface TableOrder {
  readonly key: string;
  readonly isDescending: boolean;
}

/** What a table shows. */
export interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly TableColumn<Row>[];
  readonly rows: readonly Row[];
  readonly rowKey: (row: Row) => string;
  readonly initialOrder?: TableOrder;
  readonly onOpen?: (row: Row) => void;
  /** The keys of marked rows. */
  readonly marked?: Signal<ReadonlySet<string>>;
  readonly maxHeight?: string;
  readonly minWidth?: string;
  readonly empty?: string;
  /** Is called when the last rows are near: more may be loaded. */
  readonly onEnd?: () => void;
}

/** Draws the table. */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { columns, rows, rowKey } = props;
  const id = useId();
  const order = useSignal<TableOrder | null>(props.initialOrder ?? null);
  const chosen = useSignal(0);
  const scroller = useRef<HTMLDivElement>(null);
  const sorted = useMemo(() => sortRows(rows, columns, order.value), [rows, columns, order.value]);
  const virtualizer = useVirtualRows({
    count: sorted.length,
    rowPx: ROW_PX,
    scroller,
    startPx: HEAD_PX,
  });
  const grid = columns.map(({ width }) => width).join(" ");
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (sorted.length > 0 && lastShown >= sorted.length - 1) props.onEnd?.();
  }, [lastShown, sorted.length]);

  const press = (event: KeyboardEvent) => {
    if (event.target !== scroller.current) return;
    const row = sorted[chosen.value];
    const moved = MOVES[event.key]?.(chosen.value, sorted.length);
    if (moved !== undefined) {
      chosen.value = Math.max(0, Math.min(sorted.length - 1, moved));
      virtualizer.scrollToIndex(chosen.value);
    } else if (row === undefined || !act(event.key, row, props)) return;
    event.preventDefault();
  };

  return (
    <div
      class="data-table"
      ref={scroller}
      role="grid"
      tabIndex={0}
      aria-label={props.label}
      aria-rowcount={sorted.length + 1}
      aria-colcount={columns.length}
      aria-activedescendant={sorted.length > 0 ? `${id}-${chosen.value}` : undefined}
      onKeyDown={press}
      style={{ maxHeight: props.maxHeight ?? "70vh" }}
    >
      <div
        role="rowgroup"
        style={{
          height: `${virtualizer.getTotalSize() + (sorted.length === 0 ? ROW_PX * 2 : 0)}px`,
          minWidth: props.minWidth ?? "0",
        }}
        class="rows"
      >
        <div role="row" class="head" aria-rowindex={1} style={{ gridTemplateColumns: grid }}>
          {columns.map((column) => (
            <HeadCell key={column.key} column={column} order={order} />
          ))}
        </div>
        {sorted.length === 0 && <EmptyRow text={props.empty ?? "Nothing here yet"} />}
        {items.map(({ index, start }) => {
          const row = sorted[index];
          if (row === undefined) return null;
          return (
            <TableRow
              key={rowKey(row)}
              row={row}
              index={index}
              grid={grid}
              table={props}
              id={`${id}-${index}`}
              startPx={start}
              isChosen={index === chosen.value}
              onChoose={() => (chosen.value = index)}
            />
          );
        })}
      </div>
    </div>
  );
}

function TableRow<Row>(props: {
  readonly row: Row;
  readonly index: number;
  readonly grid: string;
  readonly table: DataTableProps<Row>;
  readonly id: string;
  readonly startPx: number;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}) {
  const { row, index, grid, id, startPx, isChosen, onChoose } = props;
  const { columns, rowKey, marked, onOpen } = props.table;
  return (
    <div
      id={id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={marked?.value.has(rowKey(row))}
      class={`row ${isChosen ? "chosen" : ""} ${onOpen ? "opens" : ""}`}
      style={{ gridTemplateColumns: grid, transform: `translateY(${startPx}px)` }}
      onClick={(event) => {
        onChoose();
        const isControl =
          event.target instanceof Element && event.target.closest("a,button,input,label");
        if (!isControl) onOpen?.(row);
      }}
    >
      {columns.map((column) => (
        <div key={column.key} role="gridcell" class={column.isNumber ? "number" : ""}>
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}

function EmptyRow({ text }: { readonly text: string }) {
  return (
    <div role="row" aria-rowindex={2} class="none">
      <div role="gridcell">{text}</div>
    </div>
  );
}

/** Opens or marks a row by a key; returns whether the key does so. */
function act<Row>(key: string, row: Row, { onOpen, marked, rowKey }: DataTableProps<Row>): boolean {
  if (key === "Enter" && onOpen !== undefined) onOpen(row);
  else if (key === " " && marked !== undefined) toggle(marked, rowKey(row));
  else return false;
  return true;
}

const MOVES: Readonly<Record<string, (from: number, count: number) => number>> = {
  ArrowDown: (from) => from + 1,
  ArrowUp: (from) => from - 1,
  PageDown: (from) => from + NUM_ROWS_PER_PAGE,
  PageUp: (from) => from - NUM_ROWS_PER_PAGE,
  Home: () => 0,
  End: (_, count) => count - 1,
};

function HeadCell<Row>(props: {
  readonly column: TableColumn<Row>;
  readonly order: Signal<TableOrder | null>;
}) {
  const { column, order } = props;
  const isSorted = order.value?.key === column.key;
  const direction = order.value?.isDescending === true ? "descending" : "ascending";
  return (
    <div
      role="columnheader"
      class={column.isNumber ? "number" : ""}
      title={column.hint}
      aria-sort={isSorted ? direction : undefined}
    >
      {column.order === undefined ? (
        column.title
      ) : (
        <button
          type="button"
          onClick={() => {
            const isDescending = isSorted ? !order.value?.isDescending : column.isNumber === true;
            order.value = { key: column.key, isDescending };
          }}
        >
          {column.title}
          {isSorted && <span aria-hidden="true">{direction === "descending" ? " ↓" : " ↑"}</span>}
        </button>
      )}
    </div>
  );
}

function sortRows<Row>(
  rows: readonly Row[],
  columns: readonly TableColumn<Row>[],
  order: TableOrder | null,
): readonly Row[] {
  const value = columns.find(({ key }) => key === order?.key)?.order;
  if (order === null || value === undefined) return rows;
  const sign = order.isDescending ? -1 : 1;
  const keyed = rows.map((row) => ({ row, by: value(row) }));
  keyed.sort((a, b) => {
    if (a.by === b.by) return 0;
    if (a.by === null) return 1;
    if (b.by === null) return -1;
    return a.by < b.by ? -sign : sign;
  });
  return keyed.map(({ row }) => row);
}

/** Marks a row, or removes its mark. */
export function toggle(marked: Signal<ReadonlySet<string>>, key: string): void {
  const next = new Set(marked.value);
  if (!next.delete(key)) next.add(key);
  marked.value = next;
}
