// What is known of a picture, as terms and descriptions.

import {element, foreign} from "./dom.js";
import {bytes, changed, number, percent, printable, score, standout, taken} from "./format.js";

const term = (name, ...content) => [element("dt", {}, name), element("dd", {}, ...content)];

function size(hit) {
  const pixels = (hit.width * hit.height) / 1e6;
  const rounded = pixels >= 0.95 ? ` · ${pixels.toFixed(pixels >= 10 ? 0 : 1)} megapixels` : "";
  return `${number(hit.width)} × ${number(hit.height)}${rounded}`;
}

/** Nodes for a <dl>; `hit` is a hit of a search or a file among duplicates. */
export function facts(hit) {
  const nodes = [];
  if (hit.taken) nodes.push(...term("Taken", taken(hit.taken)));
  if (hit.width > 0) nodes.push(...term("Size", size(hit)));
  if (typeof hit.bytes === "number") nodes.push(...term("File", bytes(hit.bytes)));
  if (typeof hit.mtime === "number") nodes.push(...term("Changed", changed(hit.mtime)));
  if (typeof hit.standout === "number") {
    nodes.push(...term("Stands out", standout(hit.standout),
                       element("small", {}, "deviations above the other pictures")));
  }
  if (typeof hit.score === "number") nodes.push(...term("Score", score(hit.score), element("small", {}, "cosine")));
  if (typeof hit.probability === "number") {
    nodes.push(...term("Probability", percent(hit.probability),
                       element("small", {}, "by the model’s own judgement, often low")));
  }
  if (hit.copies?.length > 0) {
    nodes.push(...term("Copies", element("ul", {}, ...hit.copies.map(
        (path) => element("li", {}, foreign(printable(path)))))));
  }
  return nodes;
}
