/** What every view uses: its title, its sections, and the query of its address. */
import type { ComponentChildren } from "preact";
import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";

/** Names the view in the window's title. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Gumshoe`;
  }, [title]);
}

/** Draws a heading that is a part of the view. */
export function Section({
  title,
  children,
}: {
  readonly title: string;
  readonly children?: ComponentChildren;
}) {
  return (
    <div class="section">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** Returns the query of the address, and a function that changes parts of it. */
export function useQuery(): [
  Record<string, string>,
  (changes: Record<string, string | null>) => void,
] {
  const { query, path, route } = useLocation();
  const change = (changes: Record<string, string | null>) => {
    const next = new URLSearchParams(query);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === "") next.delete(key);
      else next.set(key, value);
    }
    const text = next.toString();
    route(text === "" ? path : `${path}?${text}`, true);
  };
  return [query, change];
}
