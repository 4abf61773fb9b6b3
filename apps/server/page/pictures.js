// Pictures that people bring along: dropped, pasted or chosen. They stay in this page's memory;
// the history of the browser holds only a number for each.

const LARGEST = 14e6;  // bytes; a third more in base64, which has to fit the 20 MiB of a request
const SIDE = 2048;     // pixels, of what is larger
const KEPT = 20;

const kept = new Map();
let last = 0;

/** A number under which `file` is found again while the page is open. */
export function keep(file) {
  for (const [key, one] of kept) {
    if (one === file) return key;
  }
  last += 1;
  kept.set(last, file);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  return last;
}

/** The file that was kept under `key`, or null. */
export const keptPicture = (key) => kept.get(key) ?? null;

/** The first picture among `files`, or null; by its ending where the browser knows no type. */
export function firstPicture(files) {
  const endings = /\.(jpe?g|png|gif|webp|bmp|tiff?|avif|hei[cf]|p[bgnp]m)$/i;
  return [...files].find((file) => file.type.startsWith("image/") || endings.test(file.name)) ?? null;
}

async function shrunk(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.95));
}

function read(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

/**
 * A picture as a data URI. One that is too large for a request is made smaller first, if the
 * browser can read it. Throws Error with words for people.
 */
export async function dataUri(file) {
  let blob = file;
  if (file.size > LARGEST) {
    try {
      blob = await shrunk(file);
    } catch {
      throw new Error("This picture is too large to send, and the browser cannot make it smaller.");
    }
  }
  let uri;
  try {
    uri = await read(blob);
  } catch {
    throw new Error("This picture can no longer be read.");
  }
  // The service knows formats by their bytes; a type is needed, whichever it is.
  return uri.replace(/^data:[^;,]*/, (type) => (type.startsWith("data:image/") ? type : "data:image/jpeg"));
}
