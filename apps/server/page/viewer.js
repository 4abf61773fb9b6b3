// The large view: a picture, what is known of it, those that look the same, and arrows.

import {byId, copyText, element, foreign} from "./dom.js";
import {facts} from "./facts.js";
import {counted, nameOf, number, printable} from "./format.js";
import {clearStage, stage} from "./stage.js";
import {thumbnail} from "./tile.js";
import {pictureAddress} from "./thumbnails.js";

const SWIPE = 48;  // pixels

export class Viewer {
  /**
   * `act` has like(hit), moved(hit) after a step, closed(hit) after the reader closed it, and
   * alike(hit): a promise of the hits that are folded into it.
   */
  constructor(act) {
    this.act = act;
    this.dialog = byId("viewer");
    this.hits = [];
    this.at = 0;
    this.shown = null;
    byId("viewer-previous").addEventListener("click", () => this.step(-1));
    byId("viewer-next").addEventListener("click", () => this.step(1));
    byId("viewer-close").addEventListener("click", () => this.dialog.close());
    byId("viewer-like").addEventListener("click", () => act.like(this.shown));
    byId("viewer-copy").addEventListener("click", () => this.#copy());
    this.dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.dialog.addEventListener("close", () => {
      clearStage();
      if (this.shown) act.closed(this.hits[this.at]);
      this.shown = null;
    });
    this.#swipes();
  }

  get isOpen() {
    return this.dialog.open;
  }

  /** Opens at one of `hits`; with `alike` the strip of those that look the same comes into sight. */
  open(hits, hit, alike = false) {
    this.hits = hits;
    this.at = hits.indexOf(hit);
    if (!this.dialog.open) this.dialog.showModal();
    byId("viewer-panel").scrollTop = 0;
    this.#show(hit);
    this.#showAlike(hit, alike);
    const arrow = this.at + 1 < hits.length ? "viewer-next" : "viewer-previous";
    byId(alike || hits.length < 2 ? "viewer-like" : arrow).focus();
  }

  /** Closes it without telling: the address has changed already. */
  dismiss() {
    this.shown = null;
    this.dialog.close();
  }

  /** To the next (1) or previous (-1) hit, if there is one. */
  step(by) {
    const hit = this.hits[this.at + by];
    if (!hit) return;
    this.at += by;
    this.#show(hit);
    this.#showAlike(hit, false);
    this.act.moved(hit);
  }

  #show(hit) {
    this.shown = hit;
    stage(hit);
    const name = nameOf(hit.path);
    byId("viewer-picture").alt = name;
    byId("viewer-place").textContent =
        this.hits.length > 1 ? `${number(this.at + 1)} of ${number(this.hits.length)}` : "";
    byId("viewer-name").replaceChildren(foreign(name));
    byId("viewer-path").replaceChildren(foreign(printable(hit.path)));
    byId("viewer-copy").classList.remove("done");
    byId("viewer-open").href = pictureAddress(hit);
    byId("viewer-facts").replaceChildren(...facts(hit));
    // What has the focus must not be disabled, or the keyboard is lost.
    byId("viewer-previous").setAttribute("aria-disabled", String(this.at === 0));
    byId("viewer-next").setAttribute("aria-disabled", String(this.at + 1 >= this.hits.length));
  }

  async #showAlike(hit, wanted) {
    const more = byId("viewer-more");
    more.replaceChildren();
    if (!(hit.alike?.length > 0)) return;
    const list = element("ul", {class: "strip", role: "list"});
    more.append(element("h3", {}, `${counted(hit.alike.length, "picture")} alike`), list);
    let alike;
    try {
      alike = await this.act.alike(hit);
    } catch (error) {
      list.replaceWith(element("p", {class: "quiet"}, error.message));
      return;
    }
    if (this.hits[this.at] !== hit || !this.shown) return;
    const buttons = [hit, ...alike].map((one) => {
      const button = element("button", {type: "button", "aria-label": nameOf(one.path)}, thumbnail(one, 320));
      button.setAttribute("aria-current", String(one === hit));
      button.addEventListener("click", () => {
        for (const each of buttons) each.setAttribute("aria-current", String(each === button));
        this.#show(one);
      });
      return button;
    });
    list.append(...buttons.map((button) => element("li", {}, button)));
    if (wanted) {
      more.scrollIntoView({block: "nearest"});
      buttons[1]?.focus();
    }
  }

  async #copy() {
    const copied = await copyText(this.shown.path, byId("viewer-path"));
    byId("viewer-copy").classList.toggle("done", copied);
    byId("viewer-note").textContent = copied ? "Path copied" : "The path is selected, ready to be copied";
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") this.step(-1);
    else if (event.key === "ArrowRight") this.step(1);
    else if (event.key === "s" || event.key === "S") this.act.like(this.shown);
    else return;
    event.preventDefault();
  }

  #swipes() {
    let start = null;
    const stageElement = byId("stage");
    stageElement.addEventListener("touchstart", (event) => {
      start = event.touches.length === 1 ? event.touches[0].clientX : null;
    }, {passive: true});
    stageElement.addEventListener("touchend", (event) => {
      if (start === null) return;
      const moved = event.changedTouches[0].clientX - start;
      if (Math.abs(moved) > SWIPE) this.step(moved < 0 ? 1 : -1);
      start = null;
    }, {passive: true});
  }
}
