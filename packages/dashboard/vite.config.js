/**
 * Builds the page into dist/page: index.html, one script and one style sheet, under hashed names.
 *
 * - Nothing is inlined, so that the page works under a policy without inline scripts and styles.
 * - The build fails when all files together exceed their limit, compressed.
 */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig } from "vite";

const MAX_COMPRESSED_BYTES = 120_000;

/** Fails a build that is too large. */
const sizeLimit = {
  name: "size-limit",
  generateBundle(_, bundle) {
    const sizes = Object.values(bundle).map(
      (file) => gzipSync(file.type === "chunk" ? file.code : file.source).length,
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    if (total > MAX_COMPRESSED_BYTES) {
      this.error(`the page has ${total} bytes compressed, more than ${MAX_COMPRESSED_BYTES}`);
    }
  },
};

export default defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/",
  plugins: [sizeLimit],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
    reportCompressedSize: false,
  },
});
