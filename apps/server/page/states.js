// What the page says where there are no pictures to show.

import {copyText, element, icon} from "./dom.js";

/** A command that can be copied. */
function command(text) {
  const shown = element("code", {}, text);
  const button = element("button", {type: "button", class: "tool", "aria-label": "Copy the command"}, icon("copy"));
  button.addEventListener("click", async () => {
    if (await copyText(text, shown)) {
      button.classList.add("done");
      setTimeout(() => button.classList.remove("done"), 1500);
    }
  });
  return element("p", {class: "command"}, shown, button);
}

/** A heading, paragraphs (strings or nodes), and buttons. */
function words(heading, paragraphs, ...buttons) {
  return element("div", {class: "words"}, element("h2", {}, heading),
                 ...paragraphs.map((one) => (typeof one === "string" ? element("p", {}, one) : one)),
                 buttons.length > 0 ? element("div", {class: "actions"}, ...buttons) : null);
}

const button = (label, onclick, kind = "solid-button") =>
    element("button", {type: "button", class: kind, onclick}, label);

export const emptyIndex = (updating) => updating
    ? words("The first pictures are on their way",
            ["The index is being made. This page shows them when they are there."])
    : words("Nothing is indexed yet", [
        "Point siglip at a folder, and its pictures can be found here:",
        command("siglip index FOLDER --model M"),
      ]);

export const noIndex = () => words("This service searches no index", [
  "It answers programs only. To search pictures, start it with the folder of an index:",
  command("siglip serve --model M --index DIR"),
]);

export const nothingPasses = (clear) =>
    words("No picture passes these filters", ["None was left to compare."], button("Clear the filters", clear));

export const nothingFound = () =>
    words("Nothing found", ["Try other words, or a picture of something similar."]);

export const noDuplicates = (kind) => words("No duplicates", [
  kind === "same-bytes" ? "No two files have the same bytes." : "No two pictures are alike in this way.",
]);

export const pictureGone = (start) => words("That picture is no longer in the index", [
  "It may have been removed since. What was found for it cannot be found again.",
], button("Start again", start));

/** Why there is no answer yet. */
export const waitingWords = (error) => (error.status === 0 ? "The service does not answer" : "The service is busy");

/** While the page waits to ask again; `update(seconds)` counts down without being read out. */
export function waiting(error, now) {
  const busy = error.status !== 0;
  const rest = element("span", {"aria-hidden": "true"});
  const shown = words(waitingWords(error), [
    busy ? "Others are being served first." : "It may have been stopped, or this machine is offline.",
    element("p", {class: "countdown"}, rest),
  ], button("Try now", now));
  shown.update = (seconds) => { rest.textContent = `Trying again in ${seconds} s`; };
  return shown;
}

/** `again` is null where there is another way to ask again. */
export const refused = (error, again) =>
    words("That did not work", [error.message], ...(again ? [button("Try again", again)] : []));
