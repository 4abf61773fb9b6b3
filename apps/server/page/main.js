// The page as a whole: its address says what is shown, and everything that is shown comes from here.

import {showAbout} from "./about.js";
import {byId, element} from "./dom.js";
import {startDrop} from "./drop.js";
import * as duplicates from "./duplicates.js";
import {Filters} from "./filters.js";
import {counted, printable, took} from "./format.js";
import {Grid} from "./grid.js";
import {startKeyDialog} from "./key_dialog.js";
import {patiently} from "./patience.js";
import {dataUri, keep, keptPicture} from "./pictures.js";
import * as queries from "./query.js";
import {SearchBar} from "./search_bar.js";
import {ask} from "./service.js";
import * as states from "./states.js";
import {Viewer} from "./viewer.js";

const WALL = 24;             // pictures that greet the reader
const WALL_WORDS = "a beautiful photo";
const LOOK_AGAIN = 8000;     // ms between looks at an index that is being made
const CACHED = 20;

const content = byId("content");
const status = byId("status");
const views = new Map();     // what was shown, by address and picture, so that "back" is immediate
const hashes = new Map();    // of contents that were seen, by id

let index = null;            // the answer of GET /v1/index
let shown = null;            // the view that is on the page
let running = new AbortController();

// What the reader does before the index is known is done afterwards.
let indexArrived;
const indexed = new Promise((resolve) => { indexArrived = resolve; });

const bar = new SearchBar((parts) => indexed.then(() => search({...parts, ...filters.read()})), problem);
const filters = new Filters(() => { if (shown?.query) search({...shown.query, ...filters.read()}); });
const viewer = new Viewer({
  like: moreLike,
  moved: (hit) => history.replaceState(history.state, "", fragment(hit)),
  closed: (hit) => {
    if (history.state?.opened) history.back();
    else history.replaceState(history.state, "", `${location.pathname}${location.search}`);
    shown?.grid?.focus(hit);
  },
  alike: findAlike,
});

function problem(text) {
  byId("alert").replaceChildren(element("p", {class: "problem"}, text));
}

const fragment = (hit) => `${location.pathname}${location.search}#picture-${hit.id}`;

// ---- going somewhere ----

/** To an address; what is shown there already is found anew. */
function go(address, state = {}, replace = false) {
  const key = keyOf(address, state);
  views.delete(key);
  const same = shown?.key === key;
  history[replace || same ? "replaceState" : "pushState"](state, "", address);
  if (same) shown = null;
  show(true);
}

/** Searches for a query; without anything to search for the wall of pictures is shown. */
function search(query) {
  if (!queries.isAsked(query) && query.not.length > 0) {
    problem("Add words or a picture to search for.");
    byId("words").focus();
    return;
  }
  go(queries.addressOf(query), query.picture ? {picture: keep(query.picture)} : {});
}

/** Everything else of the search is left behind, but not the filters. */
function moreLike(hit) {
  if (hit.hash) hashes.set(hit.id, hit.hash);
  const query = {...queries.emptyQuery(), like: hit.id, ...filters.read()};
  const wasOpen = viewer.isOpen;
  if (wasOpen) viewer.dismiss();
  go(queries.addressOf(query), {}, wasOpen);
}

const keyOf = (address, state) => `${state?.picture ?? ""} ${address}`;

/** Shows what the address says; `anew` unless the history brought us here. */
function show(anew) {
  const address = `${location.pathname}${location.search}`;
  const key = keyOf(address, history.state);
  if (shown?.key === key) {
    showFragment();
    return;
  }
  if (shown) shown.scroll = window.scrollY;
  if (viewer.isOpen) viewer.dismiss();
  running.abort();
  running = new AbortController();
  byId("alert").replaceChildren();
  const fields = new URLSearchParams(location.search);
  if (fields.get("view") === "duplicates") {
    showDuplicates(key, duplicates.kindOf(fields.get("kind")));
  } else {
    const query = queries.readQuery(location.search, keptPicture(history.state?.picture));
    if (queries.isAsked(query) && index.contents > 0) showSearch(key, query);
    else showStart(key, query);
  }
  window.scrollTo(0, anew ? 0 : shown.scroll);
  showFragment();
}

/** Opens or closes the large view, as the address says. */
function showFragment() {
  const id = /^#picture-([0-9]+)$/.exec(location.hash)?.[1];
  if (!id) {
    if (viewer.isOpen) viewer.dismiss();
    return;
  }
  const hit = shown?.grid?.hits.find((one) => one.id === Number(id));
  if (hit && viewer.shown?.id !== hit.id) viewer.open(shown.grid.hits, hit);
}

