// Duplicates, to review by kind. Nothing is ever deleted here: paths can be copied.

import {byId, copyText, element, foreign} from "./dom.js";
import {bytes, changed, counted, nameOf, number} from "./format.js";
import {ratioOf, thumbnail} from "./tile.js";
import {pictureAddress} from "./thumbnails.js";
import * as states from "./states.js";

const PAGE = 40;  // groups asked for at a time
const KINDS = {
  "same-bytes": ["Same bytes", "Files that are equal byte by byte."],
  "same-picture": ["Same picture", "The same picture, also in another size, quality or format."],
  "similar": ["Similar", "Cropped, mirrored, recoloured, or taken a moment later. Look before you remove any."],
};

/** A kind that there is: what the address asks for, or the one that helps most. */
export const kindOf = (text) => (Object.hasOwn(KINDS, text ?? "") ? text : "same-picture");

function fileTile(file, isFirst, open) {
  const facts = [`${number(file.width)} × ${number(file.height)}`, bytes(file.bytes), changed(file.mtime)];
  const alike = isFirst ? element("span", {class: "pill best"}, "best")
      : typeof file.score === "number" && file.score < 1
      ? element("span", {class: "pill", title: "alike to the best"}, `${(file.score * 100).toFixed(1)}%`) : null;
  const link = element("a", {class: "shot", href: pictureAddress(file), draggable: false}, thumbnail(file, 320));
  link.setAttribute("aria-label", nameOf(file.path));
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(file, link);
  });
  const item = element("li", {class: "tile file"}, link,
    element("p", {class: "file-name"}, foreign(nameOf(file.path)), alike),
    element("p", {class: "file-facts"}, ...facts.map((fact) => element("span", {}, fact))));
  item.style.setProperty("--ratio", ratioOf(file).toFixed(4));
  return item;
}

function group(files, open) {
  const others = files.slice(1);
  const spare = others.reduce((sum, file) => sum + file.bytes, 0);
  const copy = element("button", {type: "button", class: "quiet-button small"}, "Copy the other paths");
  copy.addEventListener("click", async () => {
    const copied = await copyText(others.map((file) => file.path).join("\n"), null);
    if (copied) copy.textContent = "Copied";
    byId("status").textContent =
        copied ? `${counted(others.length, "path")} copied` : "The browser does not let this page copy";
  });
  return element("div", {class: "group", role: "group", "aria-label": `${counted(files.length, "file")} alike`},
    element("div", {class: "group-head"},
            element("p", {}, element("strong", {}, counted(files.length, "file")),
                    ` · ${bytes(spare)} could be spared`),
            copy),
    element("ol", {class: "rows", role: "list"},
            ...files.map((file, at) => fileTile(file, at === 0, (one, link) => open(files, one, link)))));
}

/** The choice of a kind, as links: each has an address. */
export function kindChoice(kind) {
  const links = Object.entries(KINDS).map(([name, [label]]) => {
    const link = element("a", {href: `/?view=duplicates&kind=${name}`}, label);
    if (name === kind) link.setAttribute("aria-current", "page");
    return link;
  });
  return element("div", {class: "kinds"},
    element("h2", {}, "Duplicates"),
    element("nav", {class: "segments", "aria-label": "Kind of duplicates"}, ...links),
    element("p", {class: "quiet"}, KINDS[kind][1], " ", element("span", {class: "group-count"})));
}

/** The body of POST /v1/duplicates. */
export const duplicatesRequest = (kind, offset) => ({kind, top: PAGE, offset});

/** Nodes for an answer; `open(files, file, link)` shows one of a group. */
export function groups(kind, answer, open) {
  if (answer.total === 0) return [states.noDuplicates(kind)];
  return answer.data.map((one) => group(one.files, open));
}

/** How many groups there are, in words. */
export const groupCount = (answer) => counted(answer.total, "group");
