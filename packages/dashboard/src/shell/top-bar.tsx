/** The bar above every view: where one is, and whether news arrive. */
import { useLocation } from "preact-iso";

import { connection } from "../api/live.js";

const PLACES = [
  { href: "/", title: "Runs", isHere: (path: string) => path === "/" || path.startsWith("/runs") },
  { href: "/compare", title: "Compare", isHere: (path: string) => path.startsWith("/compare") },
  { href: "/cluster", title: "Cluster", isHere: (path: string) => path.startsWith("/cluster") },
];

const CONNECTION = {
  live: { tone: "good", text: "live" },
  away: { tone: "warn", text: "reconnecting" },
  hidden: { tone: "", text: "paused" },
};

/** Draws the bar. */
export function TopBar() {
  const { path } = useLocation();
  const { tone, text } = CONNECTION[connection.value];
  return (
    <header class="top">
      <a class="skip-link" href="#content">
        Skip to the content
      </a>
      <a class="brand" href="/" aria-label="Gumshoe">
        <Sign /> <span>Gumshoe</span>
      </a>
      <nav aria-label="Main">
        {PLACES.map(({ href, title, isHere }) => (
          <a key={href} href={href} aria-current={isHere(path) ? "page" : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <div class="end">
        <span class={`badge ${tone}`} role="status">
          {text}
        </span>
      </div>
    </header>
  );
}

/** Draws the sign of the project. */
export function Sign() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="#1f4e8c" />
      <circle cx="14" cy="14" r="7" fill="none" stroke="#fff" stroke-width="3" />
      <path d="M19.5 19.5 26 26" stroke="#f0a830" stroke-width="4" stroke-linecap="round" />
    </svg>
  );
}
