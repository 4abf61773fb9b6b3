// Filters, folded away until they are wanted.

import {byId, element} from "./dom.js";
import {folderOf, printable} from "./format.js";
import {FILTERS} from "./query.js";

const MOST_FOLDERS = 200;

export class Filters {
  /** `onChange()` is called when the reader has set or cleared them. */
  constructor(onChange) {
    this.form = byId("filters");
    this.folders = new Set();
    byId("filters-button").addEventListener("click", () => this.open(this.form.hidden));
    this.form.addEventListener("submit", (event) => { event.preventDefault(); onChange(); });
    // Dates change with every digit of their year: those wait for "Apply".
    this.form.addEventListener("change", (event) => {
      if (event.target.matches("select, [type=checkbox]") && this.form.reportValidity()) onChange();
    });
    byId("filters-clear").addEventListener("click", () => { this.clear(); onChange(); });
  }

  /** Folds or unfolds them. */
  open(open) {
    this.form.hidden = !open;
    byId("filters-button").setAttribute("aria-expanded", String(open));
  }

  clear() {
    for (const name of FILTERS) this.form.elements[name].value = "";
    this.form.elements.unfolded.checked = false;
    this.#count();
  }

  /** Shows those of a query. */
  show(query) {
    for (const name of FILTERS) this.form.elements[name].value = query.filters[name] ?? "";
    this.form.elements.unfolded.checked = !query.fold;
    this.#count();
  }

  /** {filters, fold}, as the form says. */
  read() {
    const filters = {};
    for (const name of FILTERS) {
      const value = this.form.elements[name].value.trim();
      if (value) filters[name] = value;
    }
    this.#count();
    return {filters, fold: !this.form.elements.unfolded.checked};
  }

  /** Offers folders: those of the index, and those that hits are in. */
  offer(folders) {
    const before = this.folders.size;
    for (const folder of folders) {
      if (folder && this.folders.size < MOST_FOLDERS && printable(folder) === folder) this.folders.add(folder);
    }
    if (this.folders.size === before) return;
    byId("folders").replaceChildren(...[...this.folders].sort().map((value) => element("option", {value})));
  }

  /** Offers the folders of hits. */
  offerOf(hits) {
    this.offer(hits.filter((hit) => !hit.path_base64).map((hit) => folderOf(hit.path)));
  }

  #count() {
    const set = FILTERS.filter((name) => this.form.elements[name].value !== "").length +
        (this.form.elements.unfolded.checked ? 1 : 0);
    const count = byId("filters-count");
    count.textContent = String(set);
    count.hidden = set === 0;
  }
}
