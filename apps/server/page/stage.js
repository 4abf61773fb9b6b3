// The large picture: the thumbnail at once, then the file, or a larger thumbnail where the
// browser cannot show the file.

import {byId, element, icon} from "./dom.js";
import {printable} from "./format.js";
import {missingWords, pictureAddress, thumbnailAddress, whyMissing} from "./thumbnails.js";

const UNSHOWN = /\.(hei[cf]|tiff?|p[bgnp]m)$/i;
const WHEN_NOT_TOLD = 3;  // seconds
const LONGEST_WAIT = 30;

let latest = 0;

/** Resolves to whether the browser can show what is at `address`. */
function loads(address) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(true);
    image.onerror = () => resolve(false);
    image.src = address;
  });
}

function say(words) {
  byId("viewer-picture").hidden = true;
  byId("viewer-words").hidden = false;
  byId("viewer-words").replaceChildren(icon("gone"), element("p", {}, printable(words)));
}

function place(hit) {
  const image = byId("viewer-picture");
  const known = hit.width > 0 && hit.height > 0;
  image.style.setProperty("--ratio", known ? (hit.width / hit.height).toFixed(5) : "1.5");
  // Small pictures may be shown at twice their size, no more: they would look broken.
  image.style.setProperty("--widest", `${known ? hit.width * 2 : 1280}px`);
  image.src = thumbnailAddress(hit, 320);
  image.classList.add("preview");
  image.hidden = false;
  byId("viewer-words").hidden = true;
}

/** Shows `hit` on the stage. */
export async function stage(hit) {
  latest += 1;
  const turn = latest;
  const image = byId("viewer-picture");
  const note = byId("viewer-note");
  note.textContent = "";
  place(hit);
  const ending = hit.path.slice(hit.path.lastIndexOf(".") + 1);
  let large = UNSHOWN.test(hit.path);
  for (;;) {
    const address = large ? thumbnailAddress(hit, 640) : pictureAddress(hit);
    const shown = await loads(address);
    if (turn !== latest) return;
    if (shown) {
      image.src = address;
      image.classList.remove("preview");
      if (large) note.textContent = `A preview: browsers do not show ${printable(ending).toUpperCase()} files`;
      return;
    }
    const error = await whyMissing(address);
    if (turn !== latest) return;
    if (error === null && !large) {
      large = true;
    } else if (error?.passes) {
      note.textContent = missingWords(error);
      const wait = Math.min(error.retryAfter ?? WHEN_NOT_TOLD, LONGEST_WAIT);
      await new Promise((resolve) => setTimeout(resolve, wait * 1000));
      if (turn !== latest) return;
      note.textContent = "";
    } else {
      say(error ? missingWords(error) : "Cannot be shown");
      return;
    }
  }
}

/** Nothing is shown any more. */
export function clearStage() {
  latest += 1;
  byId("viewer-picture").removeAttribute("src");
  byId("viewer-note").textContent = "";
}
