/**
 * The folder of the built page, as a file URL: `index.html`, `icon.svg`, and `assets/` whose names
 * contain hashes of their contents. The project's build writes it; it ends with a slash.
 */
export const PAGE_FOLDER = new URL("./page/", import.meta.url);