/** A view that is on the page from now on: the one that was there before, or `made`. */
function enter(name, key, query, make) {
  document.body.dataset.view = name;
  const about = name === "duplicates" ? "Duplicates" : query.words || (name === "search" ? "Pictures like one" : "");
  document.title = about ? `${printable(about)} – siglip` : "siglip";
  const known = views.get(key);
  shown = known ?? {view: name, key, query, scroll: 0, status: "", element: element("div"), grid: null};
  content.replaceChildren(shown.element);
  content.setAttribute("aria-busy", "false");
  tell(shown, shown.status);
  byId("numbers").hidden = name !== "search";
  if (name === "duplicates") byId("duplicates-link").setAttribute("aria-current", "page");
  else byId("duplicates-link").removeAttribute("aria-current");
  if (query) {
    bar.show(query, hashes.get(query.like));
    filters.show(query);
  }
  if (!known) make(shown, running.signal);
}

function remember(view) {
  views.set(view.key, view);
  if (views.size > CACHED) views.delete(views.keys().next().value);
}

function tell(view, text) {
  view.status = text;
  if (view === shown) status.textContent = text;
}

// ---- asking and waiting ----

/**
 * What `action` returns, or null if it failed or was overtaken: then `view` says so. Busy and absent services are
 * waited for.
 */
async function asked(view, signal, action, again) {
  let wait = null;
  view.element.querySelector(":scope > .words")?.remove();
  try {
    const answer = await patiently(action, signal, (error, seconds, now) => {
      if (!wait || wait.status !== error.status) {
        wait?.shown.remove();
        wait = {status: error.status, shown: states.waiting(error, now)};
        view.element.append(wait.shown);
        tell(view, wait.shown.querySelector("h2").textContent);
      }
      wait.shown.querySelector("button").onclick = now;
      wait.shown.update(seconds);
    });
    return answer;
  } catch (error) {
    if (signal.aborted) return null;
    const gone = error.status === 404 && typeof view.query?.like === "number";
    const said = gone ? states.pictureGone(() => go("/")) : states.refused(error, again);
    view.element.append(said);
    tell(view, said.querySelector("h2").textContent);
    return null;
  } finally {
    wait?.shown.remove();
    if (view === shown) content.setAttribute("aria-busy", "false");
  }
}

/** A button at the end of what is shown; it goes when `onclick` resolves to true. */
function moreButton(label, onclick) {
  const button = element("button", {type: "button", class: "quiet-button framed"}, label);
  const row = element("p", {class: "more"}, button);
  button.addEventListener("click", async () => {
    button.disabled = true;
    if (await onclick()) row.remove();
    else button.disabled = false;
  });
  return row;
}

// ---- searching ----

function grid(view) {
  view.grid = new Grid({
    open: (hit) => openLarge(view.grid.hits, hit, false),
    alike: (hit) => openLarge(view.grid.hits, hit, true),
    like: moreLike,
    leave: () => byId("words").focus(),
  });
  view.element.append(view.grid.element);
}

function openLarge(hits, hit, alike) {
  history.pushState({...history.state, opened: true}, "", fragment(hit));
  viewer.open(hits, hit, alike);
}

function showSearch(key, query) {
  enter("search", key, query, (view, signal) => findMore(view, signal, 0));
}

async function findMore(view, signal, offset) {
  if (view === shown) content.setAttribute("aria-busy", "true");
  if (offset === 0) tell(view, "Searching…");
  const answer = await asked(view, signal, async () => {
    const image = view.query.picture ? await dataUri(view.query.picture) : null;
    return await ask("POST", "/v1/search", queries.requestOf(view.query, offset, image), signal);
  }, offset === 0 ? () => findMore(view, running.signal, 0) : null);
  if (!answer) return false;
  for (const hit of answer.data) hashes.set(hit.id, hit.hash);
  if (offset === 0) begin(view, answer);
  if (answer.data.length === 0) return true;
  view.grid.add(answer.data, view.best, index.weak_standout);
  filters.offerOf(answer.data);
  remember(view);
  if (answer.data.length === queries.PAGE) {
    view.element.append(moreButton("Show more", () => findMore(view, running.signal, offset + queries.PAGE)));
  }
  if (offset === 0 && view === shown) showFragment();
  return true;
}

function clearFilters() {
  filters.clear();
  search({...shown.query, ...filters.read()});
}

function begin(view, answer) {
  view.element.replaceChildren();
  if (answer.data.length === 0) {
    const filtered = answer.total === 0 && Object.keys(view.query.filters).length > 0;
    const none = filtered ? states.nothingPasses(clearFilters) : states.nothingFound();
    view.element.append(none);
    tell(view, none.querySelector("h2").textContent);
    return;
  }
  // A picture is most like itself: the others are measured by the best of them.
  view.best = answer.data.find((hit) => hit.id !== view.query.like) ?? answer.data[0];
  grid(view);
  tell(view, `${counted(answer.total, "picture")} compared in ${took(answer.took_ms)}`);
}

