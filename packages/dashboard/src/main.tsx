/** Draws the page. */
import "./design/tokens.css";
import "./design/base.css";
import "./design/parts.css";
import "uplot/dist/uPlot.min.css";
import "./chart/chart.css";
import "./table/table.css";
import "./text/text.css";
import "./answers/answers.css";
import "./time/time.css";
import "./shell/shell.css";

import { render } from "preact";
import { config } from "zod";

import { Page } from "./shell/page.js";

// Without this zod compiles its checks with `new Function`, which the page's policy forbids.
config({ jitless: true });

const root = document.getElementById("page");
if (root !== null) render(<Page />, root);
