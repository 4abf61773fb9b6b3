// One picture of a grid: a link to the file, with its name, numbers, bar and small buttons.

import {element, foreign, icon} from "./dom.js";
import {nameOf, percent, printable, score, standout, taken} from "./format.js";
import {loadThumbnail, missingWords, pictureAddress} from "./thumbnails.js";

// Panoramas and strips are cut at the sides, so that a row stays a row.
const NARROWEST = 0.6;
const WIDEST = 2.4;

/** Width by height of the place that a picture gets. */
export function ratioOf(hit) {
  const ratio = hit.width > 0 && hit.height > 0 ? hit.width / hit.height : 1;
  return Math.min(Math.max(ratio, NARROWEST), WIDEST);
}

/** How far a hit stands out, relative to the best one: 0 to 1. */
function strength(hit, best) {
  const value = hit.standout ?? hit.score;
  const most = best.standout ?? best.score;
  if (!(most > 0) || typeof value !== "number") return 0;
  return Math.min(Math.max(value / most, 0.02), 1);
}

function numbersOf(hit) {
  const parts = [];
  if (typeof hit.standout === "number") parts.push(`stands out ${standout(hit.standout)}`);
  if (typeof hit.score === "number") parts.push(`score ${score(hit.score)}`);
  if (typeof hit.probability === "number") parts.push(percent(hit.probability));
  return parts.map((part) => element("span", {}, part));
}

/** An <img> whose place is kept while it loads; says in words when it cannot be had. */
export function thumbnail(hit, size) {
  const frame = element("span", {class: "frame"});
  const image = element("img", {alt: "", loading: "lazy", decoding: "async", draggable: false});
  if (hit.width > 0 && hit.height > 0) {
    image.width = hit.width;
    image.height = hit.height;
  }
  frame.append(image);
  loadThumbnail(image, hit, size, (error) => {
    image.remove();
    frame.classList.add("missing");
    frame.append(icon("gone"), element("span", {}, printable(missingWords(error))));
  });
  return frame;
}

/**
 * A list item for `hit`. `best` is the first hit of the search, or null where nothing is compared.
 * `act` has open(hit, link), like(hit) and alike(hit, link).
 */
export function tile(hit, best, act) {
  const name = nameOf(hit.path);
  const caption = element("span", {class: "caption"}, element("span", {class: "name"}, foreign(name)));
  if (best) caption.append(element("span", {class: "numbers"}, ...numbersOf(hit)));
  else if (hit.taken) caption.append(element("span", {class: "numbers"}, taken(hit.taken)));
  const link = element("a", {class: "shot", href: pictureAddress(hit), tabIndex: -1}, thumbnail(hit, 320), caption);
  link.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;  // a tab of its own
    event.preventDefault();
    act.open(hit, link);
  });
  link.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData("application/x-siglip-id", String(hit.id));
    event.dataTransfer.effectAllowed = "copy";
  });

  const item = element("li", {class: "tile"}, link);
  item.style.setProperty("--ratio", ratioOf(hit).toFixed(4));
  if (best) {
    const bar = element("span", {class: "strength", "aria-hidden": "true"}, element("span"));
    bar.style.setProperty("--strength", strength(hit, best).toFixed(3));
    item.append(bar);
  }
  item.append(element("button", {
    type: "button", class: "similar", tabIndex: -1, title: "More like this",
    "aria-label": `More like ${name}`, onclick: () => act.like(hit),
  }, icon("similar")));
  if (hit.alike?.length > 0) {
    item.append(element("button", {
      type: "button", class: "alike", tabIndex: -1, title: "Show those that look the same",
      onclick: () => act.alike(hit, link),
    }, `+${hit.alike.length} alike`));
  }
  return item;
}
