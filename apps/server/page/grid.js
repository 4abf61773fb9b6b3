// Rows of pictures, and moving among them with the keyboard: one of them is in the order of Tab,
// arrows go to its neighbours.

import {element} from "./dom.js";
import {tile} from "./tile.js";

const LIST = "rows";

export class Grid {
  /** `act` has open(hit, link), like(hit), alike(hit, link) and leave(), for going up from the first row. */
  constructor(act) {
    this.act = act;
    this.element = element("div", {class: "grid"});
    this.tiles = [];  // {hit, item, link}
    this.weaker = false;
    this.list = null;
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.element.addEventListener("focusin", (event) => {
      const item = event.target.closest(".tile");
      const at = this.tiles.findIndex((one) => one.item === item);
      if (at >= 0) this.#makeCurrent(at);
    });
  }

  get hits() {
    return this.tiles.map((one) => one.hit);
  }

  /**
   * Adds hits behind those that are there. `best` is the hit that bars are relative to, or null;
   * hits whose standout is below `weak` come under a heading that says so.
   */
  add(hits, best, weak) {
    for (const hit of hits) {
      const starts = !this.weaker && best && typeof hit.standout === "number" && hit.standout < weak;
      if (starts) {
        this.weaker = true;
        const words = this.tiles.length > 0 ? "Weaker matches" : "Nothing stands out; the nearest are";
        this.element.append(element("h2", {class: "weaker"}, words));
      }
      if (!this.list || starts) {
        this.list = element("ol", {class: LIST, role: "list"});
        this.element.append(this.list);
      }
      const item = tile(hit, best, this.act);
      this.list.append(item);
      this.tiles.push({hit, item, link: item.querySelector(".shot")});
    }
    if (!this.current && this.tiles.length > 0) this.#makeCurrent(0);
  }

  /** Puts the focus on a hit, or on the one that had it last. */
  focus(hit = null) {
    const at = hit ? this.tiles.findIndex((one) => one.hit === hit) : this.tiles.indexOf(this.current);
    this.tiles[at]?.link.focus();
  }

  #makeCurrent(at) {
    const set = (one, value) => one?.item.querySelectorAll("a, button").forEach((each) => { each.tabIndex = value; });
    set(this.current, -1);
    this.current = this.tiles[at];
    set(this.current, 0);
  }

  /** The tile above (-1) or below (1) one: of the nearest row the one that overlaps most. */
  #vertical(from, direction) {
    const here = this.tiles[from].item.getBoundingClientRect();
    const middle = (here.left + here.right) / 2;
    let row = null;
    let found = -1;
    let least = Infinity;
    for (let at = from + direction; at >= 0 && at < this.tiles.length; at += direction) {
      const there = this.tiles[at].item.getBoundingClientRect();
      if (Math.abs(there.top - here.top) < 4) continue;
      row ??= there.top;
      if (Math.abs(there.top - row) > 4) break;
      const distance = Math.abs((there.left + there.right) / 2 - middle);
      if (distance < least) [least, found] = [distance, at];
    }
    return found;
  }

  #onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const item = event.target.closest(".tile");
    const from = this.tiles.findIndex((one) => one.item === item);
    if (from < 0) return;
    let to = -1;
    switch (event.key) {
      case "ArrowLeft": to = from - 1; break;
      case "ArrowRight": to = from + 1; break;
      case "ArrowUp": to = this.#vertical(from, -1); break;
      case "ArrowDown": to = this.#vertical(from, 1); break;
      case "Home": to = 0; break;
      case "End": to = this.tiles.length - 1; break;
      case "s": case "S":
        event.preventDefault();
        this.act.like(this.tiles[from].hit);
        return;
      default: return;
    }
    event.preventDefault();
    if (this.tiles[to]) this.tiles[to].link.focus();
    else if (event.key === "ArrowUp") this.act.leave();
  }
}
