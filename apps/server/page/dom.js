// Making elements. Text is always text: nothing here, or anywhere on the page, takes markup.

/** The element with this id. */
export const byId = (id) => document.getElementById(id);

/**
 * An element with properties and children (nodes or strings; null is left out). `class` and
 * `aria-...` are attributes, functions named `onclick` and the like listen, all else is set as
 * the property of this name.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (key === "class" || key === "role" || key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** One of the symbols of index.html. */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(space, "svg");
  made.setAttribute("class", "icon");
  made.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `#icon-${name}`);
  made.append(use);
  return made;
}

/** Text of foreign origin, which keeps its direction of writing to itself. */
export const foreign = (text) => element("bdi", {}, text);

/** Puts `text` on the clipboard; on failure (no permission, no secure origin) selects `shown`. */
export async function copyText(text, shown) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (shown) window.getSelection().selectAllChildren(shown);
    return false;
  }
}
