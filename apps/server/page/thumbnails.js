// Pictures of the index in <img>: their addresses, and what to do when one does not come.

import {ServiceError, errorOf} from "./service.js";

const TRIES = 6;
const LONGEST_WAIT = 15;  // seconds

/** `hit` has an id and, where it is known, a hash, which lets the browser keep the picture. */
const version = (hit) => (hit.hash ? `v=${encodeURIComponent(hit.hash)}` : "");

/** The file itself. */
export const pictureAddress = (hit) => `/v1/images/${hit.id}${hit.hash ? `?${version(hit)}` : ""}`;

/** A JPEG whose longer side is 320 or 640 pixels. */
export const thumbnailAddress = (hit, size) =>
    `/v1/images/${hit.id}/thumbnail?size=${size}${hit.hash ? `&${version(hit)}` : ""}`;

/** Why an <img> did not load `address`: a ServiceError, or null if the bytes are there. */
export async function whyMissing(address) {
  const stop = new AbortController();
  try {
    const reply = await fetch(address, {signal: stop.signal});
    if (!reply.ok) return await errorOf(reply);
    stop.abort();
    return null;
  } catch {
    return new ServiceError(0, "offline", "The service does not answer.", null);
  }
}

// An <img> does not tell why it failed. The page asks for one at a time, so that a busy service
// is not asked for sixty more.
let asking = Promise.resolve();

/**
 * Loads a thumbnail into `image`, again if the service is busy. `onMissing(error)` is called if
 * it cannot be had.
 */
export function loadThumbnail(image, hit, size, onMissing) {
  const address = thumbnailAddress(hit, size);
  let tries = 0;
  image.addEventListener("load", () => image.classList.add("there"));
  image.addEventListener("error", () => {
    asking = asking.then(async () => {
      if (!image.isConnected) return;
      tries += 1;
      const error = await whyMissing(address);
      if (tries >= TRIES || (error && !error.passes)) {
        onMissing(error ?? new ServiceError(200, "undecodable", "no picture", null));
        return;
      }
      const wait = Math.min(error?.retryAfter ?? tries, LONGEST_WAIT);
      setTimeout(() => { image.src = address; }, wait * 1000);
    });
  });
  image.src = address;
}

/** Words for a picture that cannot be had. */
export function missingWords(error) {
  if (error.status === 410) return "Changed or gone since it was indexed";
  if (error.status === 404) return "No longer in the index";
  if (error.status === 403) return error.message;
  if (error.passes) return "The service is busy";
  return "Cannot be shown";
}
