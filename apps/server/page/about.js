// What the index holds, at the foot of the page.

import {byId, element, foreign} from "./dom.js";
import {bytes, counted, number, printable} from "./format.js";

function folder(one) {
  const facts = [counted(one.files, "file")];
  if (one.missing > 0) facts.push(`${number(one.missing)} missing`);
  if (one.unreadable > 0) facts.push(`${number(one.unreadable)} unreadable`);
  return element("li", {}, foreign(printable(one.path)), element("span", {}, facts.join(", ")));
}

/** Shows the answer of GET /v1/index. */
export function showAbout(index) {
  const name = index.model.split("/").filter((part) => part !== "").pop() ?? index.model;
  const facts = [counted(index.contents, "picture"), counted(index.folders.length, "folder"), printable(name)];
  if (index.updating) facts.push("being updated");
  byId("about-line").textContent = facts.join(" · ");
  const rest = [`Model: ${printable(index.model)}. The index takes ${bytes(index.bytes)}.`];
  if (index.undecodable > 0) rest.push(`${counted(index.undecodable, "file")} could not be decoded.`);
  byId("about-folders").replaceChildren(element("ul", {}, ...index.folders.map(folder)),
                                        element("p", {}, rest.join(" ")));
  byId("about").hidden = false;
}