/** The hits that are folded into `hit`: what is most like it, unfolded, has them. */
async function findAlike(hit) {
  const wanted = new Set(hit.alike);
  const answer = await ask("POST", "/v1/search", {
    like: hit.id, fold: false, top: Math.min(4 * wanted.size + 20, 1000), ...queries.filterFields(shown.query),
  });
  const found = answer.data.filter((one) => wanted.has(one.id));
  for (const one of found) wanted.delete(one.id);
  const rest = [...wanted].map((id) => ({id, path: `picture ${id}`}));  // far from it, though alike
  // Their numbers are those of likeness to `hit`, not of this search.
  return [...found.map(({standout, score, ...others}) => ({...others, alike: []})), ...rest];
}

// ---- where nothing is searched for ----

function showStart(key, query) {
  enter("start", key, query, async (view, signal) => {
    if (index.contents === 0) {
      view.element.append(states.emptyIndex(index.updating));
      return;
    }
    if (!index.texts) return;
    try {
      const request = {text: WALL_WORDS, top: WALL, ...queries.filterFields(query)};
      const answer = await ask("POST", "/v1/search", request, signal);
      for (const hit of answer.data) hashes.set(hit.id, hit.hash);
      if (answer.data.length === 0) {
        view.element.append(states.nothingPasses(clearFilters));
        return;
      }
      view.element.append(element("h2", {class: "wall-title"}, "From your pictures"));
      grid(view);
      view.grid.add(answer.data, null, 0);
      remember(view);
      if (view === shown) showFragment();
    } catch {
      // The wall is an ornament: a service that is busy has better things to do.
    }
  });
}

// ---- duplicates ----

function showDuplicates(key, kind) {
  enter("duplicates", key, null, (view, signal) => {
    view.element.append(duplicates.kindChoice(kind));
    findDuplicates(view, signal, kind, 0);
  });
  bar.show(queries.emptyQuery());
}

async function findDuplicates(view, signal, kind, offset) {
  if (view === shown) content.setAttribute("aria-busy", "true");
  if (offset === 0) tell(view, "Comparing…");
  const answer = await asked(view, signal,
      () => ask("POST", "/v1/duplicates", duplicates.duplicatesRequest(kind, offset), signal),
      offset === 0 ? () => findDuplicates(view, running.signal, kind, 0) : null);
  if (!answer) return false;
  const count = duplicates.groupCount(answer);
  tell(view, count);
  if (answer.total > 0) view.element.querySelector(".group-count").textContent = `${count}.`;
  view.element.append(...duplicates.groups(kind, answer, (files, file, link) => {
    view.grid = {hits: files, focus: () => link.focus()};
    openLarge(files, file, false);
  }));
  remember(view);
  const next = offset + answer.data.length;
  if (answer.data.length > 0 && next < answer.total) {
    view.element.append(moreButton("Show more", () => findDuplicates(view, running.signal, kind, next)));
  }
  return true;
}

// ---- the index ----

/** Asks what there is, and again while that changes. Resolves to whether there is an index. */
async function lookAtIndex() {
  const before = index;
  try {
    index = await patiently(() => ask("GET", "/v1/index"), new AbortController().signal, (error, seconds) => {
      if (before === null) problem(`${states.waitingWords(error)}. Trying again in ${seconds} s.`);
    });
  } catch (error) {
    if (error.status === 404) content.replaceChildren(states.noIndex());
    else problem(error.message);
    return false;
  }
  if (before === null) byId("alert").replaceChildren();
  showAbout(index);
  bar.setTexts(index.texts);
  filters.offer(index.folders.map((folder) => folder.path));
  if (before !== null && before.contents === 0 && index.contents > 0) {
    shown = null;
    views.clear();
    show(true);
  }
  if (index.updating || index.contents === 0) setTimeout(lookAtIndex, LOOK_AGAIN);
  return true;
}

// ---- keys, links ----

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing) {
    event.preventDefault();
    byId("words").focus();
    byId("words").select();
  } else if (event.key === "ArrowDown" && event.target === byId("words")) {
    event.preventDefault();
    shown?.grid?.focus();
  } else if (event.key === "Escape" && !byId("filters").hidden) {
    filters.open(false);
    byId("filters-button").focus();
  }
}

/** Links to views of this page change the address, they do not load it again. */
function onLink(event) {
  const link = event.target.closest("a[href^='/?'], a[href='/']");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  indexed.then(() => go(link.getAttribute("href")));
}

async function start() {
  if (location.search) document.body.dataset.view = "search";  // until it is known: no jump
  history.scrollRestoration = "manual";
  startKeyDialog();
  startDrop((file) => bar.take(file), (id) => bar.takeLike(id), problem);
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onLink);
  window.addEventListener("popstate", () => indexed.then(() => show(false)));
  byId("numbers").addEventListener("click", (event) => {
    const pressed = document.body.classList.toggle("numbers");
    event.currentTarget.setAttribute("aria-pressed", String(pressed));
  });
  if (await lookAtIndex()) {
    show(true);
    indexArrived();
  }
}

start();
