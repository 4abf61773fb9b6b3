// The one bar: words, words to exclude, a picture.

import {byId, element, foreign, icon} from "./dom.js";
import {firstPicture} from "./pictures.js";
import {splitWords} from "./query.js";
import {thumbnailAddress} from "./thumbnails.js";

export class SearchBar {
  /**
   * `onSearch(parts)` gets {words, not, like, picture} when a search is asked for; `onProblem(text)`
   * gets words about what cannot be searched for.
   */
  constructor(onSearch, onProblem) {
    this.onSearch = onSearch;
    this.onProblem = onProblem;
    this.not = [];
    this.like = null;
    this.hash = null;  // of the picture `like`, where it is known
    this.picture = null;
    this.preview = null;  // address of the picture's bytes in this page
    byId("search").addEventListener("submit", (event) => { event.preventDefault(); this.#search(); });
    byId("add-without").addEventListener("click", () => this.#editWithout());
    byId("choose").addEventListener("change", (event) => {
      const file = firstPicture(event.target.files);
      event.target.value = "";
      if (file) this.take(file);
      else this.onProblem("That is no picture.");
    });
    const without = byId("without");
    without.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        this.#keepWithout();
        this.#search();
      } else if (event.key === "Escape") {
        without.value = "";
        byId("words").focus();
      }
    });
    without.addEventListener("blur", () => this.#keepWithout());
  }

  /** Shows a query. `hash` is that of the picture `like`, if known. */
  show(query, hash = null) {
    byId("words").value = query.words;
    this.not = [...query.not];
    this.like = query.like;
    this.hash = hash;
    this.#setPicture(query.picture);
    byId("without").value = "";
    byId("without-field").hidden = true;
    this.#draw();
  }

  /** Searches with a picture of the reader's, and with the words that are there. */
  take(file) {
    this.#setPicture(file);
    this.like = null;
    this.#search();
  }

  /** Searches with a picture of the index, and with the words that are there. */
  takeLike(id) {
    this.#setPicture(null);
    this.like = id;
    this.hash = null;
    this.#search();
  }

  /** Where the model knows no words, they are not asked for. */
  setTexts(texts) {
    byId("words").disabled = !texts;
    byId("words").placeholder = texts ? "Describe a picture" : "Choose, drop or paste a picture";
    byId("add-without").hidden = !texts;
  }

  #setPicture(file) {
    if (file === this.picture) return;
    if (this.preview) URL.revokeObjectURL(this.preview);
    this.picture = file;
    this.preview = file ? URL.createObjectURL(file) : null;
  }

  #search() {
    this.#keepWithout();
    const {words, not} = splitWords(byId("words").value);
    for (const one of not) if (!this.not.includes(one)) this.not.push(one);
    this.onSearch({words, not: [...this.not], like: this.like, picture: this.picture});
  }

  #editWithout() {
    byId("without-field").hidden = false;
    byId("without").focus();
  }

  #keepWithout() {
    const words = byId("without").value.trim();
    byId("without").value = "";
    byId("without-field").hidden = true;
    if (words && !this.not.includes(words)) {
      this.not.push(words);
      this.#draw();
    }
  }

  #chip(kind, content, label, remove) {
    return element("li", {class: `chip ${kind}`}, ...content, element("button", {
      type: "button", "aria-label": label, onclick: () => { remove(); byId("words").focus(); this.#search(); },
    }, icon("close")));
  }

  #draw() {
    const chips = [];
    const source = this.preview ??
        (this.like === null ? null : thumbnailAddress({id: this.like, hash: this.hash}, 320));
    if (source) {
      const name = this.picture ? this.picture.name || "pasted picture" : "like this";
      const image = element("img", {alt: "", src: source});
      image.addEventListener("error", () => image.replaceWith(icon("picture")));  // HEIC, say
      chips.push(this.#chip("picture", [image, element("span", {}, foreign(name))], "Remove the picture",
                            () => { this.#setPicture(null); this.like = null; }));
    }
    for (const words of this.not) {
      chips.push(this.#chip("without", [element("span", {}, "without "), foreign(words)],
                            `Remove: without ${words}`,
                            () => { this.not = this.not.filter((one) => one !== words); }));
    }
    byId("chips").replaceChildren(...chips);
    byId("chips").hidden = chips.length === 0;
  }
}
