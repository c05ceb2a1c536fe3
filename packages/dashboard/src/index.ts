export { PAGE_FOLDER } from "./page-folder.js";
