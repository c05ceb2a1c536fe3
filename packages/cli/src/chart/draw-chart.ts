/** Draws charts as SVG, and as PNG by rendering the SVG with a font of its own. */
import { createRequire } from "node:module";
import { extname } from "node:path";

import * as Plot from "@observablehq/plot";
import { Resvg } from "@resvg/resvg-js";
import { InvalidArgumentError } from "@gumshoe/core";
import { parseHTML } from "linkedom";

const FONT = "DejaVu Sans";
const WIDTH = 800;
const HEIGHT = 500;
/** Pixels of a PNG per unit of the SVG, for screens of high density. */
const PNG_SCALE = 2;

/** What differs between charts; {@link drawChart} adds the size and the font. */
export type ChartOptions = Pick<Plot.PlotOptions, "x" | "y" | "color" | "marks" | "marginRight">;

/**
 * Draws a chart.
 *
 * @param options.title  stands above the chart
 * @param file           its extension decides on the format: .svg or .png
 * @returns              the bytes of the file
 * @throws InvalidArgumentError for another extension
 */
export function drawChart(
  { title, ...options }: ChartOptions & { readonly title: string },
  file: string,
): Uint8Array {
  const extension = extname(file).toLowerCase();
  if (extension !== ".svg" && extension !== ".png") {
    throw new InvalidArgumentError("--out", `must end with .svg or .png, is ${file}`);
  }
  const svg = svgOf(title, options);
  return extension === ".svg" ? Buffer.from(svg) : pngOf(svg);
}

/** The drawn element: types of the DOM are not known here. */
interface Drawing {
  setAttribute(name: string, value: string): void;
  readonly outerHTML: string;
}

function svgOf(title: string, options: ChartOptions): string {
  const page = parseHTML("<html><body></body></html>") as { readonly document: unknown };
  const all = {
    ...options,
    document: page.document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: 48,
    marginBottom: 44,
    marginLeft: 56,
    grid: true,
    style: { fontFamily: `${FONT}, sans-serif`, fontSize: "12px", background: "white" },
    marks: [
      ...(options.marks ?? []),
      Plot.text([title], { frameAnchor: "top", dy: -34, fontSize: 15, fontWeight: "bold" }),
    ],
  };
  const drawing = Plot.plot(all) as unknown as Drawing;
  drawing.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${drawing.outerHTML}\n`;
}

function pngOf(svg: string): Uint8Array {
  const require = createRequire(import.meta.url);
  const files = ["DejaVuSans.ttf", "DejaVuSans-Bold.ttf"];
  const renderer = new Resvg(svg, {
    background: "white",
    fitTo: { mode: "width", value: WIDTH * PNG_SCALE },
    font: {
      // The same picture on every machine, also where no font is installed.
      loadSystemFonts: false,
      fontFiles: files.map((file) => require.resolve(`dejavu-fonts-ttf/ttf/${file}`)),
      defaultFontFamily: FONT,
    },
  });
  return renderer.render().asPng();
}
