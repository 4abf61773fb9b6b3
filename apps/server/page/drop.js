// Pictures that are dropped anywhere on the page, or pasted.

import {byId} from "./dom.js";
import {firstPicture} from "./pictures.js";

const OWN = "application/x-siglip-id";

/** `onFile(file)`, `onId(id)` for a picture of this page, or `onProblem(text)`. */
export function startDrop(onFile, onId, onProblem) {
  const sheet = byId("drop");
  const wanted = (event) => [...(event.dataTransfer?.types ?? [])].some((type) => type === "Files" || type === OWN);

  document.addEventListener("dragenter", (event) => {
    if (!wanted(event)) return;
    event.preventDefault();
    sheet.hidden = false;
  });
  document.addEventListener("dragover", (event) => {
    if (!wanted(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  document.addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) sheet.hidden = true;  // out of the window
  });
  document.addEventListener("dragend", () => { sheet.hidden = true; });
  document.addEventListener("drop", (event) => {
    sheet.hidden = true;
    if (!wanted(event)) return;
    event.preventDefault();
    const id = event.dataTransfer.getData(OWN);
    if (/^[0-9]+$/.test(id)) {
      onId(Number(id));
      return;
    }
    const file = firstPicture(event.dataTransfer.files);
    if (file) onFile(file);
    else onProblem("That is no picture.");
  });

  document.addEventListener("paste", (event) => {
    const files = event.clipboardData?.files ?? [];
    if (files.length === 0) return;  // text goes where the cursor is
    event.preventDefault();
    const file = firstPicture(files);
    if (file) onFile(file);
    else onProblem("That is no picture.");
  });
}
